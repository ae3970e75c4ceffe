#include "kernel/mount.h"

#include "base/cleanup.h"

#include <limits.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { PROC_ROOT_INODE = 1 };

static int clone_with(int dir, const char *path, bool recursive, unsigned flags)
{
    return sys_open_tree(dir, path,
                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0) |
                             (*path ? 0 : AT_EMPTY_PATH) | flags);
}

int mount_clone(int dir, const char *path, bool recursive)
{
    return clone_with(dir, path, recursive, 0);
}

int mount_clone_link(int dir, const char *path, bool recursive)
{
    return clone_with(dir, path, recursive, AT_SYMLINK_NOFOLLOW);
}

static int configure(int fs, const char *const *settings)
{
    for (; settings && *settings; settings += 2) {
        const char *value = settings[1];
        int r = sys_fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, settings[0], value, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

int mount_create(const char *type, const char *const *settings, uint64_t attributes)
{
    auto_fd fs = sys_fsopen(type);
    if (fs < 0)
        return fs;
    int r = configure(fs, settings);
    if (r == 0)
        r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (r < 0)
        return r;
    return sys_fsmount(fs, (unsigned)attributes);
}

int mount_reconfigure(int mount, const char *const *settings)
{
    auto_fd fs = sys_fspick(mount, "");
    if (fs < 0)
        return fs;
    int r = configure(fs, settings);
    return r < 0 ? r : sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
}

int mount_attach(int mount, int target)
{
    return sys_move_mount(mount, "", target, "",
                          MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int mount_attributes(int mount, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation)
{
    if (!set && !clear && !propagation)
        return 0;
    struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    return sys_mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr);
}

int mount_idmap(int mount, bool recursive, int userns)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned)userns};
    return sys_mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr);
}

static int open_target(int root, const char *path, bool directory, bool strict)
{
    return sys_openat2(root, *path ? path : ".",
                       O_PATH | O_CLOEXEC | (directory ? O_DIRECTORY : 0), 0,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
                           (strict ? RESOLVE_NO_SYMLINKS : 0));
}

/* Opens what the last component of PATH[0..length) is in, which exists; that begins at *START. */
static int open_parent(int root, char *path, size_t length, size_t *start)
{
    *start = length;
    while (*start && path[*start - 1] != '/')
        --*start;
    char first = path[*start];
    path[*start] = '\0';
    int parent = sys_open_in_root(root, *start ? path : ".", O_PATH | O_DIRECTORY, 0);
    path[*start] = first;
    return parent;
}

/* Makes the last component of PATH[0..length) in its already existing parent. */
static int make_component(int root, char *path, size_t length, bool directory)
{
    size_t start;
    auto_fd parent = open_parent(root, path, length, &start);
    if (parent < 0)
        return parent;
    if (directory)
        return mkdirat(parent, path + start, 0755) < 0 && errno != EEXIST ? -errno : 0;
    auto_fd file = openat(parent, path + start,
                          O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
    return file < 0 && errno != EEXIST ? -errno : 0;
}

/* Opens PATH, of LENGTH bytes without a slash at its end, and makes what of it is missing. */
static int make_target(int root, char *path, size_t length, bool directory, bool strict)
{
    int made = make_component(root, path, length, directory); /* mostly only the last is missing */
    if (made < 0 && made != -ENOENT)
        return made;
    for (size_t i = 1; i <= length && made == -ENOENT; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        bool last = i == length;
        char kept = path[i];
        path[i] = '\0';
        auto_fd there = open_target(root, path, false, strict);
        int r = there == -ENOENT ? make_component(root, path, i, directory || !last) : 0;
        path[i] = kept;
        if (r < 0)
            return r;
    }
    return open_target(root, path, directory, strict);
}

/* PATH, whose last component is a link to nothing, becomes what that is a link to: /etc/resolv.conf in many images. */
static int follow_link(int root, char path[PATH_MAX], size_t length)
{
    char link[PATH_MAX];
    size_t start;
    auto_fd parent = open_parent(root, path, length, &start);
    ssize_t n = parent < 0 ? -1 : readlinkat(parent, path + start, link, sizeof link - 1);
    if (n <= 0)
        return -ENOENT;
    start = link[0] == '/' ? 0 : start;
    if (start + (size_t)n >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(path + start, link, (size_t)n);
    path[start + (size_t)n] = '\0';
    return 0;
}

int mount_target(int root, const char *path, bool directory, bool strict)
{
    enum { MOST_LINKS = 16 };
    char copy[PATH_MAX];
    int fd = open_target(root, path, directory, strict);
    if (fd != -ENOENT)
        return fd;
    if (strlen(path) >= sizeof copy)
        return -ENAMETOOLONG;
    memcpy(copy, path, strlen(path) + 1);
    for (int i = 0; i < MOST_LINKS; i++) {
        size_t length = strlen(copy);
        while (length && copy[length - 1] == '/')
            copy[--length] = '\0';
        fd = make_target(root, copy, length, directory, strict);
        int r = fd == -ENOENT && !strict ? follow_link(root, copy, length) : fd;
        if (fd != -ENOENT || r < 0)
            return r;
    }
    return -ELOOP;
}

int mount_target_link(int root, const char *path)
{
    struct statfs fs;
    struct stat st;
    auto_fd fd = sys_openat2(root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
        return -errno;
    return !S_ISLNK(st.st_mode) ? -EINVAL : fs.f_type == PROC_SUPER_MAGIC ? -EXDEV : take_fd(&fd);
}

int mount_is_mountpoint(int dir, const char *path)
{
    struct statx st;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*path ? 0 : AT_EMPTY_PATH);
    int r = SYS_RESULT(syscall(SYS_statx, dir, path, flags, 0, &st));
    return r < 0 ? r : !!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int mount_is_proc(int fd)
{
    struct statfs fs;
    struct stat st;
    if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
        return -errno;
    return fs.f_type == PROC_SUPER_MAGIC && st.st_ino == PROC_ROOT_INODE ? 0 : -EXDEV;
}
