/* The container's cgroups, from facts: which hierarchies it needs a directory in, in what order, how INIT gets
 * in. What is written there is in plan_limits.c.
 *
 * Each controller lives in one hierarchy, v2 or v1 (cgroups(7): never in both). On v2 there is one
 * directory, and the container is born in it (CLONE_INTO_CGROUP). On v1 there is one in each hierarchy
 * that a limit needs, and INIT moves itself before it does anything else.
 *
 * A limit that was asked for and cannot be applied is refused here, before anything happens. A default
 * one is left out, with a note. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/device_bpf.h"
#include "runtime/mount_options.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <linux/mount.h>

/* ---- where ---- */

bool plan_cgroup_on_v2(const struct builder *b, enum controller controller)
{
    return b->facts->cgroup.v2_controllers >> controller & 1;
}

static const struct cgroup_tree *tree_of(const struct builder *b, enum controller controller)
{
    const struct cgroup_facts *facts = &b->facts->cgroup;
    return plan_cgroup_on_v2(b, controller) ? &facts->v2 : &facts->v1[controller];
}

/* The container's directory in TREE, or NULL where the caller may not make one. */
static const char *directory_in(struct builder *b, const struct cgroup_tree *tree)
{
    const char *path = b->config->cgroups_path;
    if (b->scope)
        return tree == &b->facts->cgroup.v2 ? b->scope : NULL;
    if (!tree->mount || b->config->cgroup_manager == MANAGER_DISABLED)
        return NULL;
    if (tree->writable)
        return path && *path == '/' ? plan_text(b, "%s%s", tree->mount, path)
                                    : plan_text(b, "%s/bocal-%.12s", tree->mount, b->id);
    return tree->own_writable ? plan_text(b, "%s/bocal-%.12s", tree->own, b->id) : NULL;
}

/* ---- how controllers get there ---- */

/* The v2 cgroup in which the container's is made. */
static const char *parent_of(const struct builder *b)
{
    const struct cgroup_tree *tree = &b->facts->cgroup.v2;
    return tree->writable ? tree->mount : tree->own;
}

/* What of CONTROLLERS the parent does not pass on yet. */
static uint32_t missing_in_parent(const struct builder *b, uint32_t controllers)
{
    const struct cgroup_facts *facts = &b->facts->cgroup;
    return controllers & facts->v2_controllers &
           ~(facts->v2.writable ? facts->v2_enabled : facts->v2_own_enabled);
}

/* cgroups(7), "no internal processes": bocal itself is in the way. */
static bool is_inside_parent(const struct builder *b)
{
    const struct cgroup_facts *facts = &b->facts->cgroup;
    return !(facts->v2.writable && facts->v2_is_root) && text_equal(facts->v2.own, parent_of(b));
}

const char *plan_cgroup_why_not(struct builder *b, enum controller controller)
{
    const struct cgroup_facts *facts = &b->facts->cgroup;
    const char *name = cgroup_names_v1[controller];
    if (b->config->cgroup_manager == MANAGER_DISABLED)
        return "cgroups are disabled (--cgroup-manager)";
    if (!(facts->v2.mount && cgroup_names_v2[controller]) && !facts->v1[controller].mount)
        return plan_text(b, "no cgroup hierarchy with the %s controller is mounted here", name);
    if (!plan_cgroup_on_v2(b, controller) && !facts->v1[controller].mount)
        return plan_text(b, "this kernel or its boot options leave out the %s controller", name);
    const struct cgroup_tree *tree = tree_of(b, controller);
    if (!directory_in(b, tree))
        return plan_text(b, "%s is not delegated to %s", tree->own ? tree->own : tree->mount,
                         b->facts->user);
    if (b->scope)
        return b->facts->systemd.controllers >> controller & 1
                   ? NULL
                   : plan_text(b, "the %s controller is not delegated to %s", name, b->facts->systemd.root);
    if (plan_cgroup_on_v2(b, controller) && !tree->writable && !(facts->v2_own >> controller & 1))
        return plan_text(b, "the %s controller is not delegated to %s", name, tree->own);
    if (plan_cgroup_on_v2(b, controller) && missing_in_parent(b, 1U << controller) && is_inside_parent(b) &&
        facts->v2_own_processes > 1)
        return plan_text(b, "other processes are in %s too, which then cannot share out the %s controller",
                         tree->own, name);
    return NULL;
}

