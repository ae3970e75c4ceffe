/* Images from registries. bocal-registry fetches and verifies; here they become the store's. */
#pragma once

#include "image/layers.h"
#include "image/registry.h"
#include "spec/reference.h"

struct pull_request {
    const struct reference *reference; /* with a host */
    const char *platform;              /* NULL: this host's */
    struct registry_access access;
};

/* Fetches what is not here, unpacks it, and gives it its name, REFERENCE's text. IMAGE: what it is now. -errno with a sentence;
 * then the name means what it meant before. */
int image_pull(const struct store *store, const struct pull_request *request, const struct layer_owners *owners,
               blob_listener *each, void *data, struct image *image);
