/* What an image of the store is: its manifest for a platform, its config, its layers. */
#pragma once

#include "image/store.h"
#include "spec/image_config.h"
#include "spec/manifest.h"

struct content {
    struct image image;
    const char *digest;          /* of the manifest; the image's own where that is no index */
    struct image_manifest manifest;
    struct image_config config;
    char **chain;                /* the layers' chainIDs, the lowest first, NULL-terminated */
    size_t n_layers;
};

/* Reads IMAGE's documents. PLATFORM: NULL for this host's. A manifest that is no index is taken whatever it is for. -errno with
 * a sentence. All lives in the store's arena. */
int content_read(const struct store *store, const struct image *image, const struct platform *platform, struct content *content);

/* Reads the manifest or index DIGEST, of MEDIA_TYPE, or of what it says itself to be where that is NULL. Its size, or -errno with a
 * sentence. */
int content_document(const struct store *store, const char *digest, const char *media_type, struct image_document *document);