bool plan_cgroup_can(struct builder *b, enum controller controller)
{
    return !plan_cgroup_why_not(b, controller);
}

static const char *way_out(struct builder *b, enum controller controller)
{
    const struct cgroup_facts *facts = &b->facts->cgroup;
    if (!b->facts->uid)
        return "mount it, or boot with it enabled";
    if (b->scope || (plan_cgroup_on_v2(b, controller) && facts->v2.own_writable && !(facts->v2_own >> controller & 1)))
        return "as root: systemctl edit user@.service, [Service] Delegate=yes; or run bocal as root";
    return "systemd-run --user --scope -p Delegate=yes bocal run ... on cgroup v2, or run bocal as root";
}

int plan_cgroup_need(struct builder *b, enum controller controller, const char *origin,
                     const char **directory)
{
    const char *reason = plan_cgroup_why_not(b, controller);
    if (reason)
        return refuse(-EOPNOTSUPP, "%s: %s (%s)", origin, reason, way_out(b, controller));
    b->controllers |= 1U << controller;
    *directory = directory_in(b, tree_of(b, controller));
    return 0;
}

void plan_cgroup_set(struct builder *b, const char *directory, const char *file, const char *value,
                     const char *why)
{
    struct step *steps = LIST_ADD(b->arena, &b->cgroup_sets, &b->n_cgroup_sets);
    *steps = (struct step){.op = OP_CGROUP_SET, .by = HOST,
                           .path = plan_text(b, "%s/%s", directory, file), .text = value,
                           .why = why};
}

static int add_unified(struct builder *b)
{
    for (size_t i = 0; i < b->config->resources.n_unified; i++) {
        const struct key_value *kv = &b->config->resources.unified[i];
        const char *directory = directory_in(b, &b->facts->cgroup.v2);
        if (!directory || b->facts->cgroup.v1[CG_MEMORY].mount)
            return refuse(-EOPNOTSUPP, "%s: this host has no unified cgroup hierarchy", kv->origin);
        plan_cgroup_set(b, directory, kv->key, kv->value, kv->origin);
    }
    return 0;
}

/* ---- devices ---- */

static const char *rule_text(struct builder *b, const struct device_rule *rule)
{
    char major[24] = "*", minor[24] = "*";
    if (rule->major >= 0)
        snprintf(major, sizeof major, "%" PRId64, rule->major);
    if (rule->minor >= 0)
        snprintf(minor, sizeof minor, "%" PRId64, rule->minor);
    return plan_text(b, "%c %s:%s %s%s%s", rule->type, major, minor, rule->read ? "r" : "",
                     rule->write ? "w" : "", rule->mknod ? "m" : "");
}

/* The devices that a bundle lists, and binds, which may have nodes; bocal's own volumes are mounted so that nodes there are none. */
static bool brings_devices(const struct config *config)
{
    if (!config->bundle)
        return false;
    for (size_t i = 0; i < config->n_mounts; i++)
        if (text_equal(config->mounts[i].type, "bind"))
            return true;
    for (size_t i = 0; i < config->n_devices; i++)
        if (!config_is_default_device(&config->devices[i]))
            return true;
    return false;
}

/* In a user namespace the kernel lets nobody make a device node, nor open one in what it mounts: no filter is needed but for
 * what is brought along. Who is not the host's root can neither filter nor open more than is his. */
static bool goes_without_filter(const struct builder *b)
{
    bool own_users = b->ids.fresh || b->ids.joined, host_root = b->facts->uid == 0 && !b->facts->in_userns;
    return !host_root || (own_users && !brings_devices(b->config));
}

