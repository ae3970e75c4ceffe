#pragma once

#include "command/verb.h"

extern const struct verb load_verb;
