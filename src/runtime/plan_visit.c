/* Mounts in a container that runs. HOST opens the sources of binds, detached, with attributes and id maps; INIT enters the
 * container's mount namespace, and of the others the user namespace and what a file system shows, makes the file systems
 * there, so that they are that user namespace's, and attaches everything below the container's root. Whoever is not the
 * host's root may not clone mounts of the host's: there INIT does, once it has the container's user namespace, in a mount
 * namespace of its own, as the first process has once done.
 *
 * Others are there, who may change every path meanwhile: nothing is followed but directories, and what is taken away
 * again, because a later step has failed or somebody asked for it, is told by an fd. INIT is not in the container's pid
 * namespace, so that nobody there sees it, nor in its cgroups, which may be frozen. A terminal's signals do not reach it, and
 * where HOST is killed it hears of that in the end, and takes everything back. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "runtime/mount_options.h"

#include <linux/capability.h>

/* What can be mounted, and whose namespace it shows. No proc, as INIT is in its caller's pid namespace; nothing that has
 * a device, which the container could have put another file in place of. */
static const struct {
    const char *type;
    uint64_t namespaces;
} kinds[] = {
    {"bind", 0}, {"tmpfs", 0}, {"ramfs", 0}, {"mqueue", CLONE_NEWIPC}, {"sysfs", CLONE_NEWNET}, {"cgroup2", CLONE_NEWCGROUP},
};

static int check_type(const struct mount_config *mount, uint64_t *namespaces)
{
    if (text_equal(mount->type, "remount"))
        return refuse(-EOPNOTSUPP, "%s/options: what a remount has changed could not be taken back (remove the mount, and add it anew)",
                      mount->origin);
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (text_equal(mount->type, kinds[i].type)) {
            *namespaces |= kinds[i].namespaces;
            return 0;
        }
    return refuse(-EOPNOTSUPP, "%s/type: %.64s is mounted when a container is created, and not later (later: bind, tmpfs, ramfs, "
                               "mqueue, sysfs, cgroup2)", mount->origin, mount->type);
}

static int check_options(const struct mount_config *mount, const struct mount_spec *spec)
{
    const struct {
        bool given;
        const char *word, *reason;
    } words[] = {
        {spec->chown, "U", "a change of owners could not be taken back"},
        {spec->copy_up, "tmpcopyup", "what is there may change while it is copied"},
        {spec->copy_link, "copy-symlink", "it mounts nothing"},
        {spec->dest_nofollow, "dest-nofollow", "no destination may be a link here"},
    };
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].given)
            return refuse(-EOPNOTSUPP, "%s/options: %s: %s (leave it out)", mount->origin, words[i].word, words[i].reason);
    return 0;
}

/* The root itself is no destination: those who have it as their root keep it. */
static int check_destination(struct builder *b, size_t index)
{
    const struct mount_config *mounts = b->config->mounts, *mount = &mounts[index];
    size_t parts;
    char **part = text_split(b->arena, mount->destination, '/', &parts);
    bool named = false;
    for (size_t i = 0; i < parts; i++) {
        if (text_equal(part[i], "..") || text_equal(part[i], "."))
            return refuse(-EINVAL, "%s/destination: %.200s: expected a path without . and ..", mount->origin, mount->destination);
        named |= *part[i] != '\0';
    }
    if (!named)
        return refuse(-EINVAL, "%s/destination: the root of a container that runs stays what it is", mount->origin);
    for (size_t i = 0; i < index; i++)
        if (text_path_covers(mounts[i].destination, mount->destination) && text_path_covers(mount->destination, mounts[i].destination))
            return refuse(-EINVAL, "%s/destination: %.200s is there twice", mount->origin, mount->destination);
    return 0;
}

/* What hides parts of the host from the container stays. */
static int check_mask(const struct builder *b, const struct mount_config *mount)
{
    const struct {
        char *const *paths;
        const char *pointer;
    } lists[] = {{b->config->masked_paths, "/linux/maskedPaths"}, {b->config->readonly_paths, "/linux/readonlyPaths"}};
    for (size_t k = 0; k < COUNT(lists); k++)
        for (char *const *path = lists[k].paths; path && *path; path++)
            if (text_path_covers(mount->destination, *path))
                return refuse(-EPERM, "%s/destination: %.200s is, or has below it, what config.json's %s protects", mount->origin,
                              mount->destination, lists[k].pointer);
    return 0;
}

static void visit(struct builder *b, struct step step)
{
    step.by = INIT;
    step.phase = FILES;
    plan_add(b, step);
}

static void enter(struct builder *b, uint64_t namespaces)
{
    plan_add(b, (struct step){.op = OP_ENTER, .by = INIT, .phase = BIRTH, .in = SLOT_TARGET, .flags = namespaces,
                              .why = "setns(2): where the mounts are"});
}

/* ---- how INIT gets there, and HOST hears of it ---- */

static struct builder begin(const struct config *config, const struct facts *facts, const struct exec_target *target,
                            const char *id, struct plan *plan)
{
    struct builder b = plan_begin(config, facts, id, plan);
    struct target_spec *process = arena_alloc(b.arena, sizeof *process);
    const struct idmaps *uids = &config->uid_mappings, *gids = &config->gid_mappings;
    *process = (struct target_spec){.start_time = target->start_time, .pidfd = target->pidfd};
    plan->visits = true;
    b.target = target;
    b.ids.joined = target->namespaces & CLONE_NEWUSER;
    b.ids.inside_uid = uids->count ? uids->list[0].inside : 0;
    b.ids.inside_gid = gids->count ? gids->list[0].inside : 0;
    b.ids.map.uids = *uids;
    b.ids.map.gids = *gids;
    bool root = facts->uid == 0 && !facts->in_userns && facts->capabilities >> CAP_SYS_ADMIN & 1;
    b.opener = b.ids.joined && !root ? INIT : HOST;
    b.ids.idmapped_root = config->auto_userns && b.ids.joined && root;
    plan_add(&b, (struct step){.op = OP_TARGET, .by = HOST, .number = target->pid, .data = process, .out = SLOT_TARGET,
                               .why = "the container's first process"});
    plan_add(&b, (struct step){.op = OP_OPEN, .by = HOST, .path = "/proc", .out = SLOT_HOSTPROC,
                               .why = "the container's may be anything"});
    return b;
}

