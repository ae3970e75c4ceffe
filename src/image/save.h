/* Images out of the store, into one archive. */
#pragma once

#include "image/content.h"

enum save_format { SAVE_DOCKER, SAVE_OCI };
enum save_packing { SAVE_PLAIN, SAVE_GZIP, SAVE_ZSTD };

/* Writes IMAGES, COUNT of them, to OUTPUT, a file or a pipe, the caller's. Docker's format has one platform of each: this host's. What
 * is written when it fails is no archive. -errno with a sentence. */
int image_save(const struct store *store, const struct image *images, size_t count, enum save_format format,
               enum save_packing packing, int output);