static int add_device_rules(struct builder *b)
{
    const struct resources *r = &b->config->resources;
    if (b->config->cgroup_manager == MANAGER_DISABLED)
        return 0; /* as the caller wanted it */
    if (!r->n_devices || goes_without_filter(b))
        return 0;
    const struct cgroup_facts *facts = &b->facts->cgroup;
    if (facts->v1[CG_DEVICES].mount) {
        const char *directory;
        TRY(plan_cgroup_need(b, CG_DEVICES, "device rules", &directory));
        if (r->devices[0].type != 'a')
            plan_cgroup_set(b, directory, "devices.deny", "a", "what no rule allows is denied, as on v2");
        for (size_t i = 0; i < r->n_devices; i++) {
            const struct device_rule *rule = &r->devices[i];
            bool all = rule->type == 'a' && rule->major < 0 && rule->minor < 0;
            plan_cgroup_set(b, directory, rule->allow ? "devices.allow" : "devices.deny",
                    all ? "a" : rule_text(b, rule), "device rules");
        }
        return 0;
    }
    const char *directory = directory_in(b, &facts->v2);
    if (!directory)
        return refuse(-EOPNOTSUPP, "device rules: no writable cgroup to attach them to (--privileged "
                                   "does without)");
    struct step *filter = arena_alloc(b->arena, sizeof *filter);
    *filter = (struct step){.op = OP_DEVICE_FILTER, .by = HOST, .phase = BIRTH, .path = directory,
                            .number = (int64_t)r->n_devices, .data = r->devices,
                            .why = "which devices may be used"};
    b->device_filter = filter;
    return 0;
}

/* ---- the steps ---- */

/* "+cpu +memory", as cgroup.subtree_control takes them. */
static const char *words_of(struct builder *b, uint32_t controllers)
{
    char *text = arena_strdup(b->arena, "");
    for (int i = 0; i < CG_COUNT; i++)
        if (controllers >> i & 1 && cgroup_names_v2[i])
            text = plan_text(b, "%s%s+%s", text, *text ? " " : "", cgroup_names_v2[i]);
    return text;
}

static void add_enable(struct builder *b, const char *directory, uint32_t controllers)
{
    plan_add(b, (struct step){.op = OP_CGROUP_SET, .by = HOST, .text = words_of(b, controllers),
                              .path = plan_text(b, "%s/cgroup.subtree_control", directory),
                              .why = "cgroups(7): controllers are passed on explicitly"});
}

static void enable_on_v2(struct builder *b)
{
    uint32_t missing = missing_in_parent(b, b->controllers);
    if (!parent_of(b) || !missing)
        return;
    if (is_inside_parent(b))
        plan_add(b, (struct step){.op = OP_CGROUP_ASIDE, .by = HOST,
                                  .path = plan_text(b, "%s/bocal-%.12s-aside", parent_of(b), b->id),
                                  .why = "cgroups(7): what has processes passes nothing on"});
    add_enable(b, parent_of(b), missing);
}

/* Through what lies between the mount point and a cgroup of several parts. */
static void enable_on_the_way(struct builder *b)
{
    const struct cgroup_facts *facts = &b->facts->cgroup;
    const char *path = b->config->cgroups_path;
    uint32_t wanted = b->controllers & facts->v2_controllers;
    if (!facts->v2.writable || !*words_of(b, wanted) || !path || *path != '/')
        return;
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/'))
        add_enable(b, plan_text(b, "%s%.*s", facts->v2.mount, (int)(slash - path), path), wanted);
}

static bool has_directory(const struct builder *b, const char *directory)
{
    for (size_t i = 0; i < b->n_cgroups; i++)
        if (text_equal(b->cgroups[i].directory, directory))
            return true;
    return false;
}

static void add_directory(struct builder *b, const char *directory, const char *name, bool v2)
{
    if (!directory || has_directory(b, directory))
        return;
    *LIST_ADD(b->arena, &b->cgroups, &b->n_cgroups) =
        (struct cgroup_dir){.directory = directory, .name = name, .v2 = v2};
    plan_add(b, (struct step){.op = OP_CGROUP_CREATE, .by = HOST, .path = directory,
                              .why = v2 ? "every process of the container is born inside"
                                        : plan_text(b, "the %s controller", name)});
}

void plan_cgroup_open(struct builder *b)
{
    int tasks = 0;
    for (size_t i = 0; i < b->n_cgroups; i++) {
        struct cgroup_dir *dir = &b->cgroups[i];
        dir->slot = dir->v2 ? SLOT_CGROUP : (enum slot)(SLOT_TASKS + tasks++);
        b->clone_into |= dir->v2;
        plan_add(b, (struct step){.op = OP_OPEN, .by = HOST, .out = dir->slot,
                                  .path = dir->v2 ? dir->directory
                                                  : plan_text(b, "%s/tasks", dir->directory),
                                  .why = dir->v2 ? "clone3(2): CLONE_INTO_CGROUP"
                                                 : plan_text(b, "%s moves itself: no grace period",
                                                             b->exec && b->joins ? "JOINER" : "INIT")});
    }
}

