/* The ops that mount. Most run in INIT; BIND_OPEN and OVERLAY also in HOST, whose rights over the
 * host's file systems id-mapping needs. Nothing here allocates; everything inside the root is reached
 * through @root with openat2(RESOLVE_IN_ROOT). */
#include "runtime/perform.h"
#include "runtime/userns.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/sys.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* ---- attaching inside the root ---- */

static bool is_directory(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Attaches MOUNT at PATH in the root, making a missing target of the mount's own kind. */
static int attach_in_root(struct execution *x, int mount, const char *path, bool strict)
{
    auto_fd target = mount_target(x->slots[SLOT_ROOT], path, is_directory(mount), strict);
    return target < 0 ? target : mount_attach(mount, target);
}

/* What STEP mounts, where it belongs. */
static int attach(struct execution *x, int mount, const struct step *step, bool strict)
{
    const struct mount_spec *spec = step->data;
    auto_fd link = spec->dest_nofollow ? mount_target_link(x->slots[SLOT_ROOT], step->path) : -EINVAL;
    if (link >= 0)
        return mount_attach(mount, link);
    return link == -EXDEV ? link : attach_in_root(x, mount, step->path, strict);
}

/* Into the step's slot. A mount over the root is the root from there on. */
static void keep(struct execution *x, const struct step *step, int *mount)
{
    if (!step->out)
        return;
    cleanup_fd(&x->slots[step->out]);
    x->slots[step->out] = take_fd(mount);
}

/* A detached copy of the step's source. */
static int clone_source(const struct step *step)
{
    const struct mount_spec *spec = step->data;
    return (spec->src_nofollow ? mount_clone_link : mount_clone)(AT_FDCWD, step->source, spec->recursive);
}

int mount_apply(int mount, const struct mount_spec *spec)
{
    int r = mount_attributes(mount, false, spec->set, spec->clear,
                             spec->propagate_all ? 0 : spec->propagation);
    if (r < 0)
        return r;
    return mount_attributes(mount, true, spec->set_all, spec->clear_all,
                            spec->propagate_all ? spec->propagation : 0);
}

/* ---- id-mapped sources (HOST) ---- */

static int idmap(struct execution *x, int mount, const struct mount_spec *spec)
{
    if (!spec->idmap && !spec->uids)
        return 0;
    if (!spec->uids)
        return mount_idmap(mount, spec->idmap_all, x->slots[SLOT_USERNS]);
    auto_fd userns = userns_holding(&(struct map_spec){.uids = *spec->uids, .gids = *spec->gids});
    return userns < 0 ? userns : mount_idmap(mount, spec->idmap_all, userns);
}

static int mount_bind_open(struct execution *x, const struct step *step)
{
    const struct mount_spec *spec = step->data;
    auto_fd mount = clone_source(step);
    if (mount < 0)
        return mount;
    int r = idmap(x, mount, spec);
    if (r == 0)
        r = mount_apply(mount, spec);
    if (r < 0)
        return r;
    x->slots[step->out] = take_fd(&mount);
    return 0;
}

/* ---- INIT ---- */

static int mount_propagation(struct execution *x, const struct step *step)
{
    (void)x;
    struct mount_attr attr = {.propagation = step->flags};
    return sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr);
}

static int mount_root_propagation(struct execution *x, const struct step *step)
{
    (void)x;
    struct mount_attr attr = {.propagation = step->flags};
    return sys_mount_setattr(AT_FDCWD, "/", step->mode, &attr);
}

static int mount_attach_slot(struct execution *x, const struct step *step)
{
    return sys_move_mount(x->slots[step->in], "", AT_FDCWD, step->path, MOVE_MOUNT_F_EMPTY_PATH);
}

