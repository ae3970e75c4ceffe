/* Whether the store is what it says. */
#pragma once

#include "image/layers.h"

/* What is wrong, and of what. */
struct fault {
    const char *what; /* an image's name, a digest or a layer, for people */
    const char *sentence;
    enum fault_kind { FAULT_OTHER, FAULT_BLOB, FAULT_LAYER } kind; /* a blob or a layer that is not what it should be, beyond doubt */
    const char *name; /* of its file or directory; NULL: FAULT_OTHER */
};

/* Called for each, which lives in the store's arena. */
typedef void verify_listener(const struct fault *fault, void *data);

struct verification {
    size_t images, blobs, layers, faults;
};

/* Reads every image's documents, and every blob: its digest has to be its name, and the tar in a layer's what its image says
 * (diffID); and every file of every layer: all has to be as it was unpacked, by OWNERS. -errno with a sentence where that could not
 * be done. */
int store_verify(const struct store *store, const struct layer_owners *owners, verify_listener *each, void *data,
                 struct verification *result);
