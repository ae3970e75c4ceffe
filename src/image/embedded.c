#include "image/embedded.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "image/embedded_table.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char busybox_path[] = "usr/bin/busybox";

const char *embedded_digest(void)
{
    return embedded_digest_text;
}

static size_t busybox_size(void)
{
    return (size_t)(embedded_busybox_end - embedded_busybox_start);
}

/* ---- unpacking ---- */

static int write_file(int root, const char *path, const void *bytes, size_t size, mode_t mode)
{
    auto_fd fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return fail(-errno, "create %s", path);
    int r = fd_write_all(fd, bytes, size);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    return r < 0 ? fail(r, "write %s", path) : 0;
}

static int unpack_entry(int root, const struct embedded_entry *e)
{
    const char *content = embedded_contents[e->content];
    if (content)
        return write_file(root, e->path, content, strlen(content), e->mode);
    if (*e->target)
        return symlinkat(e->target, root, e->path) < 0 ? fail(-errno, "create %s", e->path) : 0;
    if (mkdirat(root, e->path, e->mode) < 0 || fchmodat(root, e->path, e->mode, 0) < 0)
        return fail(-errno, "create %s", e->path);
    return 0;
}

static int unpack(int root)
{
    for (const struct embedded_entry *e = embedded_entries; *e->path; e++)
        TRY(unpack_entry(root, e));
    return write_file(root, busybox_path, embedded_busybox_start, busybox_size(), 0755);
}

/* ---- verifying ---- */

static int differs(const char *path)
{
    return refuse(-EIO, "the unpacked embedded image differs from the executable's at %s "
                        "(remove the directory; the next run unpacks it again)", path);
}

static int verify_file(int root, const char *path, const char *bytes, size_t size)
{
    auto_fd fd = openat(root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char buffer[65536];
    size_t at = 0;
    for (ssize_t n; fd >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0; at += (size_t)n)
        if (at + (size_t)n > size || memcmp(buffer, bytes + at, (size_t)n) != 0)
            return differs(path);
    return fd < 0 || at != size ? differs(path) : 0;
}

static int verify_entry(int root, const struct embedded_entry *e)
{
    struct stat st;
    char target[256];
    const char *content = embedded_contents[e->content];
    if (content)
        return verify_file(root, e->path, content, strlen(content));
    if (*e->target) {
        ssize_t n = readlinkat(root, e->path, target, sizeof target);
        bool same = n == (ssize_t)strlen(e->target) && memcmp(target, e->target, (size_t)n) == 0;
        return same ? 0 : differs(e->path);
    }
    bool same = fstatat(root, e->path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
                (st.st_mode & 07777) == e->mode;
    return same ? 0 : differs(e->path);
}

static int verify(int root)
{
    for (const struct embedded_entry *e = embedded_entries; *e->path; e++)
        TRY(verify_entry(root, e));
    return verify_file(root, busybox_path, embedded_busybox_start, busybox_size());
}

int embedded_verify(const char *rootfs)
{
    auto_fd root = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? fail(-errno, "open %s", rootfs) : verify(root);
}

/* ---- the store ---- */

static int unpack_and_verify(int parent, const char *name)
{
    if (mkdirat(parent, name, 0755) < 0)
        return fail(-errno, "create %s", name);
    auto_fd root = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || fchmod(root, 0755) < 0)
        return fail(-errno, "open %s", name);
    mode_t mask = umask(0);
    int r = unpack(root);
    umask(mask);
    TRY(r);
    TRY(verify(root));
    return syncfs(root) < 0 ? fail(-errno, "sync %s", name) : 0;
}

/* One unpacks, under the lock; who waited finds it done. What a killed one left is removed first. */
static int unpack_locked(const char *parent)
{
    TRY(dir_make(parent, 0755));
    auto_fd dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || flock(dir, LOCK_EX) < 0)
        return fail(-errno, "lock %s", parent);
    if (faccessat(dir, "rootfs", F_OK, 0) == 0)
        return 0;
    TRY(tree_remove(dir, "unpacking"));
    int r = unpack_and_verify(dir, "unpacking");
    if (r == 0 && renameat(dir, "unpacking", dir, "rootfs") < 0)
        r = fail(-errno, "rename %s/unpacking", parent);
    if (r < 0)
        tree_remove(dir, "unpacking");
    return r;
}

int embedded_rootfs(const char *store, char **rootfs)
{
    auto_free char *parent = NULL;
    auto_free char *path = NULL;
    if (asprintf(&parent, "%s/embedded/sha256-%s", store, embedded_digest_text) < 0 ||
        asprintf(&path, "%s/rootfs", parent) < 0)
        return fail(-ENOMEM, "unpack the embedded image");
    if (access(path, F_OK) < 0) {
        int r = unpack_locked(parent);
        if (r < 0)
            return because(r, "unpack the embedded image");
    }
    *rootfs = take_ptr(&path);
    return 0;
}
