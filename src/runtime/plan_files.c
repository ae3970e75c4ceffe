/* The file system of the container: its root, its mounts, its /dev, what is hidden, and the pivot.
 *
 * Everything inside the root is reached through @root with openat2(RESOLVE_IN_ROOT), and everything
 * is attached before the pivot. Detached mounts that need rights over the host's file systems
 * (id-mapped ones) are made by HOST and travel to INIT with TOKEN_IDS; all others are INIT's. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "runtime/mount_options.h"

#include <linux/capability.h>

enum { NOT_YET = INT32_MAX };

static struct step *add_file_step(struct builder *b, struct step step)
{
    step.by = INIT;
    step.phase = FILES;
    return plan_add(b, step);
}

/* ---- what HOST opens ---- */

/* The map by which files of the caller look owned by the container's user: on disk A is inside B,
 * and the other way round, everybody else keeps their number. */
static const struct idmaps *swapped_map(struct builder *b, const struct idmaps *outer, uint32_t a,
                                        uint32_t c)
{
    uint32_t low = a < c ? a : c, high = a < c ? c : a;
    uint32_t start = outer->list[0].outside, size = outer->list[0].count;
    const struct idmap parts[] = {
        {0, start, low},
        {low, start + high, 1},
        {low + 1, start + low + 1, high - low - 1},
        {high, start + low, 1},
        {high + 1, start + high + 1, size - high - 1},
    };
    struct idmaps *maps = arena_alloc(b->arena, sizeof *maps);
    for (size_t i = 0; i < COUNT(parts); i++)
        if (parts[i].count)
            *LIST_ADD(b->arena, &maps->list, &maps->count) = parts[i];
    return maps;
}

/* Binds of an engine's container keep their owners: id-mapped where the file system can, said where
 * it cannot. OCI configurations get what they ask for, no more. */
static void choose_bind_map(struct builder *b, const struct mount_config *mount,
                            struct mount_spec *spec)
{
    if (!b->ids.idmapped_root || spec->idmap || spec->uids || spec->chown ||
        !b->config->auto_userns || text_equal(mount->origin, "default"))
        return; /* the defaults are the kernel's own file systems: nothing of theirs has an owner */
    const struct source_fact *fact = plan_source(b->facts, mount->source);
    if (!fact || !fact->idmap) {
        plan_note(b, "%s: %s cannot be id-mapped; its files look owned by nobody", mount->origin,
                  fact ? fact->fs : "its file system");
        return;
    }
    spec->idmap = true;
    spec->idmap_all = spec->recursive;
    uint32_t user = b->config->process.user.uid;
    uint32_t size = b->ids.map.uids.list[0].count;
    if (user && fact->uid == b->facts->uid && user < size && fact->uid < size) {
        spec->uids = swapped_map(b, &b->ids.map.uids, fact->uid, user);
        uint32_t group = b->config->process.user.gid;
        spec->gids = group ? swapped_map(b, &b->ids.map.gids, b->facts->gid, group)
                           : &b->ids.map.gids;
    }
}

int plan_mount_slot(struct builder *b, const char *origin, enum slot *slot)
{
    if (b->n_mounts == MAX_MOUNTS)
        return refuse(-E2BIG, "%s: more than %d detached mounts", origin, MAX_MOUNTS);
    *slot = (enum slot)(SLOT_MOUNT + (int)b->n_mounts++);
    return 0;
}

/* The container's map is needed where no other is given. */
static int need_userns(struct builder *b, const struct mount_config *mount)
{
    const struct ns_config *user = &b->config->namespaces[NS_USER];
    if (!b->ids.fresh && !b->ids.joined)
        return refuse(-EINVAL, "%s: idmap needs uidMappings and gidMappings, or a user namespace of the container's own",
                      mount->origin);
    if (b->userns_open || b->ids.idmapped_root)
        return 0;
    b->userns_open = true;
    plan_add(b, (struct step){.op = b->ids.fresh ? OP_OPEN_USERNS : OP_OPEN, .by = HOST, .phase = BIRTH,
                              .in = !b->ids.fresh ? SLOT_NONE
                                    : b->joins    ? SLOT_JOINER
                                                  : SLOT_INIT,
                              .path = user->path, .out = SLOT_USERNS, .why = mount->origin});
    return 0;
}

/* In a user namespace nobody makes a node, but what the container is given may have some, and no device filter stands before
 * them: what is a device there, is none. */
