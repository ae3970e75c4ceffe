/* Restoring is one step to HOST: criu(8) is started in the container's cgroups and in a mount namespace of its own, where
 * the root is a mount, and bears the container's first process as HOST's child. On its way it asks for what an OCI runtime
 * does: hooks, when the namespaces are there, and who keeps the terminal. */
#include "runtime/perform.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "kernel/mount.h"
#include "kernel/sys.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct restoring {
    struct execution *x;
    const struct restore_spec *spec;
};

/* ---- before it becomes criu ---- */

static int join_cgroups(const struct execution *x)
{
    for (int i = 0; i < MAX_TASKS; i++)
        if (x->slots[SLOT_TASKS + i] >= 0 && write(x->slots[SLOT_TASKS + i], "0", 1) < 0)
            return -errno;
    return 0;
}

/* What it mounts is seen by nobody else, and gone with it; and what comes from the host keeps getting the host's later
 * mounts, as it did. criu wants the root to be a mount; before 4 it does not make it read-only, but leaves it so. */
static int prepare_criu(void *data)
{
    const struct restoring *r = data;
    const struct restore_spec *spec = r->spec;
    const struct ns_config *cgroup = &spec->config->namespaces[NS_CGROUP];
    bool own = cgroup->listed && !cgroup->path;
    struct mount_attr read_only = {.attr_set = spec->config->root.readonly ? MOUNT_ATTR_RDONLY : 0};
    TRY(join_cgroups(r->x));
    if (unshare(CLONE_NEWNS | (own ? CLONE_NEWCGROUP : 0)) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0 ||
        mount(spec->request.root, spec->request.root, NULL, MS_BIND | MS_REC, NULL) < 0)
        return -errno;
    TRY(sys_mount_setattr(AT_FDCWD, spec->request.root, 0, &read_only));
    for (size_t i = 0; i < spec->request.n_inherited; i++)
        if (fcntl(spec->request.inherited[i].fd, F_SETFD, 0) < 0)
            return -errno;
    return 0;
}

/* ---- what it asks for ---- */

static int run_hooks(struct restoring *r, enum hook_kind kind, int state)
{
    const struct hook_list *hooks = &r->spec->config->hooks[kind];
    const struct hook_fds fds = {.state = state, .output = {r->x->slots[SLOT_HOOK_OUT], r->x->slots[SLOT_HOOK_ERR]}};
    for (size_t i = 0; i < hooks->count; i++) {
        int error = hook_run(&hooks->list[i], NULL, &fds, &r->x->shared->hook);
        if (error < 0) {
            hook_describe(&hooks->list[i], &r->x->shared->hook, error);
            return because(error, "%s", hooks->list[i].origin);
        }
    }
    return 0;
}

static int run_all_hooks(struct restoring *r, int64_t pid)
{
    const struct config *config = r->spec->config;
    if (!config->hooks[HOOK_PRESTART].count && !config->hooks[HOOK_CREATE_RUNTIME].count)
        return 0;
    auto_fd state = hook_state(r->x, config, "creating", pid);
    if (state < 0)
        return fail(state, "write the state for hooks");
    TRY(run_hooks(r, HOOK_PRESTART, state));
    return run_hooks(r, HOOK_CREATE_RUNTIME, state);
}

static int hear(void *data, const char *what, int64_t pid, int fd)
{
    struct restoring *r = data;
    auto_fd given = fd;
    if (text_equal(what, "orphan-pts-master") && given >= 0) {
        cleanup_fd(&r->x->slots[SLOT_CONSOLE]);
        r->x->slots[SLOT_CONSOLE] = take_fd(&given);
    }
    return text_equal(what, "setup-namespaces") ? run_all_hooks(r, pid) : 0;
}

/* ---- places to mount at ---- */

/* Whether a mount before number N covers the place of that, which is then in the images, or the host's. */
static bool is_covered(const struct config *config, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text_path_covers(config->mounts[i].destination, config->mounts[n].destination))
            return true;
    return false;
}

