/* Whether the store is what it says. */
#pragma once

#include "image/layers.h"

/* Called for each fault: WHAT is an image's name, a digest or a layer, SENTENCE what is wrong with it. */
typedef void verify_listener(const char *what, const char *sentence, void *data);

struct verification {
    size_t images, blobs, layers, faults;
};

/* Reads every image's documents, and every blob: its digest has to be its name, and the tar in a layer's what its image says
 * (diffID); and every file of every layer: all has to be as it was unpacked, by OWNERS. -errno with a sentence where that could not
 * be done. */
int store_verify(const struct store *store, const struct layer_owners *owners, verify_listener *each, void *data,
                 struct verification *result);
