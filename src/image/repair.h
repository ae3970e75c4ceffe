/* Making anew what store_verify() has found to be wrong. */
#pragma once

#include "image/verify.h"

/* Called for what was done about a fault, or why nothing was. */
typedef void repair_listener(const struct fault *fault, const char *sentence, void *data);

/* Removes the layers and blobs of COUNT faults, but layers that somebody uses, and unpacks anew what images need and their blobs still
 * give. Calls EACH for every fault. Sets *LEFT to how many faults are still there: what was a blob is so until it is pulled or loaded
 * again. -EBUSY without a sentence while something is being added, saved or verified; -errno with one. */
int store_repair(const struct store *store, const struct layer_owners *owners, const struct fault *faults, size_t count,
                 repair_listener *each, void *data, size_t *left);
