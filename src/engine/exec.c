/* The container's own configuration, as it was when it was created, says what a further process may do; the process
 * file, or the options, say what is different. Then it is a plan like any other (runtime/plan_exec.c). */
#include "engine/exec.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/bundle.h"
#include "engine/console.h"
#include "engine/container.h"
#include "engine/environment.h"
#include "engine/handover.h"
#include "engine/request.h"
#include "kernel/cgroup.h"
#include "runtime/execute.h"
#include "spec/config_decode.h"

#include <linux/capability.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct exec {
    struct arena arena;
    const struct exec_options *options;
    struct container container;
    char **cgroups; /* the container's; NULL when they are not to be told */
    struct config config;
    struct seccomp_program seccomp;
    struct facts facts;
    struct exec_target target;
    struct plan plan;
    struct execution execution;
};

static void cleanup_exec(struct exec *e)
{
    cleanup_fd(&e->target.pidfd);
    arena_free(&e->arena);
}

/* ---- the process ---- */

static int read_process(struct exec *e)
{
    const char *name = e->options->process_file;
    auto_free char *text = NULL;
    ssize_t size = file_read(AT_FDCWD, name, 16 << 20, &text);
    TRY((int)size);
    return config_decode_process(&e->config, text, (size_t)size, name);
}

static void add_env(struct exec *e)
{
    struct environment env = environment_of(&e->arena, e->config.process.env);
    for (size_t i = 0; i < e->options->env.count; i++)
        environment_set(&env, e->options->env.words[i]);
    e->config.process.env = environment_list(&env);
}

static int add_caps(struct exec *e)
{
    struct capabilities *caps = &e->config.process.caps;
    for (size_t i = 0; i < e->options->caps.count; i++) {
        uint64_t mask;
        if (capability_parse(e->options->caps.words[i], &mask) < 0)
            return refuse(-EINVAL, "--cap %.64s: no such capability", e->options->caps.words[i]);
        uint64_t *const sets[] = {&caps->bounding, &caps->effective, &caps->permitted};
        for (size_t k = 0; k < COUNT(sets); k++)
            *sets[k] |= mask;
        e->config.process.caps_origin = "--cap";
    }
    return 0;
}

static int add_groups(struct exec *e)
{
    struct user_config *user = &e->config.process.user;
    for (size_t i = 0; i < e->options->gids.count; i++) {
        uint32_t id;
        if (text_to_id(e->options->gids.words[i], &id) < 0)
            return refuse(-EINVAL, "--additional-gids %.64s: no group id (0 to 4294967294)", e->options->gids.words[i]);
        *LIST_ADD(&e->arena, &user->groups, &user->n_groups) = id;
    }
    return 0;
}

/* The container's own process, but for what the options say. */
static int change_process(struct exec *e)
{
    const struct exec_options *o = e->options;
    struct process_config *process = &e->config.process;
    if (!o->args[0])
        return refuse(-EINVAL, "exec: no command (give one, or --process FILE)");
    process->args = o->args;
    process->args_origin = "exec";
    process->terminal = o->tty;
    process->no_new_privileges |= o->no_new_privs;
    if (o->cwd && *o->cwd != '/')
        return refuse(-EINVAL, "--cwd %.200s: not an absolute path", o->cwd);
    process->cwd = o->cwd ? o->cwd : process->cwd;
    process->apparmor_profile = o->apparmor ? o->apparmor : process->apparmor_profile;
    process->selinux_label = o->process_label ? o->process_label : process->selinux_label;
    add_env(e);
    if (o->user) {
        process->user = (struct user_config){.origin = arena_printf(&e->arena, "--user %s", o->user)};
        TRY(request_user(&e->arena, o->user, &process->user));
    }
    TRY(add_groups(e));
    return add_caps(e);
}

/* ---- the container ---- */

/* Whether the hierarchy that DIR is in is one of those that CONTROLLERS, "cpu,memory", names; NULL is all. */
static bool is_named(const char *dir, const char *controllers)
{
    const char *top = dir, *word = controllers;
    if (!controllers)
        return true;
    for (size_t length; *word; word += length + (word[length] == ',')) {
        length = strcspn(word, ",");
        for (const char *p = top; length && (p = strchr(p, '/')); p++)
            if (strncmp(p + 1, word, length) == 0 && strchr("/,", p[1 + length]) && p[1 + length])
                return true;
    }
    return false;
}

/* cgroups(7), "no internal processes": a container that passes controllers on, as systemd does, has its own processes
 * further below. Its first process is in a good place. */
