#pragma once

#include "command/verb.h"

extern const struct verb push_verb;
