/* An image of a root file system. */
#pragma once

#include "image/layers.h"

struct import_request {
    const char *name;           /* or NULL */
    const char *const *changes; /* image/changes.h */
    size_t n_changes;
    const char *message;        /* of its history; or NULL */
    struct platform platform;
};

/* Makes an image of one layer of the tar INPUT, packed or not, a file or a pipe, and gives it its name. IMAGE: what it is. What fails
 * leaves nothing. */
int image_import(const struct store *store, int input, const struct import_request *request, const struct layer_owners *owners,
                 layer_listener *each, void *data, struct image *image);
