/* What is in the container's /dev: who makes the nodes, and where. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "runtime/mount_options.h"

#include <linux/capability.h>

static bool is_in_dev(const char *path)
{
    const char *name = text_after(path, "/dev/");
    return name && *name && !strchr(name, '/');
}

/* The slot of the directory that PATH is in, when it is a /dev of the container's own. */
static enum slot dev_slot(const struct builder *b, enum actor by, const char *path)
{
    return (by == HOST || b->devices) && is_in_dev(path) ? SLOT_FILES : SLOT_NONE;
}

/* mknod(2) needs CAP_MKNOD in the *initial* user namespace, and the file system to be made there: INIT's
 * where the container has no user namespace of its own, HOST's where it has the host's root make one. */
static bool can_make_nodes(const struct builder *b)
{
    return !b->facts->in_userns && b->facts->capabilities >> CAP_MKNOD & 1;
}

static void add_node(struct builder *b, enum actor by, const struct device_config *device, uint32_t uid,
                     uint32_t gid)
{
    struct device_config *node = arena_alloc(b->arena, sizeof *node);
    *node = *device;
    node->has_uid = node->has_gid = true;
    node->uid = uid;
    node->gid = gid;
    unsigned mode = device->has_mode ? device->mode : 0666;
    plan_add(b, (struct step){.op = OP_MKNOD, .by = by, .phase = FILES, .path = device->path, .mode = mode,
                              .in = dev_slot(b, by, device->path),
                              .text = plan_text(b, ", %c %u:%u %04o", device->type, device->major,
                                                device->minor, mode),
                              .tolerate = {{*device->origin == '/' ? 0 : EEXIST}}, /* a root may have its own */
                              .data = node, .why = device->origin});
}

/* Where no node can be made the host's own are bound, which runtime-spec config-linux.md allows. */
static void add_device(struct builder *b, const struct device_config *device)
{
    if (!b->ids.fresh && !b->ids.joined && can_make_nodes(b)) {
        add_node(b, INIT, device, device->has_uid ? device->uid : 0, device->has_gid ? device->gid : 0);
        return;
    }
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    *spec = (struct mount_spec){.type = "bind", .set = MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID};
    plan_add(b, (struct step){.op = OP_BIND, .by = INIT, .phase = FILES, .path = device->path, .data = spec, .text = "",
                              .source = device->host_path ? device->host_path : device->path,
                              .why = device->origin});
}

/* OWNER: of what BY makes, 0 where that is BY itself. */
static void add_links(struct builder *b, enum actor by, uint32_t owner)
{
    static const struct {
        const char *path, *target;
    } links[] = {
        {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
        {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
        {"/dev/ptmx", "pts/ptmx"},
    };
    for (size_t i = 0; i < COUNT(links); i++)
        plan_add(b, (struct step){.op = OP_SYMLINK, .by = by, .phase = FILES, .path = links[i].path,
                                  .source = links[i].target, .in = dev_slot(b, by, links[i].path),
                                  .number = owner, .why = "runtime-spec: default devices",
                                  .tolerate = {{EEXIST}}});
}

/* Without a mount at /dev the container has its root's, and what it is to have is made there, where it stays
 * (runtime-spec config-linux.md, "Default Devices"). In somebody's that is bound there nothing is made. */
static void add_to_root(struct builder *b)
{
    for (size_t i = 0; i < b->config->n_mounts; i++)
        if (text_equal(b->config->mounts[i].destination, "/dev"))
            return;
    for (size_t i = 0; i < b->config->n_devices; i++)
        add_device(b, &b->config->devices[i]);
    add_links(b, INIT, 0);
}

void plan_devices(struct builder *b, bool last)
{
    if (b->devices_made || (!b->devices && !last))
        return;
    b->devices_made = true;
    if (!b->devices) {
        add_to_root(b);
        return;
    }
    for (size_t i = 0; i < b->config->n_devices; i++)
        if (!b->host_dev || !is_in_dev(b->config->devices[i].path))
            add_device(b, &b->config->devices[i]);
    if (!b->host_dev)
        add_links(b, INIT, 0);
}

/* The host has the default devices, and they are everybody's. */
static bool lists_devices(const struct config *config)
{
    for (size_t i = 0; i < config->n_devices; i++)
        if (*config->devices[i].origin == '/')
            return true;
    return false;
}

/* tmpfs(5) has uid= and gid= in the words of who mounts it. */
static bool has_owner(const struct mount_spec *spec)
{
    for (size_t i = 0; spec->settings && spec->settings[i]; i += 2)
        if (text_equal(spec->settings[i], "uid") || text_equal(spec->settings[i], "gid"))
            return true;
    return false;
}

/* The container's /dev with its nodes, while INIT makes the network namespace. The nodes are the
 * container's own, of the mode and the owner that it asks for and whether the host has such ones or not; binds would
 * show the host's, with nobody as their owner. */
int plan_host_dev(struct builder *b, const struct mount_config *mount)
{
    const struct config *config = b->config;
    const struct idmaps *uids = &b->ids.map.uids, *gids = &b->ids.map.gids;
    int64_t owner = idmaps_outside(uids, 0);
    if (!b->ids.fresh || !(b->ids.idmapped_root || lists_devices(config)) || !can_make_nodes(b) || owner < 0 || owner != idmaps_outside(gids, 0))
        return 0;
    for (size_t i = 0; i < config->n_devices; i++)
        if (idmaps_outside(uids, config->devices[i].uid) < 0 || idmaps_outside(gids, config->devices[i].gid) < 0)
            return 0; /* somebody who is nobody there */
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    TRY(plan_mount_parse(b, mount, spec));
    if (spec->copy_up || has_owner(spec))
        return 0; /* what was there before, and who somebody is, INIT sees */
    plan_add(b, (struct step){.op = OP_TMPFS_OPEN, .by = HOST, .phase = FILES, .out = SLOT_FILES,
                              .data = spec, .number = owner,
                              .text = plan_text(b, "for /dev%s,", mount_options_describe(b->arena, spec)),
                              .why = "mknod(2): only the host's root makes nodes"});
    for (size_t i = 0; i < config->n_devices; i++)
        if (is_in_dev(config->devices[i].path))
            add_node(b, HOST, &config->devices[i], (uint32_t)idmaps_outside(uids, config->devices[i].uid),
                     (uint32_t)idmaps_outside(gids, config->devices[i].gid));
    add_links(b, HOST, (uint32_t)owner);
    plan_parcel(b, SLOT_FILES);
    b->host_dev = true;
    return 0;
}

bool plan_is_dev(const struct mount_config *mount)
{
    return text_equal(mount->destination, "/dev") && text_equal(mount->type, "tmpfs");
}
