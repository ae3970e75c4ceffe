/* What --explain and --dry-run say of the image that is run: which it is, its layers, and what had to come for it. */
#pragma once

#include "engine/image.h"

#include <stdio.h>

/* A few lines before those of the plan. */
void image_explain(const struct run_image *image, FILE *out);
/* The same as one line of JSON, with the single member "image". */
void image_explain_json(const struct run_image *image, FILE *out);