static int mount_proc_open(struct execution *x, const struct step *step)
{
    auto_fd proc = step->source ? mount_clone(AT_FDCWD, step->source, true)
                                : mount_create("proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                                                 MOUNT_ATTR_NOEXEC);
    if (proc < 0)
        return proc;
    int r = mount_is_proc(proc);
    if (r == 0)
        x->slots[step->out] = take_fd(&proc);
    return r;
}

/* Detached. Its settings and attributes are a mount's, or the usual ones; NUMBER is its owner, as the caller
 * sees ids, where that is not the caller. */
static int mount_tmpfs_open(struct execution *x, const struct step *step)
{
    static const char *const usual[] = {"mode", "0755", "size", "1m", NULL};
    const struct mount_spec *spec = step->data;
    uint64_t late = spec && spec->copy_up ? MOUNT_ATTR_RDONLY : 0; /* OP_COPY_UP has to write */
    uint64_t attributes = spec ? spec->set & ~late : MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | step->flags;
    auto_fd mount = mount_create("tmpfs", spec ? spec->settings : usual, attributes);
    uid_t owner = (uid_t)step->number;
    if (mount < 0)
        return mount;
    if (owner && fchownat(mount, "", owner, owner, AT_EMPTY_PATH) < 0)
        return -errno;
    x->slots[step->out] = take_fd(&mount);
    return 0;
}

/* A tmpfs whose mode nobody has chosen has that of the directory which it covers, as with others: the kernel's is 1777. */
static int create_like(struct execution *x, const struct step *step)
{
    enum { MOST = 64 };
    const struct mount_spec *spec = step->data;
    const char *settings[MOST + 3];
    char mode[8];
    struct stat st;
    size_t n = 0;
    bool chosen = strcmp(spec->type, "tmpfs") != 0;
    for (; spec->settings && spec->settings[n]; n += 2)
        chosen |= strcmp(spec->settings[n], "mode") == 0;
    auto_fd covered = chosen || n > MOST ? -1 : sys_open_in_root(x->slots[SLOT_ROOT], step->path, O_PATH, 0);
    if (covered < 0 || fstat(covered, &st) < 0 || !S_ISDIR(st.st_mode))
        return mount_create(spec->type, spec->settings, spec->set);
    if (n)
        memcpy(settings, spec->settings, n * sizeof *settings);
    for (int i = 0; i < 4; i++)
        mode[i] = (char)('0' + (st.st_mode >> 3 * (3 - i) & 7));
    mode[4] = '\0';
    settings[n] = "mode";
    settings[n + 1] = mode;
    settings[n + 2] = NULL;
    return mount_create(spec->type, settings, spec->set);
}

static int mount_mount(struct execution *x, const struct step *step)
{
    const struct mount_spec *spec = step->data;
    auto_fd mount = create_like(x, step);
    if (mount < 0)
        return mount;
    struct mount_spec rest = *spec;
    rest.set = rest.clear = 0;
    int r = mount_apply(mount, &rest);
    if (r == 0)
        r = attach(x, mount, step, spec->strict);
    if (r == 0)
        keep(x, step, &mount);
    return r;
}

static int mount_bind(struct execution *x, const struct step *step)
{
    const struct mount_spec *spec = step->data;
    int *made = &x->slots[step->in]; /* by HOST, attributes and all */
    auto_fd mount = step->in ? -1 : clone_source(step);
    if (!step->in && mount < 0)
        return mount;
    int r = step->in ? 0 : mount_apply(mount, spec);
    if (r == 0)
        r = attach(x, step->in ? *made : mount, step, (!step->in || x->plan->visits) && spec->strict);
    if (r == 0)
        keep(x, step, step->in ? made : &mount);
    return r;
}

/* Of what is mounted there already. */
static int mount_remount(struct execution *x, const struct step *step)
{
    const struct mount_spec *spec = step->data;
    auto_fd mount = sys_open_in_root(x->slots[SLOT_ROOT], step->path, O_PATH, 0);
    if (mount < 0)
        return mount;
    int r = spec->settings ? mount_reconfigure(mount, spec->settings) : 0;
    return r < 0 ? r : mount_apply(mount, spec);
}

/* A generated file as a mount of its own; where it was written its name goes. */
static int mount_bind_file(struct execution *x, const struct step *step)
{
    auto_fd mount = mount_clone(x->slots[step->in], step->source, false);
    if (mount < 0)
        return mount;
    int r = mount_attributes(mount, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                             0, 0);
    if (r == 0)
        r = attach_in_root(x, mount, step->path, false);
    return unlinkat(x->slots[step->in], step->source, 0) < 0 && r == 0 ? -errno : r;
}

static int mount_console(struct execution *x, const struct step *step)
{
    auto_fd mount = mount_clone(x->slots[step->in], "", false);
    return mount < 0 ? mount : attach_in_root(x, mount, step->path, false);
}

/* Attaches the empty tmpfs itself, once, and then clones of it: Linux before 6.15 clones only what is
 * attached, and closing a mount that is not takes a grace period. */
static int attach_empty(struct execution *x, int target)
{
    if (!x->empty_attached) {
        int r = mount_attach(x->slots[SLOT_EMPTY], target);
        x->empty_attached = r == 0;
        return r;
    }
    auto_fd mount = mount_clone(x->slots[SLOT_EMPTY], "", false);
    return mount < 0 ? mount : mount_attach(mount, target);
}

/* /dev/null over files, an empty directory over directories. The null device is the verified one of
 * the host, not the container's /dev/null, which may be anything (CVE-2025-31133). */
static int mount_mask(struct execution *x, const struct step *step)
{
    auto_fd target = sys_open_in_root(x->slots[SLOT_ROOT], step->path, O_PATH, 0);
    if (target < 0)
        return target;
    if (is_directory(target))
        return attach_empty(x, target);
    auto_fd mount = mount_clone(x->slots[SLOT_NULL], "", false);
    return mount < 0 ? mount : mount_attach(mount, target);
}

/* The working directory, as others make it. That it cannot be made is told by who wants to enter it. */
static int mount_mkdir(struct execution *x, const struct step *step)
{
    auto_fd fd = mount_target(x->slots[SLOT_ROOT], step->path, true, false);
    return fd < 0 ? fd : 0;
}

/* A mount of its own, which is not made read-only with the root. */
static int mount_volume(struct execution *x, const struct step *step)
{
    auto_fd target = mount_target(x->slots[SLOT_ROOT], step->path, true, false);
    if (target < 0)
        return target;
    auto_fd mount = mount_clone(target, "", true);
    return mount < 0 ? mount : mount_attach(mount, target);
}

static int mount_readonly(struct execution *x, const struct step *step)
{
    if (strcmp(step->path, "/") == 0)
        return mount_attributes(x->slots[SLOT_ROOT], false, MOUNT_ATTR_RDONLY, 0, 0);
    auto_fd target = sys_open_in_root(x->slots[SLOT_ROOT], step->path, O_PATH, 0);
    if (target < 0)
        return target;
    auto_fd mount = mount_clone(target, "", true);
    if (mount < 0)
        return mount;
    int r = mount_attributes(mount, true, MOUNT_ATTR_RDONLY, 0, 0);
    return r < 0 ? r : mount_attach(mount, target);
}

/* ---- in a container that goes on ---- */

/* What is mounted at PATH itself, without a link on the way: the container may have put one there meanwhile, to have
 * another mount taken away, such as one that hides something from it. */
static int mount_mountpoint(struct execution *x, const struct step *step)
{
    auto_fd fd = sys_openat2(x->slots[SLOT_ROOT], step->path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0,
                             RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (fd < 0)
        return fd;
    int r = mount_is_mountpoint(fd, "");
    if (r <= 0)
        return r < 0 ? r : -EINVAL;
    x->slots[step->out] = take_fd(&fd);
    return 0;
}

/* The mount that FD is in, which has no path that could be relied upon: by the procfs of the host. umount2(2) refuses
 * what is not the root of a mount. */
static int unmount(struct execution *x, int fd)
{
    static const char proc[] = "/proc/";
    char name[FD_NAME_SIZE];
    mount_name_fd(name, fd);
    if (fchdir(x->slots[SLOT_HOSTPROC]) < 0)
        return -errno;
    return umount2(name + sizeof proc - 1, MNT_DETACH) < 0 ? -errno : 0;
}

static int mount_unmount(struct execution *x, const struct step *step)
{
    return unmount(x, x->slots[step->in]);
}

void mounts_take_back(struct execution *x, size_t from)
{
    for (size_t i = x->at; i-- > from;) {
        const struct step *step = &x->plan->steps[i];
        if (step->by == x->me && (step->op == OP_MOUNT || step->op == OP_BIND))
            unmount(x, x->slots[step->in ? step->in : step->out]);
    }
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up over the new one, and is detached. Where mounts cover the root,
 * NUMBER, it still has on it what they cover, which goes first. */
static int mount_pivot(struct execution *x, const struct step *step)
{
    if (fchdir(x->slots[step->in]) < 0)
        return -errno;
    if (step->flags == COVER) /* no path leads to the old root any more; it is only not gone */
        return chroot(".") < 0 || chdir("/") < 0 ? -errno : 0;
    int r = sys_pivot_root(".", ".");
    for (int64_t left = step->number + 1; r == 0 && left; left--)
        r = umount2(".", MNT_DETACH) < 0 ? -errno : 0;
    return r < 0 ? r : chdir("/") < 0 ? -errno : 0;
}

static bool is_devpts(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC;
}

/* Cgroup directories, `tasks` files and its network namespaces for HOST; for INIT the null device, in whose mount
 * namespace it has to be opened to be bound, and the devpts of a container that it has entered, which may be
 * anything but is taken only if it is one. */
static int mount_open(struct execution *x, const struct step *step)
{
    if (step->out == SLOT_HOOK_OUT || step->out == SLOT_HOOK_ERR)
        return x->slots[step->out] = hook_open_output(step->path);
    bool tasks = step->out >= SLOT_TASKS && step->out < SLOT_MOUNT;
    bool namespace = step->out == SLOT_HOSTNET || step->out == SLOT_HOSTPID || step->out == SLOT_NETNS ||
                     step->out == SLOT_USERNS;
    int flags = tasks                      ? O_WRONLY
                : step->out == SLOT_CGROUP ? O_RDONLY | O_DIRECTORY
                : step->out == SLOT_PTS    ? O_RDONLY | O_DIRECTORY | O_NONBLOCK
                : namespace                ? O_RDONLY
                                           : O_PATH;
    uint64_t resolve = step->out == SLOT_PTS ? RESOLVE_NO_MAGICLINKS : 0; /* not the caller's, by an fd of INIT's */
    auto_fd fd = sys_openat2(AT_FDCWD, step->path, (uint64_t)(unsigned)flags | O_CLOEXEC, 0, resolve);
    if (fd < 0)
        return fd;
    if (step->out == SLOT_NULL ? !sys_is_null_device(fd) : step->out == SLOT_PTS && !is_devpts(fd))
        return -ENODEV;
    x->slots[step->out] = take_fd(&fd);
    return 0;
}

performer *const performers_mounts[OP_COUNT] = {
    [OP_OPEN] = mount_open,
    [OP_BIND_OPEN] = mount_bind_open,
    [OP_OVERLAY] = mount_overlay,
    [OP_COPY_LAYERS] = copy_layers,
    [OP_PROPAGATION] = mount_propagation,
    [OP_ROOT_PROPAGATION] = mount_root_propagation,
    [OP_ATTACH] = mount_attach_slot,
    [OP_PROC_OPEN] = mount_proc_open,
    [OP_TMPFS_OPEN] = mount_tmpfs_open,
    [OP_MOUNT] = mount_mount,
    [OP_BIND] = mount_bind,
    [OP_REMOUNT] = mount_remount,
    [OP_MOUNTPOINT] = mount_mountpoint,
    [OP_UNMOUNT] = mount_unmount,
    [OP_BIND_FILE] = mount_bind_file,
    [OP_CONSOLE] = mount_console,
    [OP_MKDIR] = mount_mkdir,
    [OP_VOLUME] = mount_volume,
    [OP_MASK] = mount_mask,
    [OP_READONLY] = mount_readonly,
    [OP_PIVOT] = mount_pivot,
};
