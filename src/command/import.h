#pragma once

#include "command/verb.h"

extern const struct verb import_verb;
