#pragma once

#include "command/verb.h"

extern const struct verb run_verb;
