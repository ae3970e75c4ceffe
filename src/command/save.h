#pragma once

#include "command/verb.h"

extern const struct verb save_verb;
