#pragma once

#include "command/verb.h"

extern const struct verb logout_verb;
