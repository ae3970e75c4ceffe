/* Images into registries. bocal-registry sends them out of the store, as they are; here it is told what, and where blobs may be had
 * without being sent. */
#pragma once

#include "image/content.h"
#include "image/registry.h"
#include "spec/reference.h"

struct push_request {
    const struct reference *reference; /* where to, with a host */
    const char *platform;              /* the image for it alone, out of an index; NULL: all that IMAGE is */
    struct registry_access access;
};

/* Sends IMAGE. *DIGEST, in the store's arena: what the reference names there now. -errno with a sentence; then it names what it
 * named before. */
int image_push(const struct store *store, const struct image *image, const struct push_request *request, blob_listener *each,
               void *data, const char **digest);
