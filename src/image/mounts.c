/* The record comes before the mount, and goes after it: so whoever is killed leaves a record without a mount, which the next who looks
 * removes; who makes one holds a lock on it meanwhile. A mount of another mount namespace cannot be seen: its record counts until
 * the system is booted again, or it is unmounted there, or by force.
 *
 * What is shown has set-id programs and devices of anybody's: the mount has neither, and lies in a directory that only root enters. */
#include "image/mounts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/json_write.h"
#include "base/process.h"
#include "base/text.h"
#include "image/stack.h"
#include "kernel/mount.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { MOUNT_ATTRIBUTES = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };

static const char *boot_id(struct arena *arena)
{
    auto_free char *text = NULL;
    if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 100, &text) < 0) {
        error_clear();
        return "unknown";
    }
    text[strcspn(text, "\n")] = '\0';
    return arena_strdup(arena, text);
}

static uint64_t mount_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/mnt", &st) < 0 ? 0 : st.st_ino;
}

static bool is_mounted(const char *point)
{
    return mount_is_mountpoint(AT_FDCWD, point) == 1;
}

/* ---- records ---- */

static const char *record_path(const struct store *store, const char *hex)
{
    return arena_printf(store->arena, "mounts/%s", hex);
}

static void encode_record(const void *data, struct json_writer *json)
{
    const struct image_mount *mount = data;
    json_begin_object(json, NULL);
    json_put_string(json, "image", mount->image);
    json_put_string(json, "name", mount->name);
    json_put_string(json, "top", mount->top);
    json_put_string(json, "point", mount->point);
    json_put_string(json, "boot", mount->boot);
    json_put_u64(json, "namespace", mount->space);
    json_end_object(json);
}

static int write_record(int fd, const struct image_mount *mount)
{
    auto_free char *text = NULL;
    size_t size;
    TRY(json_write_text(encode_record, mount, &text, &size));
    int r = fd_write_all(fd, text, size);
    return r < 0 ? fail(r, "write the record of a mount") : 0;
}

/* False where it is none: what was not written to its end was not mounted. */
static bool read_record(const struct store *store, const char *hex, struct image_mount *mount)
{
    struct arena *arena = store->arena;
    auto_free char *text = NULL;
    if (file_read(store->fd, record_path(store, hex), 1 << 16, &text) < 0) {
        error_clear();
        return false;
    }
    auto_json *json = json_tokener_parse(text);
    const char *image = json_text_of(json, "image"), *name = json_text_of(json, "name"), *top = json_text_of(json, "top"),
               *point = json_text_of(json, "point"), *boot = json_text_of(json, "boot");
    if (!digest_valid(image) || !name || !top || strlen(top) != DIGEST_HEX || !point || !boot)
        return false;
    *mount = (struct image_mount){.hex = arena_strdup(arena, hex), .image = arena_strdup(arena, image), .name = arena_strdup(arena, name),
                                  .top = arena_strdup(arena, top), .point = arena_strdup(arena, point), .boot = arena_strdup(arena, boot),
                                  .space = json_number_of(json, "namespace")};
    return true;
}

static bool is_here(const struct store *store, const struct image_mount *mount)
{
    return text_equal(mount->boot, boot_id(store->arena)) && mount->space == mount_namespace();
}

static void remove_point(const char *point)
{
    char parent[4096];
    rmdir(point);
    snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(point, '/') - point), point);
    rmdir(parent); /* when it was the last */
}

struct listing {
    const struct store *store;
    struct image_mount *list;
    size_t count;
};

static int list_record(int dir, const char *name, unsigned char type, void *data)
{
    struct listing *listing = data;
    struct image_mount mount;
    (void)type;
    auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool making = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
    bool whole = fd >= 0 && read_record(listing->store, name, &mount);
    bool gone = whole && !text_equal(mount.boot, boot_id(listing->store->arena));
    gone |= whole && is_here(listing->store, &mount) && !is_mounted(mount.point);
    if (fd < 0 || (making && !whole))
        return 0;
    if (making || (whole && !gone)) {
        *LIST_ADD(listing->store->arena, &listing->list, &listing->count) = mount;
        return 0;
    }
    if (whole)
        remove_point(mount.point);
    return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? fail(-errno, "remove the record of a mount") : 0;
}

int image_mounts(const struct store *store, struct image_mount **list, size_t *count)
{
    struct listing listing = {.store = store};
    auto_fd dir = openat(store->fd, "mounts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *list = NULL;
    *count = 0;
    if (dir < 0)
        return errno == ENOENT ? 0 : fail(-errno, "open %s/mounts", store->dir);
    TRY(dir_each(dir, list_record, &listing));
    *list = listing.list;
    *count = listing.count;
    return 0;
}

const struct image_mount *image_mount_find(const struct image_mount *list, size_t count, const char *digest)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(list[i].image, digest))
            return &list[i];
    return NULL;
}

/* ---- mounting ---- */

struct lowers {
    int fds[LAYERS_MAX];
    size_t count;
};

static void cleanup_lowers(struct lowers *lowers)
{
    for (size_t i = 0; i < lowers->count; i++)
        close(lowers->fds[i]);
}

