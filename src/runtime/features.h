/* What this runtime can: runtime-spec features.md and features-linux.md. */
#pragma once

#include <stdio.h>

void features_print(FILE *out);
