/* A container that goes on where criu(8) has dumped it. What bocal does then is what lies outside: the journal, the
 * cgroups with their limits, the device filter, hooks. Namespaces, mounts, ids, capabilities and filters are in the images,
 * and criu makes them again; it is told where the host's mounts come from that the container had (the images have only their
 * places), and which namespaces were somebody else's. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <unistd.h>

/* What criu calls a namespace that it inherits: the words are bocal's own, said at the dump as well. */
static const struct {
    enum ns_kind kind;
    const char *inherited; /* NULL: joined by its path */
} foreign[] = {
    {NS_NETWORK, "extRootNetNS"},
    {NS_PID, "extRootPidNS"},
    {NS_UTS, NULL},
    {NS_IPC, NULL},
};

const char *plan_restore_namespace(enum ns_kind kind)
{
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (foreign[i].kind == kind)
            return foreign[i].inherited;
    return NULL;
}

static bool is_known(enum ns_kind kind)
{
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (foreign[i].kind == kind)
            return true;
    return false;
}

static int check(const struct builder *b)
{
    const struct config *config = b->config;
    if (config->root.lowers)
        return refuse(-EOPNOTSUPP, "%s: what is written there is gone, and criu does not restore it",
                      config->root.upper_origin ? config->root.upper_origin : "/root");
    for (int i = 0; i < NS_COUNT; i++)
        if (config->namespaces[i].listed && config->namespaces[i].path && !is_known((enum ns_kind)i))
            return refuse(-EOPNOTSUPP, "%s: a container that had joined somebody's %s namespace is not restored",
                          config->namespaces[i].origin, ns_names[i]);
    if (config->n_net_devices)
        return refuse(-EOPNOTSUPP, "%s: a container with the host's network devices is not restored", config->net_devices[0].origin);
    return 0;
}

/* ---- mounts of the host's ---- */

static bool same_path(const char *a, const char *b)
{
    return text_path_covers(a, b) && text_path_covers(b, a);
}

/* Of a cgroup mount at MOUNT: the directory that POINT shows. On v1 it has one a hierarchy, each below it. */
static const char *cgroup_behind(const struct builder *b, const char *mount, const char *point)
{
    for (size_t i = 0; i < b->n_cgroups; i++) {
        const struct cgroup_dir *dir = &b->cgroups[i];
        if ((dir->v2 && same_path(mount, point)) ||
            same_path(arena_printf(b->arena, "%s/%s", mount, dir->name), point))
            return dir->directory;
    }
    return NULL;
}

/* Where the mount at POINT came from; NULL where nothing in the configuration says so. */
static const char *source_of(const struct builder *b, const char *point)
{
    const struct config *config = b->config;
    for (size_t i = config->n_mounts; i-- > 0;) {
        const struct mount_config *mount = &config->mounts[i];
        if (text_equal(mount->type, "bind") && same_path(mount->destination, point))
            return mount->source;
        const char *cgroup = text_equal(mount->type, "cgroup") || text_equal(mount->type, "cgroup2")
                                 ? cgroup_behind(b, mount->destination, point) : NULL;
        if (cgroup)
            return cgroup;
    }
    for (char **path = config->masked_paths; path && *path; path++)
        if (same_path(*path, point))
            return "/dev/null";
    for (size_t i = 0; i < config->n_devices; i++)
        if (same_path(config->devices[i].path, point))
            return config->devices[i].host_path ? config->devices[i].host_path : config->devices[i].path;
    return NULL;
}

static int add_mounts(struct builder *b, const struct restore_source *source, struct criu_request *request)
{
    struct criu_pair *list = NULL;
    for (char *const *pair = source->external; *pair; pair += 2) {
        const char *from = source_of(b, pair[1]);
        if (!from)
            return refuse(-ENOENT, "%s: %s was mounted from the host, and config.json does not say from where", source->images, *pair);
        *LIST_ADD(b->arena, &list, &request->n_mounts) = (struct criu_pair){*pair, from};
    }
    request->mounts = list;
    return 0;
}

/* ---- namespaces and fds ---- */

static void add_namespaces(struct builder *b, struct restore_spec *spec)
{
    struct criu_pair *inherited = NULL, *joined = NULL;
    for (size_t i = 0; i < COUNT(foreign); i++) {
        const struct ns_config *ns = &b->config->namespaces[foreign[i].kind];
        if (!ns->listed || !ns->path)
            continue;
        if (foreign[i].inherited)
            *LIST_ADD(b->arena, &inherited, &spec->n_namespaces) = (struct criu_pair){foreign[i].inherited, ns->path};
        else
            *LIST_ADD(b->arena, &joined, &spec->request.n_joins) = (struct criu_pair){ns_proc_names[foreign[i].kind], ns->path};
    }
    spec->namespaces = inherited;
    spec->request.joins = joined;
}

/* Pipes and files of the caller's were its standard fds, and those of this caller take their place. */
static void add_descriptors(struct builder *b, const struct restore_source *source, struct criu_request *request)
{
    struct criu_fd *list = NULL;
    for (int i = 0; i <= STDERR_FILENO && source->descriptors[i]; i++)
        if (text_after(source->descriptors[i], "pipe:") || text_after(source->descriptors[i], "file["))
            *LIST_ADD(b->arena, &list, &request->n_inherited) = (struct criu_fd){source->descriptors[i], i};
    request->inherited = list;
}

int plan_restore(const struct config *config, const struct facts *facts, const struct restore_source *source,
                 const char *id, struct plan *plan)
{
    struct builder b = plan_begin(config, facts, id, plan);
    struct restore_spec *spec = arena_alloc(b.arena, sizeof *spec);
    *spec = (struct restore_spec){.request = *source->request, .config = config, .work = source->work};
    spec->request.kind = CRIU_RESTORE;
    spec->request.root = config->root.path;
    spec->request.siblings = spec->request.notify = true;
    spec->request.terminal = config->process.terminal;
    TRY(check(&b));
    TRY(plan_choose_ids(&b));
    plan_add(&b, (struct step){.op = OP_STATE, .by = HOST, .path = b.state, .why = "the journal: what delete has to undo"});
    plan_notify(&b);
    plan_hooks_output(&b);
    TRY(plan_cgroup_prepare(&b));
    TRY(plan_rdt(&b));
    TRY(add_mounts(&b, source, &spec->request));
    add_namespaces(&b, spec);
    add_descriptors(&b, source, &spec->request);
    if (b.device_filter)
        plan_add(&b, *b.device_filter);
    plan_add(&b, (struct step){.op = OP_RESTORE, .by = HOST, .phase = BIRTH, .path = source->images, .source = source->criu,
                               .in = b.clone_into ? SLOT_CGROUP : SLOT_NONE, .out = SLOT_INIT,
                               .data = spec, .why = "criu(8): its processes, as they were"});
    plan_rdt_join(&b);
    plan_scope_leave(&b);
    plan_note(&b, "cgroups that the container had made below its own are not made again");
    return 0;
}
