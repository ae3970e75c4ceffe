/* A struct config as the OCI config.json that says the same, for --dry-run=oci. */
#pragma once

#include "spec/config.h"

#include <stdio.h>

/* Writes CONFIG to OUT, indented. What OCI has no word for is an annotation "io.bocal.…". */
void config_encode(const struct config *config, FILE *out);
