/* What of the store is needed: by images of the index, and by who uses layers. */
#pragma once

#include "image/store.h"

struct mark_list {
    const char **list; /* hexadecimal digits */
    size_t count;
    bool sorted;
};

struct marks {
    const struct store *store;
    struct mark_list blobs, layers;
};

/* Marks all that IMAGE consists of. What cannot be read might lead to anything: -errno with a sentence, and then nothing may be
 * removed. */
int marks_image(struct marks *marks, const struct image *image);

/* Marks the layers that containers and mounts use, and those that they stand on. The caller holds the store alone (store_hold). */
int marks_used(struct marks *marks);

/* Whether somebody uses the layer with the digits TOP, or it cannot be told. The caller holds the store alone. */
bool marks_in_use(const struct marks *marks, const char *top);

bool marks_blob(struct marks *marks, const char *hex);
bool marks_layer(struct marks *marks, const char *hex);