bool plan_forbids_devices(const struct builder *b)
{
    return b->ids.fresh && !b->config->privileged;
}

/* Volumes; bundles say it themselves. */
static void forbid_devices(const struct builder *b, const struct mount_config *mount, struct mount_spec *spec)
{
    bool asked = (spec->clear | spec->clear_all) & MOUNT_ATTR_NODEV;
    if (!plan_forbids_devices(b) || b->config->bundle || asked || !text_equal(mount->type, "bind") || text_equal(mount->origin, "default"))
        return;
    spec->set |= MOUNT_ATTR_NODEV;
    spec->set_all |= spec->recursive ? MOUNT_ATTR_NODEV : 0;
}

/* HOST opens what INIT could not: for id maps; where root of a user namespace may not go; and where mounts are to reach
 * the host, of which INIT's mount namespace has only slaves. */
int plan_bind_source(struct builder *b, const struct mount_config *mount, enum slot *slot)
{
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    TRY(plan_mount_parse(b, mount, spec));
    if (plan_link(b, mount, spec))
        return 0;
    forbid_devices(b, mount, spec);
    choose_bind_map(b, mount, spec);
    bool mapped = spec->idmap || spec->uids, root = b->facts->uid == 0 && !b->facts->in_userns;
    bool out_of_reach = root && ((b->config->recorded && b->ids.fresh && !b->joins) ||
                                 (mount->closed && (b->ids.fresh || b->ids.joined)));
    if (!mapped && !(spec->propagation == MS_SHARED && root) && !out_of_reach && !b->target)
        return 0;
    if (mapped && !root)
        return refuse(-EPERM,
                      "%s: id-mapped mounts need root on the host (leave out idmap; U changes "
                      "the owner instead)",
                      mount->origin);
    if (mapped && !spec->uids)
        TRY(need_userns(b, mount));
    TRY(plan_mount_slot(b, mount->origin, slot));
    plan_add(b, (struct step){.op = OP_BIND_OPEN, .by = b->opener, .phase = BIRTH,
                              .source = mount->source, .in = mapped && !spec->uids ? SLOT_USERNS : SLOT_NONE,
                              .out = *slot,
                              .data = spec, .text = mount_options_describe(b->arena, spec),
                              .why = mount->origin});
    plan_parcel(b, *slot);
    return 0;
}

int plan_mount_sources(struct builder *b)
{
    const struct config *config = b->config;
    TRY(plan_root_sources(b));
    for (size_t i = 0; i < config->n_mounts; i++)
        if (plan_is_dev(&config->mounts[i]))
            TRY(plan_host_dev(b, &config->mounts[i]));
        else if (text_equal(config->mounts[i].type, "bind"))
            TRY(plan_bind_source(b, &config->mounts[i], &b->mount_slots[i]));
    return 0;
}

/* ---- what INIT does ---- */

static void add_proc(struct builder *b)
{
    bool own = b->config->namespaces[NS_PID].listed;
    if (!b->config->n_sysctls)
        return;
    add_file_step(b, (struct step){.op = OP_PROC_OPEN, .source = own ? NULL : "/proc",
                                   .text = own ? "" : ", the host's,", .out = SLOT_PROC,
                                   .why = "nothing of the container can stand in its way"});
}

static bool is_kernel_fs(const char *type)
{
    static const char *const types[] = {"proc", "sysfs", "mqueue", "devpts", "cgroup", "cgroup2"};
    for (size_t i = 0; i < COUNT(types); i++)
        if (text_equal(type, types[i]))
            return true;
    return false;
}

/* devpts refuses a group that is not mapped: with one id there is no tty group to give, and whose user
 * namespace is joined may have one id only. */
static char **mapped_options(struct builder *b, const struct mount_config *mount)
{
    char **options = NULL;
    size_t n = 0;
    if (!(b->ids.single || b->ids.joined) || !text_equal(mount->type, "devpts"))
        return mount->options;
    for (size_t i = 0; mount->options && mount->options[i]; i++)
        if (!text_after(mount->options[i], "gid="))
            *LIST_ADD(b->arena, &options, &n) = mount->options[i];
    *LIST_ADD(b->arena, &options, &n) = NULL;
    return options;
}