/* criu puts the old root away in /tmp of the new one, and cannot make a place of its own in a root that is read-only. */
static int make_tmp(const struct config *config, int root)
{
    auto_fd tmp = mount_target(root, "/tmp", true, false);
    return tmp < 0 ? fail(tmp, "make /tmp in %s, as criu needs it", config->root.path) : 0;
}

/* A root that has been made anew since, as engines do that move containers, lacks what was made there to mount at. */
static int make_targets(const struct config *config)
{
    auto_fd root = open(config->root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(-errno, "open %s", config->root.path);
    for (size_t i = 0; i < config->n_mounts; i++) {
        const struct mount_config *mount = &config->mounts[i];
        struct stat st;
        bool file = text_equal(mount->type, "bind") && stat(mount->source, &st) == 0 && !S_ISDIR(st.st_mode);
        if (is_covered(config, i))
            continue;
        auto_fd target = mount_target(root, mount->destination, !file, false);
        if (target < 0)
            return fail(target, "%s: make %s in %s", mount->origin, mount->destination, config->root.path);
    }
    return config->root.readonly ? make_tmp(config, root) : 0;
}

/* ---- the step ---- */

/* criu's own fds for the namespaces: the numbers are known only now. FDS are the caller's. */
static int open_namespaces(struct arena *arena, const struct restore_spec *spec, struct criu_request *request, int *fds)
{
    struct criu_fd *list = NULL;
    size_t n = 0;
    for (size_t i = 0; i < request->n_inherited; i++)
        *LIST_ADD(arena, &list, &n) = request->inherited[i];
    for (size_t i = 0; i < spec->n_namespaces; i++) {
        fds[i] = open(spec->namespaces[i].value, O_RDONLY | O_CLOEXEC);
        if (fds[i] < 0)
            return fail(-errno, "open %s", spec->namespaces[i].value);
        *LIST_ADD(arena, &list, &n) = (struct criu_fd){spec->namespaces[i].key, fds[i]};
    }
    request->inherited = list;
    request->n_inherited = n;
    return 0;
}

/* What a failed criu may leave: children of its own that it has made the caller's. BEFORE are those that the caller had. */
static void end_others(const char *before, const char *now)
{
    for (char *end; *now; now = end) {
        char word[24];
        long pid = strtol(now, &end, 10);
        if (end == now)
            return;
        snprintf(word, sizeof word, "%ld ", pid);
        const char *known = strstr(before, word);
        if (pid <= 0 || (known && (known == before || known[-1] == ' ')))
            continue;
        kill((pid_t)pid, SIGKILL);
        waitpid((pid_t)pid, NULL, __WALL);
    }
}

/* "12 34 ", proc_tid_children(5); the caller has one thread. */
static void list_children(char *text, size_t size)
{
    char path[64];
    *text = '\0';
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
}

static int host_restore(struct execution *x, const struct step *step)
{
    enum { MAX_NAMESPACES = 4 };
    struct restoring restoring = {.x = x, .spec = step->data};
    struct restore_spec spec = *restoring.spec;
    int fds[MAX_NAMESPACES] = {-1, -1, -1, -1};
    char before[4096], now[4096];
    struct criu criu;
    int64_t pid = 0;
    restoring.spec = &spec;
    int r = make_targets(spec.config);
    if (r == 0)
        r = open_namespaces(x->plan->arena, &spec, &spec.request, fds);
    list_children(before, sizeof before);
    if (r == 0)
        r = criu_begin(step->source, step->in ? x->slots[step->in] : -1, prepare_criu, &restoring, &criu);
    if (r == 0)
        r = criu_ask(&criu, &spec.request, hear, &restoring, &pid);
    for (size_t i = 0; i < COUNT(fds); i++)
        cleanup_fd(&fds[i]);
    if (r < 0) {
        list_children(now, sizeof now);
        end_others(before, now);
        return criu_failed(&spec.request, spec.work, r);
    }
    x->pid = (pid_t)pid;
    x->slots[step->out] = sys_pidfd_open(x->pid);
    return x->slots[step->out] < 0 ? x->slots[step->out] : 0;
}

performer *const performers_restore[OP_COUNT] = {
    [OP_RESTORE] = host_restore,
};
