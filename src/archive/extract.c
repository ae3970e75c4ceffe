/* One function a type of entry. Each makes its file with O_EXCL or its like, and only when there is something already is that
 * removed: nothing is ever written into, or through, what an earlier entry has made.
 *
 * Of two entries of one name the later counts. A whiteout is of the layers below and takes away nothing of this one; what is
 * a directory here as well becomes opaque instead, whichever came first. */
#include "archive/extract.h"

#include "archive/source.h"
#include "base/cleanup.h"
#include "base/copy.h"
#include "base/error.h"
#include "base/overlay.h"
#include "kernel/sys.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#define QUOTE "%.200s"
enum { BLOCK = 4096 };

/* One entry on its way. */
struct item {
    struct extractor *to;
    struct archive *archive;
    struct archive_entry *entry;
    struct name name;
    int parent;       /* the directory that it is in */
    const char *base; /* and its name there */
    struct attributes attributes;
};

static void item_free(struct item *item)
{
    attributes_free(&item->attributes);
}

static int failed(const struct item *item, int err)
{
    if (err == -EINVAL || err == -EOVERFLOW)
        return remedy(fail(err, "/" QUOTE, item->name.path), "owner %u:%u; a user namespace may not have these ids",
                      item->attributes.uid, item->attributes.gid);
    return fail(err, "/" QUOTE, item->name.path);
}

static int take_room(struct extractor *to, uint64_t bytes)
{
    to->bytes += bytes;
    if (to->bytes + to->tree.made * BLOCK > to->limit || to->bytes < bytes)
        return remedy(refuse(-EFBIG, "the layer unpacks to more than %" PRIu64 " bytes", to->limit), REMEDY_UNPACKED);
    return 0;
}

/* Files without a byte take room, and every file a number. */
static int take_entry(struct extractor *to)
{
    if (to->entries + to->tree.missing > to->most)
        return remedy(refuse(-EFBIG, "the layer has more than %" PRIu64 " entries", to->most),
                      REMEDY_ENTRIES);
    return take_room(to, 0);
}

/* ---- by type ---- */

/* MAKE is tried, what is in its way removed, and it is tried again. */
#define MAKE(item, call)                                                          \
    ({                                                                            \
        int made_ = SYS_RESULT(call);                                             \
        if (made_ == -EEXIST) {                                                   \
            made_ = tree_clear(&(item)->to->tree, (item)->parent, (item)->base);  \
            if (made_ == 0)                                                       \
                made_ = SYS_RESULT(call);                                         \
        }                                                                         \
        made_ < 0 ? failed(item, made_) : made_;                                  \
    })

/* How many bytes of a file of WHOLE bytes are in the tar: those that its map, where it has one, says are no holes. */
static la_int64_t bytes_promised(struct archive_entry *entry, la_int64_t whole)
{
    la_int64_t at, length, sum = 0;
    if (archive_entry_sparse_reset(entry) == 0)
        return whole;
    while (archive_entry_sparse_next(entry, &at, &length) == ARCHIVE_OK)
        if (__builtin_add_overflow(sum, length, &sum))
            return -1;
    return sum;
}