/* tmpcopyup: the tmpfs is filled before it is attached over what it is filled with. */
static int add_copy(struct builder *b, const struct mount_config *mount, const struct mount_spec *spec, bool dev,
                    enum slot *slot)
{
    *slot = SLOT_FILES;
    if (!dev)
        TRY(plan_mount_slot(b, mount->origin, slot));
    add_file_step(b, (struct step){.op = OP_TMPFS_OPEN, .out = *slot, .data = spec, .why = mount->origin,
                                   .text = plan_text(b, "for %s%s,", mount->destination,
                                                     mount_options_describe(b->arena, spec))});
    add_file_step(b, (struct step){.op = OP_COPY_UP, .in = *slot, .path = mount->destination, .data = spec,
                                   .why = mount->origin});
    return 0;
}

static int add_mount(struct builder *b, size_t index)
{
    const struct mount_config *mount = &b->config->mounts[index];
    if (text_equal(mount->type, "cgroup"))
        return plan_cgroup_mount(b, mount);
    struct mount_config mapped = *mount;
    mapped.options = mapped_options(b, mount);
    mount = &mapped;
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    TRY(plan_mount_parse(b, mount, spec));
    forbid_devices(b, mount, spec);
    bool bind = text_equal(mount->type, "bind"), remount = text_equal(mount->type, "remount");
    bool dev = plan_is_dev(mount);
    enum slot slot = dev && b->host_dev ? SLOT_FILES : b->mount_slots[index];
    TRY(plan_mount_check(b, mount, spec));
    if (plan_link(b, mount, spec)) {
        plan_copy_link(b, mount);
        return 0;
    }
    if (spec->copy_up)
        TRY(add_copy(b, mount, spec, dev, &slot));
    const char *text = plan_text(b, "%s%s", mount_options_describe(b->arena, spec),
                                 dev ? ", as @files" : plan_covers_root(mount) ? ", as @root" : "");
    spec->strict = is_kernel_fs(mount->type) || dev; /* what is made in it by path would go elsewhere */
    if (slot)
        add_file_step(b, (struct step){.op = OP_BIND, .in = slot, .source = mount->source,
                                       .path = mount->destination, .data = spec, .text = text,
                                       .out = plan_covers_root(mount), .why = mount->origin});
    else
        add_file_step(b, (struct step){.op = bind ? OP_BIND : remount ? OP_REMOUNT : OP_MOUNT,
                                       .source = bind ? mount->source : mount->type,
                                       .path = mount->destination, .data = spec, .text = text,
                                       .out = text_equal(mount->type, "devpts") ? SLOT_PTS
                                              : dev                             ? SLOT_FILES
                                                                                : plan_covers_root(mount),
                                       .why = mount->origin});
    if (spec->chown)
        add_file_step(b, (struct step){
                             .op = OP_CHOWN_TREE, .path = mount->destination,
                             .number = b->config->process.user.uid,
                             .flags = b->config->process.user.gid,
                             .text = plan_text(b, "%u:%u", b->config->process.user.uid,
                                               b->config->process.user.gid),
                             .why = mount->origin});
    b->devices |= dev;
    return 0;
}

void plan_terminal(struct builder *b)
{
    const char *why = "--tty";
    add_file_step(b, (struct step){.op = OP_TTY, .in = SLOT_PTS, .out = SLOT_TTY, .why = why});
    struct parcel *parcel = arena_alloc(b->arena, sizeof *parcel);
    parcel->slots[0] = SLOT_CONSOLE;
    add_file_step(b, (struct step){.op = OP_SEND, .token = TOKEN_TTY, .text = "@console",
                                   .data = parcel, .why = why});
    plan_add(b, (struct step){.op = OP_WAIT, .by = HOST, .phase = FILES, .token = TOKEN_TTY,
                              .text = "the terminal's host end is here", .out = SLOT_CONSOLE,
                              .data = parcel, .why = why});
}

static int add_terminal(struct builder *b)
{
    if (!b->config->process.terminal)
        return 0;
    bool pts = false;
    for (size_t i = 0; i < b->config->n_mounts; i++)
        pts |= text_equal(b->config->mounts[i].type, "devpts");
    if (!pts)
        return refuse(-EINVAL, "--tty: a terminal needs a devpts mount in the container "
                               "(mount one at /dev/pts)");
    plan_terminal(b);
    if (b->devices)
        add_file_step(b, (struct step){.op = OP_CONSOLE, .in = SLOT_TTY, .path = "/dev/console",
                                       .why = "--tty"});
    return 0;
}

