/* What files take on disk, as du(1) counts it: blocks, of files with several names once. */
#pragma once

#include <stdint.h>

struct usage {
    uint64_t bytes; /* of allocated blocks */
    uint64_t closed; /* directories that the caller may not look into, counted without what is in them */
    void *links;    /* the files with several names that were counted; tsearch(3) */
};

/* Adds PATH below DIR and all that is below it; other mounts are not looked into. What is gone meanwhile counts nothing.
 * -errno without a sentence: -ELOOP where it is too deep. */
int usage_add(struct usage *usage, int dir, const char *path);

/* Adds PATH alone. */
int usage_add_one(struct usage *usage, int dir, const char *path);

void usage_free(struct usage *usage);
#define auto_usage __attribute__((cleanup(usage_free))) struct usage
