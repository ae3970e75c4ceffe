#pragma once

#include "command/verb.h"

extern const struct verb completion_verb;
