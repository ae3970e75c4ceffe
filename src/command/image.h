#pragma once

#include "command/verb.h"

extern const struct verb image_verb;
