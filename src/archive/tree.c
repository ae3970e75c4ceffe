/* Every path is opened by one openat2(2) that stays below the root, follows no link and crosses no mount; the directory used
 * last stays open, since a tar's entries come by directory.
 *
 * What a directory is to get is kept as a list of paths, one record each time that one is made or named. In the end it is sorted:
 * the deepest come first, so that a directory that its owner may not enter is left before it becomes so, and of several
 * records of one path the newest counts: each new making adds one, so that it never is that of a directory since removed. */
#include "archive/tree.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/overlay.h"
#include "kernel/sys.h"

#include <string.h>
#include <sys/xattr.h>

#define QUOTE "%.200s"
enum { OPEN_DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
enum { LATER_ROOM = 512 << 20 }; /* bytes of memory: two million directories with long names */

struct later {
    const char *path;
    size_t number;
    struct attributes attributes; /* its xattrs in the arena */
};

int tree_begin(struct tree *tree, int root)
{
    struct stat st;
    if (fstat(root, &st) < 0 || !S_ISDIR(st.st_mode))
        return refuse(-ENOTDIR, "descriptor %d is no directory to unpack into", root);
    /* A set-group-id root would give its group to everything. */
    if (fchmod(root, 0700) < 0)
        return fail(-errno, "the directory to unpack into");
    tree->root = root;
    tree->last = -1;
    return 0;
}

void tree_free(struct tree *tree)
{
    cleanup_fd(&tree->last);
    arena_free(&tree->arena);
    free(tree->laters);
}

/* ---- what directories are to get ---- */

static int remember(struct tree *tree, const char *path, const struct attributes *attributes)
{
    size_t length = strlen(path);
    tree->used += sizeof *tree->laters + length + attributes->xattrs_size + 32;
    if (tree->used > LATER_ROOM)
        return refuse(-ENOMEM, "/" QUOTE ": more directories than memory is set aside for", path);
    if (tree->count == tree->room) {
        size_t room = tree->room ? 2 * tree->room : 256;
        struct later *grown = realloc(tree->laters, room * sizeof *grown);
        if (!grown)
            return fail(-ENOMEM, "/" QUOTE, path);
        tree->laters = grown;
        tree->room = room;
    }
    struct later *later = &tree->laters[tree->count];
    *later = (struct later){.path = arena_strndup(&tree->arena, path, length), .number = tree->count++, .attributes = *attributes};
    if (attributes->xattrs_size) {
        later->attributes.xattrs = arena_alloc(&tree->arena, attributes->xattrs_size);
        memcpy(later->attributes.xattrs, attributes->xattrs, attributes->xattrs_size);
    }
    return 0;
}

/* A directory that the tar has no entry of: what it is in the layers below. */
static int remember_missing(struct tree *tree, const char *path, bool hidden)
{
    struct below_found found;
    auto_attributes attributes = {.mode = 0755, .mtime.tv_nsec = UTIME_OMIT};
    tree->missing++;
    if (tree->below.count < 0 && *path && !hidden) {
        tree->needs_below = true;
        return refuse(-ENOENT, "/" QUOTE ": the tar has no entry for this directory, and the layers below are not given", path);
    }
    int there = hidden ? 0 : below_find(&tree->below, path, &found);
    if (there > 0 && S_ISDIR(found.st.st_mode)) {
        auto_fd fd = below_open(found.layer, path);
        int r = fd < 0 ? fd : attributes_of_file(&attributes, fd, &tree->policy);
        if (r < 0)
            return fail(r, "/" QUOTE " of the layers below", path);
    }
    return there < 0 ? there : remember(tree, path, &attributes);
}

static int by_depth(const void *a, const void *b)
{
    const struct later *x = a, *y = b;
    int order = strcmp(y->path, x->path);
    return order ? order : x->number < y->number ? 1 : -1;
}

static int open_path(const struct tree *tree, const char *path)
{
    if (!*path)
        return SYS_RESULT(fcntl(tree->root, F_DUPFD_CLOEXEC, 0));
    return sys_openat2(tree->root, path, OPEN_DIRECTORY, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

static bool is_gone(int err)
{
    return err == -ENOENT || err == -ENOTDIR || err == -ELOOP;
}

int tree_finish(struct tree *tree)
{
    if (!tree->root_named)
        TRY(remember_missing(tree, "", false));
    qsort(tree->laters, tree->count, sizeof *tree->laters, by_depth);
    for (size_t i = 0; i < tree->count; i++) {
        const struct later *later = &tree->laters[i];
        if (i && strcmp(later->path, later[-1].path) == 0)
            continue;
        auto_fd fd = open_path(tree, later->path);
        int r = fd < 0 ? fd : attributes_apply(&later->attributes, fd, &tree->policy);
        if (r < 0 && !(fd < 0 && is_gone(fd))) /* since replaced by something else */
            return fail(r, "attributes of the directory /" QUOTE, later->path);
    }
    return 0;
}

/* ---- making ---- */

int tree_clear(struct tree *tree, int parent, const char *base)
{
    if (unlinkat(parent, base, 0) == 0)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return fail(-errno, "remove " QUOTE, base);
    tree->last_valid = false; /* it may be below */
    return tree_remove(parent, base);
}

int tree_opaque(struct tree *tree, int parent, const char *base)
{
    auto_fd fd = *base ? openat(parent, base, OPEN_DIRECTORY) : SYS_RESULT(fcntl(parent, F_DUPFD_CLOEXEC, 0));
    const char *const marks[] = {tree->below.opaque, tree->below.also};
    for (size_t i = 0; i < sizeof marks / sizeof *marks && marks[i]; i++)
        if (fd < 0 || fsetxattr(fd, marks[i], "y", 1, 0) < 0)
            return fail(-errno, QUOTE ": make the directory opaque, by the attribute %s", base, marks[i]);
    return 0;
}

enum made { EXISTED, MADE, MADE_OVER };

/* Makes the directory BASE; with FORCE in place of anything, else of nothing but a whiteout. */
static int make(struct tree *tree, int parent, const char *base, const char *path, bool force)
{
    struct stat st;
    tree->made++;
    if (mkdirat(parent, base, 0700) == 0)
        return MADE;
    tree->made--;
    if (errno != EEXIST || fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(-errno, "make the directory /" QUOTE, path);
    if (S_ISDIR(st.st_mode))
        return EXISTED;
    if (!force && !overlay_is_whiteout(&st))
        return refuse(-ENOTDIR, "/" QUOTE ": entries of the tar are below it, and it is %s of the same tar", path,
                      S_ISLNK(st.st_mode) ? "a link" : "no directory");
    TRY(tree_clear(tree, parent, base));
    tree->made++;
    if (mkdirat(parent, base, 0700) < 0)
        return fail(-errno, "make the directory /" QUOTE, path);
    TRY(tree_opaque(tree, parent, base));
    return MADE_OVER;
}

/* PATH, which is changed meanwhile: opened, and made with all above it that is missing. */
static int open_making(struct tree *tree, char *path)
{
    int fd = open_path(tree, path);
    if (fd >= 0)
        return fd;
    if (!is_gone(fd) || !*path)
        return fail(fd, "open the directory /" QUOTE, path);
    char *slash = strrchr(path, '/');
    char *end = slash ? slash : path, *base = slash ? slash + 1 : path;
    char kept = *end;
    *end = '\0';
    auto_fd parent = open_making(tree, path);
    *end = kept;
    if (parent < 0)
        return parent;
    int made = make(tree, parent, base, path, false);
    TRY(made);
    if (made != EXISTED)
        TRY(remember_missing(tree, path, made == MADE_OVER));
    fd = openat(parent, base, OPEN_DIRECTORY);
    return fd < 0 ? fail(-errno, "open the directory /" QUOTE, path) : fd;
}

static size_t parent_length(const struct name *name)
{
    return name->base ? name->base - 1 : 0;
}

int tree_parent(struct tree *tree, const struct name *name)
{
    size_t length = parent_length(name);
    if (tree->last_valid && tree->last_length == length && memcmp(tree->last_path, name->path, length) == 0)
        return tree->last;
    memcpy(tree->last_path, name->path, length);
    tree->last_path[length] = '\0';
    tree->last_valid = false;
    int fd = open_making(tree, tree->last_path);
    TRY(fd);
    cleanup_fd(&tree->last);
    tree->last = fd;
    tree->last_length = length;
    tree->last_valid = true;
    return fd;
}

int tree_find_parent(const struct tree *tree, const struct name *name)
{
    char path[PATH_MAX];
    memcpy(path, name->path, parent_length(name));
    path[parent_length(name)] = '\0';
    return open_path(tree, path);
}

int tree_directory(struct tree *tree, int parent, const struct name *name, const struct attributes *attributes)
{
    if (!name->length)
        tree->root_named = true;
    else
        TRY(make(tree, parent, name->path + name->base, name->path, true));
    return remember(tree, name->path, attributes);
}
