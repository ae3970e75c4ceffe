#pragma once

#include "command/verb.h"

extern const struct verb login_verb;