static int open_sources(struct builder *b)
{
    for (size_t i = 0; i < b->config->n_mounts; i++)
        if (text_equal(b->config->mounts[i].type, "bind"))
            TRY(plan_bind_source(b, &b->config->mounts[i], &b->mount_slots[i]));
    return 0;
}

static void become(struct builder *b)
{
    if (b->ids.joined)
        plan_become(b, INIT);
}

/* Into the mount namespace of the container and NAMESPACES; with the sources of binds, if SOURCES. */
static int go(struct builder *b, uint64_t namespaces, bool sources)
{
    uint64_t user = b->target->namespaces & CLONE_NEWUSER;
    namespaces = CLONE_NEWNS | (namespaces & b->target->namespaces);
    if (sources && b->ids.idmapped_root)
        plan_add(b, (struct step){.op = OP_OPEN, .by = HOST, .phase = BIRTH, .path = b->config->namespaces[NS_USER].path,
                                  .out = SLOT_USERNS, .why = "for id-mapped mounts: mount_setattr(2)"});
    if (sources && b->opener == HOST)
        TRY(open_sources(b));
    plan_clone(b, HOST, 0, SLOT_INIT);
    visit(b, (struct step){.op = OP_SESSION, .text = "", .why = "a terminal's signals are not for it"});
    plan_hide(b);
    if (sources && b->opener == INIT) {
        enter(b, user);
        become(b);
        visit(b, (struct step){.op = OP_UNSHARE, .flags = CLONE_NEWNS, .why = "where it may clone the sources"});
        TRY(open_sources(b));
        enter(b, namespaces);
    } else {
        enter(b, user | namespaces);
        become(b);
    }
    visit(b, (struct step){.op = OP_OPEN, .path = "/", .out = SLOT_ROOT, .why = "the container's root"});
    return 0;
}

static void report(struct builder *b)
{
    static const struct parcel nothing;
    visit(b, (struct step){.op = OP_SEND, .token = TOKEN_MOUNTED, .text = "done", .data = &nothing, .why = "HOST waits for it"});
    plan_add(b, (struct step){.op = OP_WAIT, .by = HOST, .phase = FILES, .token = TOKEN_MOUNTED, .text = "INIT is done",
                              .data = &nothing, .why = "all of it, or nothing"});
}

/* ---- add ---- */

static int add_mount(struct builder *b, size_t index)
{
    const struct mount_config *mount = &b->config->mounts[index];
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    bool bind = text_equal(mount->type, "bind");
    enum slot out = SLOT_NONE;
    TRY(plan_mount_parse(b, mount, spec));
    TRY(plan_mount_check(b, mount, spec));
    spec->strict = true;
    if (!bind)
        TRY(plan_mount_slot(b, mount->origin, &out));
    visit(b, (struct step){.op = bind ? OP_BIND : OP_MOUNT, .in = bind ? b->mount_slots[index] : SLOT_NONE, .out = out,
                           .source = bind ? mount->source : mount->type, .path = mount->destination, .data = spec,
                           .text = mount_options_describe(b->arena, spec), .why = mount->origin});
    return 0;
}

int plan_add_mounts(const struct config *config, const struct facts *facts, const struct exec_target *target, const char *id,
                    struct plan *plan)
{
    struct builder b = begin(config, facts, target, id, plan);
    uint64_t namespaces = 0;
    for (size_t i = 0; i < config->n_mounts; i++) {
        struct mount_spec spec;
        TRY(check_type(&config->mounts[i], &namespaces));
        TRY(check_destination(&b, i));
        TRY(plan_mount_parse(&b, &config->mounts[i], &spec));
        TRY(check_options(&config->mounts[i], &spec));
    }
    TRY(go(&b, namespaces, true));
    for (size_t i = 0; i < config->n_mounts; i++)
        TRY(add_mount(&b, i));
    report(&b);
    return 0;
}

/* ---- remove ---- */

int plan_remove_mounts(const struct config *config, const struct facts *facts, const struct exec_target *target, const char *id,
                       struct plan *plan)
{
    struct builder b = begin(config, facts, target, id, plan);
    for (size_t i = 0; i < config->n_mounts; i++) {
        TRY(check_destination(&b, i));
        TRY(check_mask(&b, &config->mounts[i]));
    }
    TRY(go(&b, 0, false));
    for (size_t i = config->n_mounts; i-- > 0;) {
        const struct mount_config *mount = &config->mounts[i];
        TRY(plan_mount_slot(&b, mount->origin, &b.mount_slots[i]));
        visit(&b, (struct step){.op = OP_MOUNTPOINT, .path = mount->destination, .out = b.mount_slots[i], .why = mount->origin});
    }
    for (size_t i = config->n_mounts; i-- > 0;)
        visit(&b, (struct step){.op = OP_UNMOUNT, .in = b.mount_slots[i], .path = config->mounts[i].destination,
                                .why = config->mounts[i].origin});
    report(&b);
    return 0;
}