/* They are written where the container has a tmpfs of its own anyway, /dev, bound to where they are
 * wanted, and lose their name: a mount less. Without such a /dev they get a tmpfs that is attached
 * nowhere, from which Linux binds since 6.15. */
static void add_generated(struct builder *b)
{
    const unsigned bind_from_unattached = 6 << 16 | 15;
    const struct {
        const char *name, *content;
    } files[] = {
        {"hosts", b->config->files.hosts},
        {"hostname", b->config->files.hostname},
        {"resolv.conf", b->config->files.resolv_conf},
    };
    bool open = b->devices;
    if (b->generated)
        return;
    b->generated = true;
    if (!open && b->facts->kernel < bind_from_unattached) {
        plan_note(b, "/etc/hosts, /etc/hostname and /etc/resolv.conf are the image's: the container has "
                     "no /dev of its own to keep generated ones in, and this kernel is older than 6.15");
        return;
    }
    for (size_t i = 0; i < COUNT(files); i++) {
        if (!files[i].content)
            continue;
        if (!open)
            add_file_step(b, (struct step){.op = OP_TMPFS_OPEN, .text = "for generated files",
                                           .out = SLOT_FILES,
                                           .why = "they are the container's, not the image's"});
        open = true;
        add_file_step(b, (struct step){.op = OP_WRITE, .in = SLOT_FILES, .path = files[i].name,
                                       .text = files[i].content, .mode = 0644,
                                       .number = (int64_t)strlen(files[i].content),
                                       .why = "generated"});
        add_file_step(b, (struct step){.op = OP_BIND_FILE, .in = SLOT_FILES,
                                       .source = files[i].name,
                                       .path = plan_text(b, "/etc/%s", files[i].name),
                                       .why = "generated", .tolerate = {{EROFS}}});
    }
}

static bool is_at_or_below(const char *path, const char *top)
{
    const char *rest = text_after(path, top);
    return rest && (!*rest || *rest == '/' || text_equal(top, "/"));
}

/* Whether mounts from number FIRST on have nothing to do with PATH. */
static bool is_settled(const struct config *config, size_t first, const char *path)
{
    for (size_t i = first; i < config->n_mounts; i++)
        if (is_at_or_below(path, config->mounts[i].destination) ||
            is_at_or_below(config->mounts[i].destination, path))
            return false;
    return true;
}

static void open_masks(struct builder *b)
{
    if (b->masks_open || !b->config->masked_paths || !b->config->masked_paths[0])
        return;
    b->masks_open = true;
    add_file_step(b, (struct step){.op = OP_TMPFS_OPEN, .text = "empty, read-only,", .out = SLOT_EMPTY,
                                   .flags = MOUNT_ATTR_RDONLY, .why = "for masks of directories"});
    add_file_step(b, (struct step){.op = OP_OPEN, .path = "/dev/null", .out = SLOT_NULL,
                                   .why = "the host's, verified, for masks of files"});
}

/* The masks that mounts from NEXT on leave alone; those that they left alone at an earlier call, with
 * DONE, are there already. */
static void add_masks(struct builder *b, size_t done, size_t next)
{
    const struct config *config = b->config;
    const struct {
        char *const *paths;
        enum op op;
        enum slot in;
        const char *why;
    } kinds[] = {
        {config->masked_paths, OP_MASK, SLOT_EMPTY, "default: it tells about the host"},
        {config->readonly_paths, OP_READONLY, SLOT_NONE, "default: it changes the host"},
    };
    open_masks(b);
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; kinds[k].paths && kinds[k].paths[i]; i++) {
            const char *path = kinds[k].paths[i];
            if (is_settled(config, next, path) && (done == NOT_YET || !is_settled(config, done, path)))
                add_file_step(b, (struct step){.op = kinds[k].op, .in = kinds[k].in, .path = path,
                                               .why = kinds[k].why, .tolerate = {{ENOENT, ENOTDIR}}});
        }
}

static int check_names(struct builder *b)
{
    const struct config *config = b->config;
    bool own = config->namespaces[NS_UTS].listed && !(b->facts->own_namespaces >> NS_UTS & 1);
    bool asked = config->hostname && *config->hostname_origin == '/'; /* the default one is for /etc/hosts as well */
    if (own || (!asked && !config->domainname))
        return 0;
    return refuse(-EINVAL, "%s: without a uts namespace of its own the container would rename the host (give it one)",
                  config->hostname ? config->hostname_origin : "/domainname");
}

