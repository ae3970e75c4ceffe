/* Adding images to the store. */
#pragma once

#include "image/layers.h"

/* What was read from an archive. */
struct loaded_image {
    struct image image;
    const char **names; /* references, NULL-terminated; may be empty */
    const char **other; /* what the archive calls it that is no reference, and is none of its names here; NULL-terminated */
};

/* What is loaded. */
struct archive {
    int input;        /* a docker-archive or one of OCI, packed or not; may be a pipe; the caller's */
    const char *only; /* the image of this name alone; NULL: all */
    bool single;      /* there may be one only */
    bool packed;      /* its layers stay as they are */
};

/* Reads ARCHIVE into the store, unpacks its images' layers and
 * gives them their names. What fails leaves nothing. Sets *LIST in the store's arena. */
int image_load(const struct store *store, const struct archive *archive, const struct layer_owners *owners, layer_listener *each, void *data,
               struct loaded_image **list, size_t *count);

/* Takes back what a failure R has left, unless somebody is adding; returns R. */
int image_give_up(const struct store *store, int r);

/* Unpacks IMAGE, whose blobs are there, and fills in what the index keeps of it. The caller holds the store (store_hold). */
int image_unpack(const struct store *store, struct image *image, const struct layer_owners *owners, layer_listener *each, void *data);