static const char *v2_of_first(struct exec *e, const char *dir)
{
    auto_free char *enabled = NULL;
    ssize_t size = file_read(AT_FDCWD, arena_printf(&e->arena, "%s/cgroup.subtree_control", dir), 4096, &enabled);
    if (size < 0)
        error_clear();
    const char *first = size > 1 ? cgroup_v2_of(&e->arena, e->container.pid) : NULL;
    return first ? first : dir;
}

static int find_cgroups(struct exec *e)
{
    const char *path = e->options->cgroup, *controllers = NULL;
    char **dirs = e->cgroups;
    size_t n = 0;
    if (!dirs)
        TRY(container_cgroups(&e->container, &dirs)); /* which says what is amiss */
    if (path && *path != '/' && strchr(path, ':')) {
        controllers = arena_strndup(&e->arena, path, (size_t)(strchr(path, ':') - path));
        path = strchr(path, ':') + 1;
    }
    size_t parts = 0;
    char **part = path ? text_split(&e->arena, path, '/', &parts) : NULL;
    for (size_t i = 0; i < parts; i++)
        if (text_equal(part[i], ".."))
            return refuse(-EINVAL, "--cgroup %.200s: `..` components are not allowed", path);
    for (size_t i = 0; dirs[i]; i++) {
        bool v2 = access(arena_printf(&e->arena, "%s/cgroup.events", dirs[i]), F_OK) == 0;
        bool below = path && *path && is_named(dirs[i], v2 ? NULL : controllers);
        const char *dir = below ? arena_printf(&e->arena, "%s/%s", dirs[i], path) : dirs[i];
        if (below && !v2 && !controllers && access(dir, F_OK) < 0)
            dir = dirs[i]; /* where nobody made it: one name for all hierarchies is a wish */
        if (below && access(dir, F_OK) < 0)
            return fail(-errno, "--cgroup %.200s: open %s", e->options->cgroup, dir);
        if (v2)
            e->target.v2_cgroup = below ? dir : v2_of_first(e, dir);
        else
            *LIST_ADD(&e->arena, &e->target.v1_cgroups, &n) = (char *)dir;
    }
    *LIST_ADD(&e->arena, &e->target.v1_cgroups, &n) = NULL;
    return 0;
}

static int find_container(struct exec *e)
{
    const struct exec_options *o = e->options;
    TRY(container_load(&e->arena, o->root, o->id, &e->container));
    enum container_status status = container_look(&e->container, &e->target.pidfd, &e->cgroups);
    if (status == CONTAINER_PAUSED ? !o->ignore_paused : status != CONTAINER_CREATED && status != CONTAINER_RUNNING)
        return refuse(-EINVAL, "container %s is %s, not running", o->id, container_status_names[status]);
    e->target.bundle = e->container.bundle;
    e->target.pid = e->container.pid;
    e->target.start_time = e->container.start_time;
    return 0;
}

/* ---- the whole ---- */

static int prepare(struct exec *e)
{
    const struct exec_options *o = e->options;
    struct config *config = &e->config;
    TRY(find_container(e));
    config->arena = &e->arena;
    TRY(bundle_load(e->container.dir, NULL, geteuid() ? NULL : "/var/cache/bocal", "", config, &e->seccomp));
    warnings_clear(); /* told when the container was created */
    e->target.may_trace = config->process.caps.bounding >> CAP_SYS_PTRACE & 1; /* the first process */
    TRY(o->process_file ? read_process(e) : change_process(e));
    TRY(handover_check(config, o->console_socket, !o->detach));
    TRY(handover_fds(config, (unsigned)o->preserve_fds));
    config->outlives = o->detach;
    config->own_stdio = true;
    config->init = false;
    config->n_mounts = 0; /* nothing is mounted any more */
    e->target.may_trace |= config->process.caps.bounding >> CAP_SYS_PTRACE & 1;
    TRY(container_namespaces(&e->container, config, &e->target.namespaces));
    TRY(facts_probe_exec(config, &e->facts));
    TRY(find_cgroups(e));
    TRY(plan_exec(config, &e->facts, &e->target, o->id, &e->plan));
    return plan_check(&e->plan);
}

int exec_run(const struct exec_options *options)
{
    __attribute__((cleanup(cleanup_exec))) struct exec e = {.options = options, .target = {.pidfd = -1}};
    signal(SIGCHLD, SIG_DFL);
    arena_expect(72 << 10); /* what the usual configuration takes */
    TRY(prepare(&e));
    if (!options->detach)
        console_block_signals();
    struct execution *x = &e.execution;
    int r = execute(x, &e.plan);
    if (r == 0)
        r = handover(x, options->console_socket, options->pid_file);
    if (r == 0 && options->detach) {
        execution_leave(x);
        return 0;
    }
    if (r == 0)
        r = handover_wait(x, e.config.process.terminal && !options->console_socket, NULL);
    execution_end(x);
    return r;
}
