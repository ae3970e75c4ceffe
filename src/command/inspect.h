#pragma once

#include "command/verb.h"

extern const struct verb inspect_verb;
