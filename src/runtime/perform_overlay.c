/* A root over layers. Overlayfs is told of its layers by fds since Linux 6.13, each by a string of its own since 6.7, and before by mount(2),
 * whose options are one page; there the overlay is mounted where only this mount namespace sees it, and a detached copy of
 * that mount is what is kept. By INIT, or by HOST, whose rights over the host's file systems id-mapping needs: nothing here
 * allocates. */
#include "runtime/perform.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/sys.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* An overlay before it is made. */
struct draft {
    enum layer_api api;
    int fs;             /* the file system's, where there is one */
    char options[4096]; /* else: those of mount(2) */
    char *end;
};

/* ---- options ---- */

char *mount_name_fd(char *out, int fd)
{
    static const char directory[] = "/proc/self/fd/";
    memcpy(out, directory, sizeof directory);
    out += sizeof directory - 1;
    bool begun = false;
    for (int unit = 100000; unit; unit /= 10)
        if ((begun |= fd >= unit || unit == 1))
            *out++ = (char)('0' + fd / unit % 10);
    *out = '\0';
    return out;
}

static int append(struct draft *draft, const char *text)
{
    size_t length = strlen(text);
    if (length >= sizeof draft->options - (size_t)(draft->end - draft->options))
        return -E2BIG;
    memcpy(draft->end, text, length + 1);
    draft->end += length;
    return 0;
}

/* KEY is lowerdir+, upperdir or workdir; lower layers come first, the topmost first. */
static int draft_layer(struct draft *draft, const char *key, int layer)
{
    char name[FD_NAME_SIZE];
    if (draft->api == LAYERS_FDS)
        return sys_fsconfig(draft->fs, FSCONFIG_SET_FD, key, NULL, layer);
    mount_name_fd(name, layer);
    if (draft->api == LAYERS_NAMED)
        return sys_fsconfig(draft->fs, FSCONFIG_SET_STRING, key, name, 0);
    bool lower = strcmp(key, "lowerdir+") == 0, first = draft->end == draft->options;
    int r = append(draft, lower ? first ? "lowerdir=" : ":" : ",");
    if (r == 0 && !lower)
        r = append(draft, key);
    if (r == 0 && !lower)
        r = append(draft, "=");
    return r < 0 ? r : append(draft, name);
}

static int draft_flag(struct draft *draft, const char *flag)
{
    if (draft->api != LAYERS_JOINED)
        return sys_fsconfig(draft->fs, FSCONFIG_SET_FLAG, flag, NULL, 0);
    int r = append(draft, ",");
    return r < 0 ? r : append(draft, flag);
}

/* ---- layers ---- */

/* A detached copy of the mount at PATH, with the container's ids. */
static int overlay_mapped(struct execution *x, const char *path)
{
    auto_fd layer = mount_clone(AT_FDCWD, path, false);
    if (layer < 0)
        return layer;
    int r = mount_idmap(layer, false, x->slots[SLOT_USERNS]);
    return r < 0 ? r : take_fd(&layer);
}

