#pragma once

#include "command/verb.h"

extern const struct verb history_verb;
