#pragma once

#include "command/verb.h"

extern const struct verb tag_verb;
