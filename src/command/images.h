#pragma once

#include "command/verb.h"

extern const struct verb images_verb;