static int write_at(struct item *item, int fd, const char *bytes, size_t size, off_t at)
{
    TRY(take_room(item->to, size));
    while (size) {
        ssize_t n = pwrite(fd, bytes, size, at);
        if (n < 0)
            return failed(item, -errno);
        bytes += n;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Sparse files come as pieces; what is between them was never written, and is a hole. */
static int write_data(struct item *item, int fd)
{
    const void *bytes;
    size_t size;
    la_int64_t at, whole = archive_entry_size(item->entry), end = 0, sum = 0;
    if (!archive_entry_size_is_set(item->entry) || whole < 0)
        return refuse(-EINVAL, "/" QUOTE ": a file without a size", item->name.path);
    la_int64_t promised = bytes_promised(item->entry, whole);
    for (int r; (r = archive_read_data_block(item->archive, &bytes, &size, &at)) != ARCHIVE_EOF;) {
        if (r != ARCHIVE_OK)
            return refuse(-EIO, "/" QUOTE ": %s", item->name.path, archive_error_string(item->archive));
        if (at < end || at > whole || size > (uint64_t)(whole - at))
            return refuse(-EINVAL, "/" QUOTE ": its map of holes is wrong", item->name.path);
        TRY(write_at(item, fd, bytes, size, at));
        body_add(&item->to->body, bytes, size, (uint64_t)at);
        end = at + (la_int64_t)size;
        sum += (la_int64_t)size;
    }
    if (sum != promised)
        return refuse(-EINVAL, "/" QUOTE ": its map of holes is wrong", item->name.path);
    return end < whole && ftruncate(fd, whole) < 0 ? failed(item, -errno) : 0;
}

static int fill(struct item *item, int fd)
{
    struct stat st;
    struct extractor *to = item->to;
    unsigned char value[BODY_VALUE];
    TRY(body_begin(&to->body));
    TRY(write_data(item, fd));
    if (fstat(fd, &st) < 0)
        return failed(item, -errno);
    TRY(body_end(&to->body, (uint64_t)st.st_size, value));
    bodies_add(&to->bodies, &st, value);
    return 0;
}

static int make_file(struct item *item)
{
    mode_t mode = attributes_mode(&item->to->tree.policy, item->attributes.mode, false) & 0777;
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    auto_fd fd = MAKE(item, openat(item->parent, item->base, flags, mode));
    TRY(fd);
    if (archive_entry_size(item->entry) != 0 || !archive_entry_size_is_set(item->entry))
        TRY(fill(item, fd));
    int r = attributes_apply(&item->attributes, fd, &item->to->tree.policy);
    return r < 0 ? failed(item, r) : 0;
}

static int make_directory(struct item *item)
{
    return tree_directory(&item->to->tree, item->parent, &item->name, &item->attributes);
}

static int apply_at(struct item *item, bool link)
{
    int r = attributes_apply_at(&item->attributes, item->parent, item->base, link, &item->to->tree.policy);
    return r < 0 ? failed(item, r) : 0;
}

static int make_symlink(struct item *item)
{
    const char *target = archive_entry_symlink(item->entry);
    if (!target || !*target)
        return refuse(-EINVAL, "/" QUOTE ": a link to nowhere", item->name.path);
    TRY(take_room(item->to, strlen(target)));
    TRY(MAKE(item, symlinkat(target, item->parent, item->base)));
    return apply_at(item, true);
}

static int make_fifo(struct item *item)
{
    TRY(MAKE(item, mknodat(item->parent, item->base, S_IFIFO | 0600, 0)));
    return apply_at(item, false);
}

/* What the layers below have of this name is gone; what this layer has is not. */
static int hide(struct item *item)
{
    struct stat st;
    if (mknodat(item->parent, item->base, S_IFCHR, makedev(0, 0)) == 0)
        return 0;
    if (errno != EEXIST || fstatat(item->parent, item->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return remedy(failed(item, -errno), "whiteouts are devices 0:0, which everybody may make from Linux 5.8 on");
    return S_ISDIR(st.st_mode) ? tree_opaque(&item->to->tree, item->parent, item->base) : 0;
}

static int make_device(struct item *item)
{
    mode_t type = archive_entry_filetype(item->entry);
    uint64_t major = archive_entry_rdevmajor(item->entry), minor = archive_entry_rdevminor(item->entry);
    if (major >= 1 << 12 || minor >= 1 << 20)
        return refuse(-EINVAL, "/" QUOTE ": no numbers of a device: %" PRIu64 ", %" PRIu64, item->name.path, major, minor);
    if (type == AE_IFCHR && !major && !minor)
        return hide(item); /* overlayfs would take it for that */
    if (item->to->skip_devices) {
        item->to->skipped_devices++;
        return 0;
    }
    mode_t kind = type == AE_IFCHR ? S_IFCHR : S_IFBLK;
    TRY(MAKE(item, mknodat(item->parent, item->base, kind | 0600, makedev((unsigned)major, (unsigned)minor))));
    return apply_at(item, false);
}

/* ---- hard links ---- */

/* TARGET from the layers below into this one, as overlayfs copies up: one file has both names then. */
static int copy_up(struct item *item, const struct name *target)
{
    struct tree *tree = &item->to->tree;
    struct below_found found;
    if (tree->below.count < 0) {
        tree->needs_below = true;
        return refuse(-ENOENT, "/" QUOTE ": a hard link to /" QUOTE ", which the tar does not have, and the layers below are not given",
                      item->name.path, target->path);
    }
    int there = below_find(&tree->below, target->path, &found);
    TRY(there);
    if (!there || S_ISDIR(found.st.st_mode))
        return refuse(-ENOENT, "/" QUOTE ": a hard link to /" QUOTE ", which is %s", item->name.path, target->path,
                      there ? "a directory" : "in no layer");
    TRY(take_room(item->to, (uint64_t)found.st.st_blocks * 512));
    char path[PATH_MAX];
    memcpy(path, target->path, sizeof path);
    path[target->base ? target->base - 1 : 0] = '\0';
    auto_fd from = below_open(found.layer, path);
    int to = tree_parent(tree, target);
    TRY(to);
    const char *base = target->path + target->base;
    int r = from < 0 ? from : node_copy(from, to, base);
    if (r == 0)
        r = SYS_RESULT(fstatat(to, base, &found.st, AT_SYMLINK_NOFOLLOW));
    if (r == 0)
        bodies_add(&item->to->bodies, &found.st, NULL);
    return r < 0 ? fail(r, "/" QUOTE " of the layers below", target->path) : 0;
}

static int link_to(struct item *item, const struct name *target)
{
    struct stat st;
    auto_fd from = tree_find_parent(&item->to->tree, target);
    const char *base = target->path + target->base;
    int r = from < 0 ? from : SYS_RESULT(fstatat(from, base, &st, AT_SYMLINK_NOFOLLOW));
    if (r < 0)
        return r;
    if (S_ISDIR(st.st_mode) || overlay_is_whiteout(&st))
        return refuse(-EINVAL, "/" QUOTE ": a hard link to /" QUOTE ", which is %s", item->name.path, target->path,
                      S_ISDIR(st.st_mode) ? "a directory" : "hidden by the same tar");
    if (strcmp(target->path, item->name.path) == 0)
        return 0;
    return MAKE(item, linkat(from, base, item->parent, item->base, 0));
}

static int make_hard_link(struct item *item)
{
    struct name target;
    TRY(name_clean(&target, "the hard link to", archive_entry_hardlink(item->entry)));
    if (!target.length)
        return refuse(-EINVAL, "/" QUOTE ": a hard link to nowhere", item->name.path);
    int r = link_to(item, &target);
    if (r == -ENOENT && !*error_text()) {
        TRY(copy_up(item, &target));
        item->parent = tree_parent(&item->to->tree, &item->name);
        TRY(item->parent);
        r = link_to(item, &target);
    }
    return r < 0 ? fail(r, "/" QUOTE ": a hard link to /" QUOTE, item->name.path, target.path) : 0;
}

/* ---- one entry ---- */

static int make_item(struct item *item)
{
    static const struct {
        mode_t type;
        int (*make)(struct item *item);
    } makers[] = {
        {AE_IFREG, make_file},   {AE_IFDIR, make_directory}, {AE_IFLNK, make_symlink},
        {AE_IFIFO, make_fifo},   {AE_IFCHR, make_device},    {AE_IFBLK, make_device},
    };
    if (archive_entry_hardlink(item->entry))
        return make_hard_link(item);
    for (size_t i = 0; i < COUNT(makers); i++)
        if (makers[i].type == archive_entry_filetype(item->entry))
            return makers[i].make(item);
    return refuse(-EINVAL, "/" QUOTE ": an entry of an unknown type", item->name.path);
}

/* A whiteout, of what its directory or its name's rest is. */
static int make_hidden(struct item *item, enum name_kind kind)
{
    if (kind == NAME_WHITEOUT) {
        item->base += strlen(".wh.");
        return hide(item);
    }
    item->to->tree.root_opaque = item->to->tree.root_opaque || !item->name.base;
    return tree_opaque(&item->to->tree, item->parent, "");
}

int extract_entry(struct extractor *extractor, struct archive *archive, struct archive_entry *entry)
{
    __attribute__((cleanup(item_free))) struct item item;
    item.to = extractor;
    item.archive = archive;
    item.entry = entry;
    item.attributes.xattrs = NULL;
    enum name_kind kind;
    const char *name = archive_entry_pathname(entry);
    extractor->entries++;
    if (!name)
        return refuse(-EINVAL, "entry %" PRIu64 " has no name", extractor->entries);
    TRY(take_entry(extractor));
    TRY(name_clean(&item.name, "the entry", name));
    TRY(name_kind(&item.name, &kind));
    if (kind == NAME_META)
        return 0;
    if (!item.name.length && archive_entry_filetype(entry) != AE_IFDIR)
        return refuse(-EINVAL, "the entry " QUOTE ": the root is a directory", name);
    item.parent = tree_parent(&extractor->tree, &item.name);
    TRY(item.parent);
    item.base = item.name.path + item.name.base;
    if (kind != NAME_PLAIN)
        return make_hidden(&item, kind);
    TRY(attributes_of_entry(&item.attributes, entry, item.name.path));
    return make_item(&item);
}

int extract_begin(struct extractor *extractor, int root)
{
    umask(0);
    extractor->tree.policy.skipped = &extractor->skipped_attributes;
    return tree_begin(&extractor->tree, root);
}

int extract_end(struct extractor *extractor)
{
    return tree_finish(&extractor->tree);
}

void extract_free(struct extractor *extractor)
{
    tree_free(&extractor->tree);
    bodies_free(&extractor->bodies);
    body_free(&extractor->body);
}
