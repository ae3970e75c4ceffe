/* Images from registries. bocal-registry fetches and verifies; here they become the store's. */
#pragma once

#include "image/layers.h"
#include "image/registry.h"
#include "spec/reference.h"

struct pull_request {
    const struct reference *reference; /* with a host */
    const char *platform;              /* NULL: this host's */
    struct registry_access access;
    char *const *mirrors;              /* HOST[:PORT][/PREFIX], asked before the host, in this order; NULL-terminated, or NULL */
    char *const *plain_hosts;          /* of these and the host who is asked without TLS; the same */
    bool newer;                        /* where the registry cannot be reached, what is here will do */
};

/* Asks the registry what the reference means now, fetches what is not here, unpacks it as it comes, and gives it its name, REFERENCE's text.
 * IMAGE: what it is now. What is interrupted leaves its blobs to the next pull of the same. -errno with a sentence; then the name means
 * what it meant before. */
int image_pull(const struct store *store, const struct pull_request *request, const struct layer_owners *owners,
               blob_listener *each, void *data, struct image *image);
