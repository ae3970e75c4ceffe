/* The ops that make files and set what the namespaces hold. INIT's; nothing here allocates. */
#include "runtime/perform.h"

#include "base/cleanup.h"
#include "base/copy.h"
#include "base/file.h"
#include "kernel/mount.h"
#include "kernel/sys.h"
#include "kernel/terminal.h"

#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int file_write(struct execution *x, const struct step *step)
{
    auto_fd fd = openat(x->slots[step->in], step->path,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, step->mode);
    if (fd < 0)
        return -errno;
    return fd_write_all(fd, step->text, strlen(step->text));
}

/* The directory of the step's path inside the root, made when missing; *NAME is the last component. What
 * lies right in the container's own /dev, a slot, needs no look-up; else *OPENED owns the fd. A /dev that is a link
 * would lead the container's devices elsewhere: -ELOOP. */
static int open_parent(struct execution *x, const struct step *step, const char **name, int *opened)
{
    const char *path = step->path;
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    *name = slash ? slash + 1 : path;
    if (step->in)
        return x->slots[step->in];
    if (length >= sizeof parent)
        return -ENAMETOOLONG;
    memcpy(parent, path, length);
    parent[length] = '\0';
    return *opened = mount_target(x->slots[SLOT_ROOT], length ? parent : "/", true, strcmp(parent, "/dev") == 0);
}

static mode_t device_type(char type)
{
    return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
}

/* Of an earlier run: it is there, and is this. */
static bool is_node(int dir, const char *name, mode_t mode, dev_t number)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mode == mode && (S_ISFIFO(mode) || st.st_rdev == number);
}

