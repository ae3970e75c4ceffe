#pragma once

#include "base/option.h"

#include <stdio.h>

/* The scdoc(5) source of bocal-runtime(8); GLOBAL are the options before the verb. */
void oci_man(FILE *out, const struct option_set *global);
