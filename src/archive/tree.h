/* The directories of the layer that is being unpacked. They are made when they are named, private to the caller, and get
 * their owners, modes and times when everything is in them. */
#pragma once

#include "archive/attributes.h"
#include "archive/below.h"
#include "archive/name.h"
#include "base/arena.h"

struct later;

struct tree {
    int root; /* the directory that becomes the layer */
    struct below below;
    struct attributes_policy policy;
    bool needs_below; /* something failed for the want of the layers below */
    bool root_named;  /* the tar has an entry for the root */
    bool root_opaque; /* and hides all of the layers below, for which overlayfs has no mark */
    uint64_t made;    /* directories, as they take room */
    uint64_t missing; /* of these, those that the tar had no entry of when they were */

    /* the directory used last */
    int last;
    bool last_valid;
    size_t last_length;
    char last_path[PATH_MAX];

    struct arena arena;
    struct later *laters; /* what directories are to get */
    size_t count, room, used;
};

/* Takes the empty directory ROOT, which stays the caller's and open. */
int tree_begin(struct tree *tree, int root);
void tree_free(struct tree *tree);

/* The directory in which NAME's last part is, made if it is missing, with the attributes that it has in the layers below; an
 * fd that is good until the next call. Refused where a part of the path is there and no directory: links are never
 * followed. -errno with a sentence. */
int tree_parent(struct tree *tree, const struct name *name);

/* The same of what exists already: an fd of the caller's own, or -ENOENT, -ENOTDIR, -ELOOP without a sentence. */
int tree_find_parent(const struct tree *tree, const struct name *name);

/* Makes the directory NAME, in PARENT, unless it is one already, and remembers what it is to get. In place of anything else,
 * a whiteout too, it is opaque: what the layers below have of it is hidden. */
int tree_directory(struct tree *tree, int parent, const struct name *name, const struct attributes *attributes);

/* Hides what the layers below have in the directory BASE of PARENT; "" is PARENT itself. */
int tree_opaque(struct tree *tree, int parent, const char *base);

/* Removes BASE, whatever it is, with all that is in it. */
int tree_clear(struct tree *tree, int parent, const char *base);

/* Gives the directories what they are to get. */
int tree_finish(struct tree *tree);
