/* A directory is merged by reading it in each layer, from the topmost on: the first that has a name has the say. What that is decides whether the
 * layers below are looked into as well: for a directory, down to one that is opaque or has something else there. */
#include "base/merge.h"

#include "base/cleanup.h"
#include "base/copy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/overlay.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

enum { OPEN_DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, DEEPEST = 512 };

/* One directory of the tree, and where it lies in the layers. */
struct level {
    const struct merge *merge;
    const int *from;
    size_t count, layer; /* of which one the entries are read */
    int to, depth;
};

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* ---- files ---- */

static char *put_hex(char *out, uint64_t number)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[number >> shift & 15];
    *out = '\0';
    return out;
}

/* The first copy of a file with several names is found by its number in the layer. */
static int file_merge(const struct level *level, int dir, const char *name, const struct stat *st)
{
    char key[40];
    int links = level->merge->links;
    if (st->st_nlink < 2)
        return node_copy(dir, level->to, name);
    put_hex(put_hex(key, st->st_dev), st->st_ino);
    if (linkat(links, key, level->to, name, 0) == 0)
        return 0;
    if (errno != ENOENT)
        return -errno;
    TRY(node_copy(dir, level->to, name));
    return linkat(level->to, name, links, key, 0) < 0 ? -errno : 0;
}

static int forget(int dir, const char *name, unsigned char type, void *data)
{
    (void)type, (void)data;
    return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

/* ---- directories ---- */

static int level_merge(struct level *level);

/* Opens NAME in LAYER: 1; 0 where it is not there; or, in the way of what lies below, -ENOTDIR. */
static int open_part(int layer, const char *name, int *part)
{
    struct stat st;
    if (fstatat(layer, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    *part = openat(layer, name, OPEN_DIRECTORY);
    return *part < 0 ? -errno : 1;
}

/* The directory NAME in all layers from this one down to one that hides what lies below; how many those are. */
static int open_parts(const struct level *level, const char *name, int *parts)
{
    int n = 0;
    for (size_t i = level->layer; i < level->count; i++) {
        int r = open_part(level->from[i], name, &parts[n]);
        if (r == -ENOTDIR)
            break;
        if (r < 0) {
            close_all(parts, (size_t)n);
            return r;
        }
        n += r;
        if (r && overlay_is_opaque(parts[n - 1], level->merge->opaque))
            break;
    }
    return n;
}

static int fill(const struct level *above, const char *name, const int *parts, size_t count)
{
    if (above->depth >= DEEPEST)
        return -ELOOP;
    if (mkdirat(above->to, name, 0700) < 0)
        return -errno;
    auto_fd to = openat(above->to, name, OPEN_DIRECTORY);
    if (to < 0)
        return -errno;
    TRY(level_merge(&(struct level){.merge = above->merge, .from = parts, .count = count, .to = to, .depth = above->depth + 1}));
    return attributes_copy(parts[0], to, COPY_OWNER | COPY_MODE);
}

static int directory_merge(const struct level *level, const char *name)
{
    int parts[level->count - level->layer];
    int n = open_parts(level, name, parts);
    if (n < 0)
        return n;
    int r = n ? fill(level, name, parts, (size_t)n) : -EIO; /* somebody has changed it */
    close_all(parts, (size_t)n);
    return r;
}

static int entry_merge(int dir, const char *name, unsigned char type, void *data)
{
    const struct level *level = data;
    struct stat st;
    (void)type;
    for (size_t i = 0; i < level->layer; i++) {
        if (fstatat(level->from[i], name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return 0; /* it was that one's to say */
        if (errno != ENOENT)
            return -errno;
    }
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (overlay_is_whiteout(&st))
        return 0;
    return S_ISDIR(st.st_mode) ? directory_merge(level, name) : file_merge(level, dir, name, &st);
}

static int level_merge(struct level *level)
{
    for (level->layer = 0; level->layer < level->count; level->layer++)
        TRY(dir_each(level->from[level->layer], entry_merge, level));
    return 0;
}

int layers_merge(const struct merge *merge)
{
    TRY(level_merge(&(struct level){.merge = merge, .from = merge->layers, .count = merge->count, .to = merge->to}));
    TRY(dir_each(merge->links, forget, NULL));
    return merge->model < 0 ? 0 : attributes_copy(merge->layers[merge->model], merge->to, COPY_OWNER | COPY_MODE);
}
