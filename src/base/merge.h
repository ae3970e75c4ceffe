/* Layers, as overlayfs takes them, merged into one tree of files of its own: by fds alone, through no link, for who made the layers
 * may be hostile. Allocates nothing and leaves no sentence, so INIT may call it. */
#pragma once

#include <stddef.h>

struct merge {
    const int *layers; /* directories open for reading, the topmost first */
    size_t count;
    int model;          /* which of them the tree's own directory has owner, mode and times of; -1: they stay as they are */
    const char *opaque; /* the attribute of directories that hide what lies below them */
    int to;             /* an empty directory */
    int links;          /* another, beside it; empty again in the end: files of several names are found there */
};

/* All that tree_copy() copies, without the marks of overlayfs, and hard links as such. 0 or -errno. */
int layers_merge(const struct merge *merge);