static int file_mknod(struct execution *x, const struct step *step)
{
    const struct device_config *device = step->data;
    const char *name;
    auto_fd opened = -1;
    int parent = open_parent(x, step, &name, &opened);
    if (parent < 0)
        return parent;
    dev_t number = makedev(device->major, device->minor);
    mode_t mode = device_type(device->type) | step->mode;
    int made = mknodat(parent, name, mode, number);
    if (made < 0 && errno == EEXIST && step->in && unlinkat(parent, name, 0) == 0) /* copied from the image's /dev */
        made = mknodat(parent, name, mode, number);
    if (made < 0 && !(errno == EEXIST && is_node(parent, name, mode, number)))
        return -errno;
    if (x->me == HOST && fchmodat(parent, name, step->mode, 0) < 0) /* HOST has the caller's umask */
        return -errno;
    uid_t uid = device->has_uid ? device->uid : 0;
    gid_t gid = device->has_gid ? device->gid : 0;
    bool made_so = uid == 0 && gid == 0; /* by the container's root, and so owned */
    return made_so || fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

static bool is_link_to(int dir, const char *name, const char *text)
{
    char there[PATH_MAX];
    ssize_t n = readlinkat(dir, name, there, sizeof there);
    return n > 0 && n < (ssize_t)sizeof there && (size_t)n == strlen(text) && memcmp(there, text, (size_t)n) == 0;
}

static int file_symlink(struct execution *x, const struct step *step)
{
    const char *name;
    auto_fd opened = -1;
    int parent = open_parent(x, step, &name, &opened);
    if (parent < 0)
        return parent;
    if (symlinkat(step->source, parent, name) < 0)
        return errno == EEXIST && step->flags == SAME_LINK && is_link_to(parent, name, step->source) ? 0 : -errno;
    uid_t owner = (uid_t)step->number;
    return owner && fchownat(parent, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* ---- chown of a whole tree ---- */

struct chown {
    uid_t uid;
    gid_t gid;
    int depth;
};

static int chown_entry(int dir, const char *name, unsigned char type, void *data)
{
    enum { DEEPEST = 256 };
    struct chown inside = *(const struct chown *)data;
    if (fchownat(dir, name, inside.uid, inside.gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (type != DT_DIR && type != DT_UNKNOWN)
        return 0;
    auto_fd inner = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0)
        return type == DT_UNKNOWN && (errno == ENOTDIR || errno == ELOOP) ? 0 : -errno;
    return inside.depth++ < DEEPEST ? dir_each(inner, chown_entry, &inside) : -ELOOP;
}

static int file_chown_tree(struct execution *x, const struct step *step)
{
    struct chown owner = {.uid = (uid_t)step->number, .gid = (gid_t)step->flags};
    auto_fd fd = sys_open_in_root(x->slots[SLOT_ROOT], step->path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    if (fchown(fd, owner.uid, owner.gid) < 0)
        return -errno;
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? dir_each(fd, chown_entry, &owner) : 0;
}

/* ---- tmpcopyup ---- */

/* The tmpfs itself is as the directory was, but for what its options say. */
static int copy_own(int from, int to, const struct mount_spec *spec)
{
    unsigned parts = COPY_OWNER | COPY_MODE;
    for (const char **setting = spec->settings; setting && *setting; setting += 2) {
        if (strcmp(*setting, "mode") == 0)
            parts &= ~(unsigned)COPY_MODE;
        if (strcmp(*setting, "uid") == 0 || strcmp(*setting, "gid") == 0)
            parts &= ~(unsigned)COPY_OWNER;
    }
    return attributes_copy(from, to, parts);
}

/* Nothing is copied where nothing was. Attributes, read-only among them, come last. */
static int file_copy_up(struct execution *x, const struct step *step)
{
    const struct mount_spec *spec = step->data;
    auto_fd from = sys_open_in_root(x->slots[SLOT_ROOT], step->path, O_RDONLY | O_DIRECTORY, 0);
    auto_fd to = openat(x->slots[step->in], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to < 0)
        return -errno;
    int r = from < 0 ? from : tree_copy(from, to);
    if (r == 0)
        r = copy_own(from, to, spec);
    if (r < 0 && r != -ENOENT)
        return r;
    return mount_apply(x->slots[step->in], spec);
}

/* ---- namespaces' values ---- */

/* "net.ipv4.ip_forward", or with slashes where a name has dots in it (sysctl(8)). */
static int file_sysctl(struct execution *x, const struct step *step)
{
    char path[256] = "sys/";
    size_t length = strlen(step->path);
    if (length + sizeof "sys/" > sizeof path)
        return -ENAMETOOLONG;
    memcpy(path + 4, step->path, length + 1);
    if (!strchr(step->path, '/'))
        for (char *dot; (dot = strchr(path, '.'));)
            *dot = '/';
    return file_put(x->slots[step->in], path, step->text);
}

static int file_hostname(struct execution *x, const struct step *step)
{
    (void)x;
    return sethostname(step->text, strlen(step->text)) < 0 ? -errno : 0;
}

static int file_domainname(struct execution *x, const struct step *step)
{
    (void)x;
    return setdomainname(step->text, strlen(step->text)) < 0 ? -errno : 0;
}

static int file_loopback(struct execution *x, const struct step *step)
{
    (void)x;
    (void)step;
    auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

/* ---- the terminal ---- */

static int file_tty(struct execution *x, const struct step *step)
{
    return terminal_open(x->slots[step->in], &x->slots[SLOT_CONSOLE], &x->slots[step->out]);
}

/* What the root has itself at /dev/null may be anything: looked at before it is opened, and no open of it waits. Where
 * there is no null device the caller's stays. */
static int file_null_stdio(struct execution *x, const struct step *step)
{
    (void)x;
    auto_fd there = sys_open_in_root(AT_FDCWD, "/dev/null", O_PATH, 0);
    if (!sys_is_null_device(there))
        return 0;
    auto_fd null = sys_open_in_root(AT_FDCWD, "/dev/null", O_RDWR | O_NONBLOCK | O_NOCTTY, 0);
    if (!sys_is_null_device(null) || fcntl(null, F_SETFL, 0) < 0)
        return null < 0 ? null : -ENODEV;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (step->number >> fd & 1 && dup2(null, fd) < 0)
            return -errno;
    return 0;
}

performer *const performers_files[OP_COUNT] = {
    [OP_WRITE] = file_write,
    [OP_MKNOD] = file_mknod,
    [OP_SYMLINK] = file_symlink,
    [OP_CHOWN_TREE] = file_chown_tree,
    [OP_COPY_UP] = file_copy_up,
    [OP_SYSCTL] = file_sysctl,
    [OP_HOSTNAME] = file_hostname,
    [OP_DOMAINNAME] = file_domainname,
    [OP_LOOPBACK] = file_loopback,
    [OP_TTY] = file_tty,
    [OP_NULL_STDIO] = file_null_stdio,
};