/* What needs neither ids nor the root: done while HOST maps and mounts. */
int plan_namespace_values(struct builder *b)
{
    const struct config *config = b->config;
    TRY(check_names(b));
    add_file_step(b, (struct step){.op = OP_PROPAGATION, .text = "rslave", .flags = MS_SLAVE,
                                   .why = "no mount of the container reaches the host"});
    const struct ns_config *network = &config->namespaces[NS_NETWORK];
    bool make_network = network->listed && !network->path && !b->host_network;
    if (make_network)
        add_file_step(b, (struct step){.op = OP_UNSHARE, .flags = ns_flags[NS_NETWORK],
                                       .why = "network_namespaces(7), while HOST works"});
    if (config->hostname && config->namespaces[NS_UTS].listed)
        add_file_step(b, (struct step){.op = OP_HOSTNAME, .text = config->hostname,
                                       .why = config->hostname_origin});
    if (config->domainname)
        add_file_step(b, (struct step){.op = OP_DOMAINNAME, .text = config->domainname,
                                       .why = "--domainname"});
    if (make_network)
        add_file_step(b, (struct step){.op = OP_LOOPBACK, .why = "network none: lo alone"});
    return 0;
}

/* A root that takes part in the propagation of mounts, or may not be bound: only now, for pivot_root(2) wants it private.
 * What is private already is as good as a slave of nobody. */
static void add_root_propagation(struct builder *b)
{
    static const struct {
        const char *word;
        uint64_t flags;
    } kinds[] = {{"shared", MS_SHARED}, {"unbindable", MS_UNBINDABLE}};
    const char *word = b->config->rootfs_propagation;
    bool all = word && *word == 'r';
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (text_equal(word ? word + all : NULL, kinds[i].word))
            add_file_step(b, (struct step){.op = OP_ROOT_PROPAGATION, .text = word, .flags = kinds[i].flags,
                                           .mode = all ? AT_RECURSIVE : 0, .why = "/linux/rootfsPropagation"});
}

/* What can be done before the network namespace is there is done while HOST makes it. */
int plan_files(struct builder *b)
{
    const struct config *config = b->config;
    size_t masked = NOT_YET;
    TRY(plan_root(b));
    add_proc(b);
    for (size_t i = 0; i < config->n_mounts; i++) {
        if (is_settled(config, i, "/dev"))
            plan_devices(b, false);
        if (b->host_network && text_equal(config->mounts[i].type, "sysfs")) {
            if (is_settled(config, i, "/etc"))
                add_generated(b);
            add_masks(b, NOT_YET, i);
            masked = i;
            plan_network_enter(b);
        }
        TRY(add_mount(b, i));
    }
    plan_devices(b, true);
    plan_network_enter(b);
    TRY(add_terminal(b));
    add_generated(b);
    if (b->readonly_cgroup)
        add_file_step(b, (struct step){.op = OP_READONLY, .path = b->readonly_cgroup->destination,
                                       .why = b->readonly_cgroup->origin});
    add_masks(b, masked, config->n_mounts);
    if ((config->recorded || config->process.make_cwd) && config->process.cwd)
        add_file_step(b, (struct step){.op = OP_MKDIR, .path = config->process.cwd, .why = config->process.cwd_origin,
                                       .tolerate = {{EROFS, EACCES, EPERM, ENOTDIR}}});
    plan_volumes(b);
    if (config->root.readonly)
        add_file_step(b, (struct step){.op = OP_READONLY, .path = "/", .why = "--read-only"});
    TRY(plan_sysctls(b));
    plan_hooks(b);
    if (config->no_pivot)
        plan_note(b, "--no-pivot: the root is entered by chroot(2), and the old one stays, covered");
    int64_t covers = 0;
    for (size_t i = 0; i < config->n_mounts; i++)
        covers += plan_covers_root(&config->mounts[i]) != SLOT_NONE;
    add_file_step(b, (struct step){.op = OP_PIVOT, .in = SLOT_ROOT, .number = covers, .flags = config->no_pivot ? COVER : 0,
                                   .text = config->no_pivot ? ", the old root is covered" : ", the old root is gone",
                                   .why = config->no_pivot ? "--no-pivot"
                                                           : "pivot_root(2): chroot can be left, this cannot"});
    add_root_propagation(b);
    return 0;
}
