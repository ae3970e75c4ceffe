/* Which images are meant: the filters of `images` and `image prune`. */
#pragma once

#include "base/instant.h"
#include "image/store.h"

struct image_condition;

struct image_filter {
    struct image_condition *conditions;
    size_t count;
};

enum filter_use { FILTER_LIST, FILTER_PRUNE };

/* Reads WORDS, COUNT of them, KEY=VALUE each, for a USE. STORE is where images that are named in them are looked up. -EINVAL with
 * a sentence that has what is known; all lives in the store's arena. */
int image_filter_parse(const struct store *store, const char **words, size_t count, enum filter_use use, struct image_filter *filter);

/* Whether IMAGE passes: of several reference filters one is enough, all others have to hold. What an image does not say holds
 * for none. 1, 0, or -errno with a sentence where it cannot be read. */
int image_filter_passes(const struct store *store, const struct image_filter *filter, const struct image *image);
