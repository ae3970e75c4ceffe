/* What the caller's images and containers take on disk, and what of it could be removed. */
#pragma once

#include "engine/places.h"
#include "image/store.h"

struct disk_item {
    const char *name;
    uint64_t bytes;
    bool active; /* needed by what a container or a mount uses; or used itself */
};

struct disk_list {
    struct disk_item *items;
    size_t count;
};

struct disk_image {
    const struct image *image;
    uint64_t blobs, layers; /* bytes: of all that it consists of, shared with others or not */
    bool active;
};

enum disk_kind { DISK_BLOBS, DISK_LAYERS, DISK_CONTAINERS, DISK_EMBEDDED, DISK_INGEST, DISK_KINDS };
extern const char *const disk_names[DISK_KINDS];

struct disk_use {
    struct disk_list lists[DISK_KINDS];
    uint64_t other; /* directories, the index, locks: so that all together is what du(1) says of the directory */
    struct disk_image *images;
    size_t n_images;
    bool known; /* what is active: not while something is being added, saved or verified */
};

/* Measures STORE, of which nothing but the directory need be there. -errno with a sentence; all lives in the store's arena. */
int disk_measure(const struct store *store, const struct places *places, struct disk_use *use);

uint64_t disk_bytes(const struct disk_list *list);
/* What `bocal prune --all` would remove of it. */
uint64_t disk_reclaimable(const struct disk_list *list);
