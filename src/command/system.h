#pragma once

#include "command/verb.h"

extern const struct verb system_verb;
