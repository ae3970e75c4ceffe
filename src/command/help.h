#pragma once

#include "command/verb.h"

extern const struct verb help_verb;