/* The topmost first. */
static int open_lowers(const struct store *store, const struct content *content, struct lowers *lowers)
{
    struct layer_stack stack;
    int r = stack_read(store, content, &stack);
    if (r < 0)
        return r == -ENOENT ? refuse(r, "image %s: a layer has just been removed", content->image.digest) : r;
    for (const char **path = stack.directories; *path; path++) {
        int fd = open(*path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return fail(-errno, "open %s", *path);
        lowers->fds[lowers->count++] = fd;
    }
    return 0;
}

/* Before Linux 6.7 there is but mount(2) for so many: all in one string, of a page at most. */
static int mount_joined(struct arena *arena, const struct lowers *lowers, const char *point)
{
    const char *text = "lowerdir=";
    for (size_t i = 0; i < lowers->count; i++)
        text = arena_printf(arena, "%s/proc/self/fd/%d:", text, lowers->fds[i]);
    text = arena_printf(arena, "%s%s%s", text, point, process_in_userns() ? ",userxattr" : "");
    return mount("bocal", point, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, text) < 0 ? -errno : 0;
}

/* An overlay without an upper layer wants two lower ones: the lowest is the directory that is mounted over, which is empty. */
static int add_lowers(struct arena *arena, int fs, const struct lowers *lowers, const char *point)
{
    for (size_t i = 0; i < lowers->count; i++)
        TRY(sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", arena_printf(arena, "/proc/self/fd/%d", lowers->fds[i]), 0));
    TRY(sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", point, 0));
    return process_in_userns() ? sys_fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) : 0;
}

static int mount_detached(struct arena *arena, const struct lowers *lowers, const char *point)
{
    auto_fd fs = sys_fsopen("overlay");
    if (fs < 0)
        return fs;
    TRY(add_lowers(arena, fs, lowers, point));
    TRY(sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "bocal", 0));
    TRY(sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    return sys_fsmount(fs, MOUNT_ATTRIBUTES);
}

/* Before Linux 6.7 the kernel does not know lowerdir+, and says so here or there. */
static int mount_layers(struct arena *arena, const struct lowers *lowers, const char *point)
{
    auto_fd mount = mount_detached(arena, lowers, point);
    if (mount == -EINVAL)
        return mount_joined(arena, lowers, point);
    auto_fd target = open(point, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (mount < 0 || target < 0)
        return mount < 0 ? mount : -errno;
    return mount_attach(mount, target);
}

static int make_point(const struct store *store, const struct image_mount *mount)
{
    char *parent = arena_strdup(store->arena, mount->point);
    *strrchr(parent, '/') = '\0';
    TRY(dir_make(parent, 0711));
    if (chmod(parent, 0700) < 0)
        return fail(-errno, "create %s", parent);
    return dir_make(mount->point, 0700);
}

/* Locked, and not removed by somebody who took it for a killed one's before. */
static int make_record(const struct store *store, const char *hex)
{
    for (;;) {
        struct stat st;
        auto_fd record = openat(store->fd, record_path(store, hex), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (record < 0 || flock(record, LOCK_EX) < 0 || fstat(record, &st) < 0)
            return fail(-errno, "create %s/mounts/%s", store->dir, hex);
        if (st.st_nlink)
            return take_fd(&record);
    }
}

static int mount_new(const struct store *store, const struct content *content, const struct image_mount *mount)
{
    __attribute__((cleanup(cleanup_lowers))) struct lowers lowers = {.count = 0};
    TRY(dir_make(arena_printf(store->arena, "%s/mounts", store->dir), 0700));
    auto_fd record = make_record(store, mount->hex);
    TRY(record);
    TRY(write_record(record, mount));
    TRY(make_point(store, mount));
    TRY(open_lowers(store, content, &lowers));
    int r = mount_layers(store->arena, &lowers, mount->point);
    return r < 0 ? fail(r, "mount %zu layers at %s", lowers.count, mount->point) : 0;
}

int image_mount(const struct store *store, const struct content *content, const char *state, const char **point)
{
    struct image_mount *list;
    size_t count;
    const char *hex = digest_hex(content->digest);
    if (!content->n_layers)
        return refuse(-EINVAL, "image %s: it has no layers, there is nothing to mount", content->image.digest);
    auto_fd one = openat(store->fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* one mounts at a time */
    if (one < 0 || flock(one, LOCK_EX) < 0)
        return fail(-errno, "lock %s/layers", store->dir);
    TRY(image_mounts(store, &list, &count));
    for (size_t i = 0; i < count; i++)
        if (text_equal(list[i].hex, hex)) {
            *point = list[i].point;
            return is_here(store, &list[i]) ? 0 : refuse(-EBUSY, "image %s is mounted at %s, in another mount namespace",
                                                         list[i].name, list[i].point);
        }
    const struct image *image = &content->image;
    const struct image_mount mount = {.hex = hex, .image = image->digest, .name = image->name ? image->name : image->digest,
                                      .top = digest_hex(content->chain[content->n_layers - 1]), .boot = boot_id(store->arena),
                                      .point = arena_printf(store->arena, "%s/.mounts/%s", state, hex), .space = mount_namespace()};
    int r = mount_new(store, content, &mount);
    if (r < 0) {
        remove_point(mount.point);
        unlinkat(store->fd, record_path(store, hex), 0);
        return r;
    }
    *point = mount.point;
    return 0;
}

int image_unmount(const struct store *store, const struct image_mount *mount, bool force)
{
    bool here = is_here(store, mount);
    if (!here && !force)
        return refuse(-EBUSY, "image %s is mounted at %s, in another mount namespace (unmount it there, or --force)",
                      mount->name, mount->point);
    if (here && umount2(mount->point, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0) {
        if (errno == EBUSY)
            return refuse(-EBUSY, "image %s: somebody works in %s (--force takes it from him)", mount->name, mount->point);
        if (errno != EINVAL)
            return fail(-errno, "unmount %s", mount->point);
    }
    remove_point(mount->point); /* which ends what is mounted on it in other namespaces, mount_namespaces(7) */
    return unlinkat(store->fd, record_path(store, mount->hex), 0) < 0 && errno != ENOENT ? fail(-errno, "remove the record of a mount") : 0;
}
