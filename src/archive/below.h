/* The layers below the one that is unpacked, as overlayfs would show them: the topmost one that has a name decides, unless
 * one above hides it. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct below {
    const int *layers; /* directories, the topmost first */
    int count;         /* -1: they are not known */
    const char *opaque; /* the attribute that marks opaque directories */
    const char *also;   /* another one, for overlays that are made in user namespaces; or NULL */
};

struct below_found {
    int layer; /* the directory of the layer that has it */
    struct stat st;
};

/* Whether PATH is there: 1, and FOUND; or 0. -errno with a sentence. */
int below_find(const struct below *below, const char *path, struct below_found *found);

/* Opens the directory PATH of the layer; "" is the layer's root. -errno, no sentence. */
int below_open(int layer, const char *path);