/* Who drives a runtime looks into every hierarchy for the container: statistics, the freezer, a later `update`. */
static void need_all_of_v1(struct builder *b)
{
    for (int i = 0; i < CG_COUNT; i++)
        if (!plan_cgroup_on_v2(b, (enum controller)i) && directory_in(b, &b->facts->cgroup.v1[i]))
            b->controllers |= 1U << i;
}

/* What the container's cgroups are to be, and their directories. */
static int make_directories(struct builder *b)
{
    const struct cgroup_facts *facts = &b->facts->cgroup;
    if (b->scope) { /* systemd passes controllers on by itself */
        *LIST_ADD(b->arena, &b->cgroups, &b->n_cgroups) =
            (struct cgroup_dir){.directory = b->scope, .name = "unified", .v2 = true};
        return plan_scope_add(b);
    }
    add_directory(b, directory_in(b, &facts->v2), "unified", true);
    for (int i = 0; i < CG_COUNT; i++)
        if (b->controllers >> i & 1 && !plan_cgroup_on_v2(b, (enum controller)i))
            add_directory(b, directory_in(b, &facts->v1[i]), cgroup_names_v1[i], false);
    enable_on_v2(b);
    enable_on_the_way(b);
    return 0;
}

int plan_cgroup_prepare(struct builder *b)
{
    TRY(plan_scope(b));
    if (b->config->recorded)
        need_all_of_v1(b);
    TRY(plan_limits(b));
    TRY(add_unified(b));
    TRY(add_device_rules(b));
    TRY(make_directories(b));
    for (size_t i = 0; i < b->n_cgroup_sets; i++)
        plan_add(b, b->cgroup_sets[i]);
    plan_cgroup_open(b);
    if (b->controllers >> CG_MEMORY & 1)
        b->plan->memory_cgroup = directory_in(b, tree_of(b, CG_MEMORY));
    return 0;
}

/* Memory and swap together may not be less than memory alone (cgroup v1, memory.txt): whoever raises both begins with
 * the former, whoever lowers both with the latter. The former is tried, then both come in their order. */
static void try_swap_first(struct builder *b)
{
    for (size_t i = 0; i < b->n_cgroup_sets; i++) {
        struct step step = b->cgroup_sets[i];
        if (!strstr(step.path, "/memory.memsw.limit_in_bytes"))
            continue;
        step.tolerate = (struct errset){{EINVAL}};
        plan_add(b, step);
    }
}

int plan_update(const struct config *config, const struct facts *facts, char *const *dirs, const char *id,
                struct plan *plan)
{
    struct builder b = plan_begin(config, facts, id, plan);
    TRY(plan_scope(&b));
    TRY(plan_limits(&b));
    TRY(add_unified(&b));
    for (size_t i = 0; i < b.n_cgroup_sets; i++) {
        const struct step *step = &b.cgroup_sets[i];
        bool known = false;
        for (size_t k = 0; dirs[k]; k++) {
            const char *rest = text_after(step->path, dirs[k]);
            known |= rest && *rest == '/' && !strchr(rest + 1, '/');
        }
        if (!known)
            return refuse(-EOPNOTSUPP, "%s: the container has no cgroup for it: %s", step->why, step->path);
    }
    if (b.scope) {
        TRY(plan_scope_set(&b));
    } else {
        enable_on_v2(&b);
        enable_on_the_way(&b);
    }
    try_swap_first(&b);
    for (size_t i = 0; i < b.n_cgroup_sets; i++)
        plan_add(&b, b.cgroup_sets[i]);
    return 0;
}

