/* What is mounted is decoded as config.json's mounts are, and what the container was made with says how its ids are; then
 * it is a plan like any other (runtime/plan_visit.c). */
#include "engine/mounts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/bundle.h"
#include "engine/container.h"
#include "kernel/sys.h"
#include "runtime/execute.h"
#include "spec/config_decode.h"

struct mounts {
    struct arena arena;
    struct container container;
    struct config config;
    struct facts facts;
    struct exec_target target;
    struct plan plan;
    struct execution execution;
};

static void cleanup_mounts(struct mounts *m)
{
    cleanup_fd(&m->target.pidfd);
    arena_free(&m->arena);
}

static int find_container(struct mounts *m, const char *root, const char *id)
{
    char **cgroups;
    TRY(container_load(&m->arena, root, id, &m->container));
    enum container_status status = container_look(&m->container, &m->target.pidfd, &cgroups);
    if (status == CONTAINER_CREATING || status == CONTAINER_STOPPED)
        return refuse(-EINVAL, "container %s is %s, not running", m->container.id, container_status_names[status]);
    TRY(container_config(&m->container, &m->config));
    warnings_clear(); /* told when the container was created */
    m->config.bundle = m->container.bundle;
    m->target.bundle = m->container.bundle;
    m->target.pid = m->container.pid;
    m->target.start_time = m->container.start_time;
    return container_namespaces(&m->container, &m->config, &m->target.namespaces);
}

/* The container's user namespace, as if its path had been given, and its maps, if nobody has chosen them. */
static void find_ids(struct mounts *m)
{
    struct config *config = &m->config;
    struct ns_config *user = &config->namespaces[NS_USER];
    const char *process = arena_printf(&m->arena, "/proc/%lld", (long long)m->container.pid);
    if (!(m->target.namespaces & CLONE_NEWUSER))
        return;
    *user = (struct ns_config){.listed = true, .path = arena_printf(&m->arena, "%s/ns/user", process), .origin = user->origin};
    if (config->uid_mappings.count)
        return;
    config->uid_mappings = facts_idmaps(&m->arena, arena_printf(&m->arena, "%s/uid_map", process));
    config->gid_mappings = facts_idmaps(&m->arena, arena_printf(&m->arena, "%s/gid_map", process));
}

static int read_mounts(struct mounts *m, const char *file)
{
    struct config *config = &m->config;
    const char *name;
    auto_free char *text = NULL;
    ssize_t size = file_read_operand(file, 16 << 20, &text, &name);
    TRY((int)size);
    TRY(config_decode_mounts(config, text, (size_t)size, name));
    for (size_t i = 0; i < config->n_mounts; i++)
        if (text_equal(config->mounts[i].type, "bind"))
            bundle_resolve(config, &config->mounts[i].source);
    return 0;
}

int mounts_run(const char *root, const char *id, const char *file, bool remove)
{
    __attribute__((cleanup(cleanup_mounts))) struct mounts m = {.target = {.pidfd = -1}};
    TRY(find_container(&m, root, id));
    find_ids(&m);
    TRY(read_mounts(&m, file));
    TRY(facts_probe_exec(&m.config, &m.facts));
    TRY((remove ? plan_remove_mounts : plan_add_mounts)(&m.config, &m.facts, &m.target, id, &m.plan));
    TRY(plan_check(&m.plan));
    int r = execute(&m.execution, &m.plan);
    execution_end(&m.execution);
    return r;
}
