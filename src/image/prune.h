/* Removing images that nobody needs. */
#pragma once

#include "image/filter.h"

struct prune_request {
    bool all;                          /* images with names, too, where nobody uses them */
    const struct image_filter *filter; /* of these only */
};

/* Whether a container or a mount uses IMAGE's layers: 1, 0, or -errno with a sentence where it cannot be read. The caller holds the
 * store alone. */
int store_image_used(const struct store *store, const struct image *image);

typedef void prune_listener(const struct image *image, void *data);

/* Removes images without a name (ALL: those with one, too) that no container and no mount uses, and what no image needs; EACH is
 * called for every image that goes. Adds to *FREED what that was on disk, in bytes. -EBUSY without a sentence while something is
 * being added, saved or verified. */
int store_prune(const struct store *store, const struct prune_request *request, prune_listener *each, void *data, uint64_t *freed);
