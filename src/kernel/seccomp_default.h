/* What tools/seccomp-compile makes of data/seccomp.json at build time. */
#pragma once

#include "kernel/seccomp.h"

extern const char seccomp_default_profile[];
extern const struct seccomp_program seccomp_default_program; /* for capability_default */
