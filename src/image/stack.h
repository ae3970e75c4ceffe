/* An image's layers as what a container's root is laid over. */
#pragma once

#include "image/content.h"
#include "image/store.h"

struct layer_stack {
    const char **directories; /* topmost first, down to one that hides all below it; NULL-terminated */
    const char *model;        /* the one of them whose root directory is the image's; NULL: none says what it is like */
};

/* Writes down, in the topmost layer's directory, what the layers, which are all there, say of the root. 0 or -errno with a sentence. */
int stack_note(const struct store *store, const struct content *content);

/* From the store's arena. -ENOENT without a sentence where a layer is not there, or nothing was written down. */
int stack_read(const struct store *store, const struct content *content, struct layer_stack *stack);
