#include "base/copy.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* ---- what belongs to a file ---- */

/* Where a user namespace hides an id, nobody can be given it. */
static bool is_no_id(int error)
{
    return error == EINVAL || error == EOVERFLOW;
}

/* Of overlayfs, which they are for: where they could be seen they were somebody's own. */
static bool is_mark(const char *name)
{
    return strncmp(name, "trusted.overlay.", 16) == 0 || strncmp(name, "user.overlay.", 13) == 0;
}

static int xattrs_copy(int from, int to)
{
    static char names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
    ssize_t n = flistxattr(from, names, sizeof names);
    for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
        ssize_t size = is_mark(name) ? -1 : fgetxattr(from, name, value, sizeof value);
        if (size >= 0 && fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP && errno != EPERM)
            return -errno;
    }
    return 0;
}

/* In this order: a new owner clears the set-id bits and capabilities(7), an ACL changes the mode. */
int attributes_copy(int from, int to, unsigned parts)
{
    struct stat st;
    if (fstat(from, &st) < 0)
        return -errno;
    if (parts & COPY_OWNER && fchown(to, st.st_uid, st.st_gid) < 0 && !is_no_id(errno))
        return -errno;
    if (parts & COPY_MODE && fchmod(to, st.st_mode & 07777) < 0)
        return -errno;
    TRY(xattrs_copy(from, to));
    return futimens(to, (struct timespec[]){st.st_atim, st.st_mtim}) < 0 ? -errno : 0;
}

/* ---- one entry ---- */

static int data_copy(int from, int to, off_t size)
{
    if (ftruncate(to, size) < 0)
        return -errno;
    for (off_t at = 0, end; at < size; at = end) {
        at = lseek(from, at, SEEK_DATA);
        if (at < 0)
            return errno == ENXIO ? 0 : -errno; /* the rest is a hole */
        end = lseek(from, at, SEEK_HOLE);
        if (end < 0 || lseek(to, at, SEEK_SET) < 0)
            return -errno;
        while (at < end && at < size) {
            ssize_t n = sendfile(to, from, &at, (size_t)(end - at));
            if (n < 0 && errno != EINTR)
                return -errno;
            if (n == 0)
                return 0; /* somebody made it shorter */
        }
    }
    return 0;
}

/* A regular file or a directory, still of TYPE when it is open: until then who can may change what NAME is. */
static int open_same(int dir, const char *name, mode_t type)
{
    struct stat st;
    int flags = type == S_IFDIR ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY;
    auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return (st.st_mode & S_IFMT) == type ? take_fd(&fd) : -EIO;
}

static int file_copy(int from, int to, const char *name)
{
    struct stat st;
    auto_fd in = open_same(from, name, S_IFREG);
    if (in < 0 || fstat(in, &st) < 0)
        return in < 0 ? in : -errno;
    auto_fd out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0)
        return -errno;
    TRY(data_copy(in, out, st.st_size));
    return attributes_copy(in, out, COPY_OWNER | COPY_MODE);
}

static int other_copy(int from, int to, const char *name, const struct stat *st)
{
    char target[PATH_MAX];
    ssize_t n = S_ISLNK(st->st_mode) ? readlinkat(from, name, target, sizeof target - 1) : 0;
    if (n < 0)
        return -errno;
    target[n] = '\0';
    if ((S_ISLNK(st->st_mode) ? symlinkat(target, to, name) : mknodat(to, name, st->st_mode, st->st_rdev)) < 0)
        return -errno;
    if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 && !is_no_id(errno))
        return -errno;
    return utimensat(to, name, (struct timespec[]){st->st_atim, st->st_mtim}, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int node_copy(int from, int to, const char *name)
{
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? file_copy(from, to, name) : other_copy(from, to, name, &st);
}

/* ---- the tree ---- */

struct copy {
    int to;
    dev_t device; /* of the top: what is mounted below has another */
    int depth;
};

static int entry_copy(int dir, const char *name, unsigned char type, void *data);

static int directory_copy(int from, const char *name, const struct copy *copy)
{
    enum { DEEPEST = 256 };
    struct stat st;
    auto_fd in = open_same(from, name, S_IFDIR);
    if (in < 0 || fstat(in, &st) < 0)
        return in < 0 ? in : -errno;
    if (mkdirat(copy->to, name, 0700) < 0)
        return -errno;
    auto_fd out = open_same(copy->to, name, S_IFDIR);
    struct copy inside = {.to = out, .device = copy->device, .depth = copy->depth + 1};
    if (out < 0 || inside.depth > DEEPEST)
        return out < 0 ? out : -ELOOP;
    if (st.st_dev == copy->device)
        TRY(dir_each(in, entry_copy, &inside));
    return attributes_copy(in, out, COPY_OWNER | COPY_MODE);
}

static int entry_copy(int dir, const char *name, unsigned char type, void *data)
{
    (void)type;
    struct stat st;
    const struct copy *copy = data;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    switch (st.st_mode & S_IFMT) {
    case S_IFDIR: return directory_copy(dir, name, copy);
    case S_IFREG: return file_copy(dir, copy->to, name);
    default: return other_copy(dir, copy->to, name, &st);
    }
}

int tree_copy(int from, int to)
{
    struct stat st;
    if (fstat(from, &st) < 0)
        return -errno;
    struct copy copy = {.to = to, .device = st.st_dev};
    return dir_each(from, entry_copy, &copy);
}
