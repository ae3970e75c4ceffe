#pragma once

#include "command/verb.h"

extern const struct verb rmi_verb;