static int overlay_lower(struct execution *x, const struct overlay_spec *spec, const char *path)
{
    if (spec->idmapped && !spec->base)
        return overlay_mapped(x, path);
    int layer = spec->base ? openat(x->layers.fds[0], path + strlen(spec->base) + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                           : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return layer < 0 ? -errno : layer;
}

/* Where many lie in one directory, that is copied and mapped once: each such mount takes a moment to make, and one to end. */
static int overlay_base(struct execution *x, const struct overlay_spec *spec)
{
    int base = spec->base ? overlay_mapped(x, spec->base) : 0;
    if (base < 0 || !spec->base)
        return base;
    x->layers.fds[x->layers.count++] = base;
    return 0;
}

static int overlay_lowers(struct execution *x, struct draft *draft, const struct overlay_spec *spec)
{
    int r = overlay_base(x, spec);
    for (size_t i = 0; r == 0 && spec->lowers[i]; i++) {
        int layer = i == MAX_LAYERS ? -E2BIG : overlay_lower(x, spec, spec->lowers[i]);
        if (layer < 0)
            return layer;
        x->layers.fds[x->layers.count++] = layer;
        r = draft_layer(draft, "lowerdir+", layer);
    }
    return r;
}

/* A tmpfs for upper/ and work/. The fd is all that holds it until the overlay does. */
static int overlay_memory(const struct overlay_spec *spec)
{
    static const char *const settings[] = {"mode", "0711", NULL}, *const names[] = {"upper", "work"};
    auto_fd tmpfs = mount_create("tmpfs", settings, 0);
    if (tmpfs < 0)
        return tmpfs;
    for (size_t i = 0; i < COUNT(names); i++)
        if (mkdirat(tmpfs, names[i], 0755) < 0 ||
            (spec->owner && fchownat(tmpfs, names[i], spec->owner, spec->owner, 0) < 0))
            return -errno;
    return take_fd(&tmpfs);
}

/* Where names are given, they are looked up only when the overlay is made: the fds stay open. */
static int overlay_writable(struct execution *x, struct draft *draft, const struct overlay_spec *spec)
{
    static const struct {
        const char *key, *name;
    } parts[] = {{"upperdir", "upper"}, {"workdir", "work"}};
    int dir = spec->container ? open(spec->container, O_PATH | O_DIRECTORY | O_CLOEXEC)
                              : overlay_memory(spec);
    if (dir < 0)
        return spec->container ? -errno : dir;
    x->layers.fds[x->layers.count++] = dir;
    for (size_t i = 0; i < COUNT(parts); i++) {
        int fd = openat(dir, parts[i].name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        x->layers.fds[x->layers.count++] = fd;
        int r = draft_layer(draft, parts[i].key, fd);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What overlayfs takes from the upper directory alone. Ids are as the maker sees them, here and there; one that the container has
 * none for stays root's. */
static int overlay_root(int mount, int model)
{
    struct stat st;
    auto_fd root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || fstat(model, &st) < 0)
        return -errno;
    const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
    if ((fchown(root, st.st_uid, st.st_gid) < 0 && errno != EINVAL) || fchmod(root, st.st_mode & 07777) < 0 ||
        futimens(root, times) < 0)
        return -errno;
    return 0;
}

/* ---- the whole ---- */

/* By mount(2): over the container's own directory for a moment, as it is what nobody else looks for. */
static int make_mounted(const struct draft *draft, const char *place, bool nodev)
{
    if (mount("overlay", place, "overlay", nodev ? MS_NODEV : 0, draft->options) < 0)
        return -errno;
    auto_fd copy = mount_clone(AT_FDCWD, place, false);
    if (umount2(place, MNT_DETACH) < 0)
        return -errno;
    return take_fd(&copy);
}

static int make_detached(const struct draft *draft, bool nodev)
{
    int r = sys_fsconfig(draft->fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    return r < 0 ? r : sys_fsmount(draft->fs, nodev ? MOUNT_ATTR_NODEV : 0);
}

/* `volatile` leaves out the sync at unmount: the upper layer is removed with the container. */
static int compose(struct execution *x, struct draft *draft, const struct overlay_spec *spec)
{
    int r = overlay_lowers(x, draft, spec);
    if (r == 0)
        r = overlay_writable(x, draft, spec);
    if (r == 0)
        r = draft_flag(draft, "volatile");
    return r == 0 && spec->userxattr ? draft_flag(draft, "userxattr") : r;
}

int mount_overlay(struct execution *x, const struct step *step)
{
    const struct overlay_spec *spec = step->data;
    bool joined = spec->api == LAYERS_JOINED;
    struct draft draft = {.api = spec->api};
    draft.end = draft.options;
    auto_fd fs = joined ? -1 : sys_fsopen("overlay");
    draft.fs = fs;
    int r = fs < 0 && !joined ? fs : compose(x, &draft, spec);
    if (r < 0)
        return r;
    auto_fd mount = joined ? make_mounted(&draft, spec->container, spec->nodev) : make_detached(&draft, spec->nodev);
    if (mount >= 0 && spec->model >= 0)
        r = overlay_root(mount, x->layers.fds[spec->model + !!spec->base]);
    if (mount < 0 || r < 0)
        return mount < 0 ? mount : r;
    x->slots[step->out] = take_fd(&mount);
    return 0;
}