void plan_cgroup_join(struct builder *b, enum actor by)
{
    for (size_t i = 0; i < b->n_cgroups; i++)
        if (!b->cgroups[i].v2)
            plan_add(b, (struct step){.op = OP_CGROUP_JOIN, .by = by, .phase = BIRTH,
                                      .in = b->cgroups[i].slot, .path = b->cgroups[i].directory,
                                      .why = "before it does anything"});
    const struct ns_config *ns = &b->config->namespaces[NS_CGROUP];
    if (ns->listed && !ns->path && !b->exec)
        plan_add(b, (struct step){.op = OP_UNSHARE, .by = by, .phase = BIRTH,
                                  .flags = ns_flags[NS_CGROUP],
                                  .why = "cgroup_namespaces(7): its root is where it is now"});
}

/* ---- /sys/fs/cgroup ---- */

static void add_bind(struct builder *b, const char *source, const char *path, const char *why)
{
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    *spec = (struct mount_spec){.type = "bind", .propagation = MS_PRIVATE,
                                .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    plan_add(b, (struct step){.op = OP_BIND, .by = INIT, .phase = FILES, .source = source,
                              .path = path, .data = spec, .text = "", .why = why});
}

/* v1 and hybrid: a directory for each hierarchy in which the container has a cgroup of its own. */
static int mount_v1(struct builder *b, const struct mount_config *mount)
{
    static char *const options[] = {(char *)"nosuid", (char *)"nodev", (char *)"noexec",
                                    (char *)"mode=755", (char *)"size=64k", NULL};
    struct mount_config tmpfs = *mount;
    tmpfs.type = "tmpfs";
    tmpfs.options = (char **)options;
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    TRY(mount_options_parse(b->arena, &tmpfs, spec));
    spec->strict = true;
    plan_add(b, (struct step){.op = OP_MOUNT, .by = INIT, .phase = FILES, .source = "tmpfs",
                              .path = mount->destination, .data = spec,
                              .text = mount_options_describe(b->arena, spec),
                              .why = "cgroup v1: one directory a hierarchy"});
    for (size_t i = 0; i < b->n_cgroups; i++)
        add_bind(b, b->cgroups[i].directory,
                 plan_text(b, "%s/%s", mount->destination, b->cgroups[i].name), mount->origin);
    struct mount_spec wanted;
    TRY(mount_options_parse(b->arena, &(struct mount_config){.type = "cgroup2", .origin = mount->origin,
                                                             .options = mount->options}, &wanted));
    if (wanted.set & MOUNT_ATTR_RDONLY)
        b->readonly_cgroup = mount; /* once nothing more is mounted */
    return 0;
}

/* cgroup_namespaces(7): a new cgroup2 shows the namespace that it is mounted in, which a user namespace owns or not. */
static int bind_v2(struct builder *b, const struct mount_config *mount)
{
    struct mount_config bind = *mount;
    bind.type = "cgroup2";
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    TRY(mount_options_parse(b->arena, &bind, spec));
    *spec = (struct mount_spec){.type = "bind", .recursive = true, .strict = true, .propagation = MS_PRIVATE,
                                .propagate_all = true, .set = spec->set};
    plan_add(b, (struct step){.op = OP_BIND, .by = INIT, .phase = FILES, .source = b->facts->cgroup.v2.mount,
                              .path = mount->destination, .data = spec, .text = mount_options_describe(b->arena, spec),
                              .why = mount->origin});
    return 0;
}

int plan_cgroup_mount(struct builder *b, const struct mount_config *mount)
{
    const struct cgroup_facts *facts = &b->facts->cgroup;
    bool v1 = false;
    for (int i = 0; i < CG_COUNT; i++)
        v1 |= facts->v1[i].mount != NULL;
    if (v1)
        return mount_v1(b, mount);
    if (!facts->v2.mount) {
        plan_note(b, "%s left out: the host has no cgroups mounted", mount->destination);
        return 0;
    }
    if ((b->ids.fresh || b->ids.joined) && !b->config->namespaces[NS_CGROUP].listed)
        return bind_v2(b, mount);
    struct mount_config v2 = *mount;
    v2.type = "cgroup2";
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    TRY(mount_options_parse(b->arena, &v2, spec));
    spec->strict = true;
    plan_add(b, (struct step){.op = OP_MOUNT, .by = INIT, .phase = FILES, .source = "cgroup2",
                              .path = mount->destination, .data = spec,
                              .text = mount_options_describe(b->arena, spec),
                              .why = mount->origin});
    return 0;
}
