/* Images that are mounted for the host to look into, read-only. STORE/mounts/HEX is the record of one, by its manifest's digest. */
#pragma once

#include "image/content.h"

struct image_mount {
    const char *hex;    /* of its manifest: the record's name */
    const char *image;  /* the digest of the entry of the index that was mounted */
    const char *name;   /* as it was called then, or its digest */
    const char *top;    /* digits of its topmost layer */
    const char *point;  /* where */
    const char *boot;   /* since which boot, and */
    uint64_t space;     /* in which mount namespace (its inode) */
};

/* Mounts the image CONTENT below STATE, or finds it mounted, and sets *POINT. The caller is root, has unpacked it, and holds the
 * store (store_hold). -errno with a sentence; then nothing is left. */
int image_mount(const struct store *store, const struct content *content, const char *state, const char **point);

/* Takes it back. FORCE: although somebody works in it, and though it may be mounted in another namespace. */
int image_unmount(const struct store *store, const struct image_mount *mount, bool force);

/* What is mounted: *LIST, *COUNT of them, in the store's arena. Records of what is not, as killed ones and the last boot leave, are
 * removed before. */
int image_mounts(const struct store *store, struct image_mount **list, size_t *count);

/* The mount of the image with the index's DIGEST, or NULL. */
const struct image_mount *image_mount_find(const struct image_mount *list, size_t count, const char *digest);
