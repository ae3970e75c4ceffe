#pragma once

#include "command/verb.h"

extern const struct verb version_verb;
