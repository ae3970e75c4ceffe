#include "base/file.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

ssize_t file_read(int dir, const char *path, size_t max, char **text)
{
    auto_fd fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(-errno, "open %s", path);
    size_t used = 0, size = 0;
    auto_free char *bytes = NULL;
    for (;;) {
        if (size - used < 2) {
            size = size ? size * 2 : 4096;
            char *grown = realloc(bytes, size);
            if (!grown)
                return fail(-ENOMEM, "read %s", path);
            bytes = grown;
        }
        ssize_t n = read(fd, bytes + used, size - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(-errno, "read %s", path);
        if (n == 0)
            break;
        used += (size_t)n;
        if (used > max)
            return refuse(-EFBIG, "read %s: larger than %zu bytes", path, max);
    }
    bytes[used] = '\0';
    *text = take_ptr(&bytes);
    return (ssize_t)used;
}

ssize_t file_read_operand(const char *operand, size_t max, char **text, const char **shown)
{
    bool standard_input = strcmp(operand, "-") == 0;
    *shown = standard_input ? "standard input" : operand;
    return file_read(AT_FDCWD, standard_input ? "/dev/stdin" : operand, max, text);
}

int fd_write_all(int fd, const void *bytes, size_t size)
{
    for (const char *p = bytes; size;) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

int file_put(int dir, const char *path, const char *text)
{
    auto_fd fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t size = strlen(text);
    ssize_t n = write(fd, text, size);
    if (n < 0)
        return -errno;
    return (size_t)n == size ? 0 : -EIO;
}

static int replace(int dir, const char *path, const void *bytes, size_t size, mode_t mode, bool sync)
{
    char beside[4096];
    if (snprintf(beside, sizeof beside, "%s.%d.tmp", path, getpid()) >= (int)sizeof beside)
        return fail(-ENAMETOOLONG, "write %s", path);
    auto_fd fd = openat(dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return fail(-errno, "create %s", beside);
    int r = fd_write_all(fd, bytes, size);
    if (r == 0 && sync && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && renameat(dir, beside, dir, path) < 0)
        r = -errno;
    if (r < 0) {
        unlinkat(dir, beside, 0);
        return fail(r, "write %s", path);
    }
    return 0;
}

int file_replace(int dir, const char *path, const void *bytes, size_t size, mode_t mode)
{
    return replace(dir, path, bytes, size, mode, false);
}

int file_replace_synced(int dir, const char *path, const void *bytes, size_t size, mode_t mode)
{
    const char *slash = strrchr(path, '/');
    char parent[4096] = ".";
    TRY(replace(dir, path, bytes, size, mode, true));
    if (slash)
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    auto_fd fd = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? fail(-errno, "sync %s", parent) : 0;
}

int fd_send(int socket, int fd, const char *text)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {.iov_base = (char *)text, .iov_len = strlen(text)};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
                            .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int dir_make(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return 0;
    const char *slash = strrchr(path, '/');
    if (errno != ENOENT || !slash || slash == path)
        return fail(-errno, "create directory %s", path);
    char parent[4096];
    size_t length = (size_t)(slash - path);
    if (length >= sizeof parent)
        return fail(-ENAMETOOLONG, "create directory %s", path);
    memcpy(parent, path, length);
    parent[length] = '\0';
    TRY(dir_make(parent, mode));
    return mkdir(path, mode) == 0 || errno == EEXIST ? 0
                                                     : fail(-errno, "create directory %s", path);
}

/* ext4 puts a directory of such a parent where there are few others, looking from what its name hashes to on: hence a new name each
 * time. Left to itself it puts the tree beside what is and what was there; and without a journal it looks, for each file that is made,
 * at every inode near it that was removed in the last minutes, to leave it alone: ten times the work of making the file. */
int dir_make_apart(int dir, const char *name, mode_t mode)
{
    char random[17];
    int flags;
    if (ioctl(dir, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_TOPDIR_FL;
        (void)ioctl(dir, FS_IOC_SETFLAGS, &flags);
    }
    TRY(text_random_hex(random, 8));
    return mkdirat(dir, random, mode) < 0 || renameat(dir, random, dir, name) < 0 ? -errno : 0;
}

struct linux_dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    unsigned short d_reclen;
    unsigned char d_type;
    char d_name[];
};

int dir_each(int dir, dir_visitor *each, void *data)
{
    _Alignas(struct linux_dirent64) char entries[4096];
    for (;;) {
        long n = syscall(SYS_getdents64, dir, entries, sizeof entries);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (long at = 0; at < n;) {
            struct linux_dirent64 *e = (struct linux_dirent64 *)(entries + at);
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                TRY(each(dir, e->d_name, e->d_type, data));
            at += e->d_reclen;
        }
    }
}

/* A tree may be deeper than a process has fds, or stack: what is below DEEPEST is moved up to the top, which is then gone
 * through again. */
struct removal {
    dev_t device;
    int top; /* fd of the uppermost directory */
    unsigned moved;
};
enum { DEEPEST = 64 };

static int move_up(struct removal *removal, int dir, const char *name)
{
    for (unsigned tries = 0; tries < 1 << 20; tries++) {
        char to[32];
        snprintf(to, sizeof to, ".deep-%u", removal->moved++);
        if (renameat(dir, name, removal->top, to) == 0 || errno == ENOENT)
            return 0;
        if (errno == EACCES && fchmodat(dir, name, 0700, 0) == 0 && renameat(dir, name, removal->top, to) == 0)
            return 0; /* ".." is written as well */
        if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
            break;
    }
    return fail(-errno, "remove %s", name);
}

static int remove_entry(struct removal *removal, int dir, const char *path, bool directory, int depth);

/* What is in D, as often as something was moved there. */
static int remove_entries(struct removal *removal, DIR *d, int inner, int depth)
{
    for (unsigned before = ~0U; before != removal->moved; rewinddir(d)) {
        before = removal->moved;
        for (struct dirent *e; (e = readdir(d));)
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                TRY(remove_entry(removal, inner, e->d_name, e->d_type == DT_DIR, depth + 1));
        if (depth)
            break;
    }
    return 0;
}

static int remove_entry(struct removal *removal, int dir, const char *path, bool directory, int depth)
{
    if (!directory && (unlinkat(dir, path, 0) == 0 || errno == ENOENT))
        return 0;
    int reason = directory ? ENOTDIR : errno;
    if (directory && unlinkat(dir, path, AT_REMOVEDIR) == 0)
        return 0; /* it was empty */
    if (directory && depth > DEEPEST)
        return move_up(removal, dir, path);
    auto_fd fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 && errno == EACCES && fchmodat(dir, path, 0700, 0) == 0)
        fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return fail(errno == ENOTDIR || errno == ELOOP ? -reason : -errno, "remove %s", path);
    if (fstat(fd, &st) < 0 || (depth && st.st_dev != removal->device))
        return refuse(-EXDEV, "remove %s: something is mounted there", path);
    auto_dir d = fdopendir(fd);
    if (!d)
        return fail(-errno, "remove %s", path);
    int inner = take_fd(&fd);
    if ((st.st_mode & 0700) != 0700 && fchmod(inner, 0700) < 0 && errno != EPERM && errno != EROFS)
        return fail(-errno, "remove %s", path);
    if (!depth)
        *removal = (struct removal){.device = st.st_dev, .top = inner};
    TRY(remove_entries(removal, d, inner, depth));
    if (unlinkat(dir, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return fail(-errno, "remove %s", path);
    return 0;
}

int tree_remove(int dir, const char *path)
{
    struct removal removal = {.top = -1};
    return remove_entry(&removal, dir, path, false, 0);
}
