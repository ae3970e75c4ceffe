/* Signals go to the first process by its pidfd, to all by the cgroups that the journal tells of: so they reach nobody
 * else, whatever has become of a number meanwhile. */
#include "engine/control.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/container.h"
#include "kernel/cgroup.h"
#include "kernel/sys.h"

#include <string.h>

void control_thaw(const struct container *container)
{
    char **dirs;
    if (container_cgroups(container, &dirs) < 0)
        error_clear();
    for (size_t i = 0; dirs && dirs[i]; i++)
        if (cgroup_is_frozen(dirs[i]) && cgroup_freeze(dirs[i], false) < 0)
            error_clear(); /* that it does not end is said by who waits */
}

/* Into the container's own, which lets it go on; what else is frozen there is not ours. */
void control_reclaim(const struct container *container)
{
    char **dirs, pid[24];
    snprintf(pid, sizeof pid, "%lld", (long long)container->pid);
    if (container_cgroups(container, &dirs) < 0)
        error_clear();
    for (size_t i = 0; dirs && dirs[i]; i++)
        if (access(arena_printf(container->arena, "%s/freezer.state", dirs[i]), F_OK) == 0 &&
            cgroup_write(arena_printf(container->arena, "%s/cgroup.procs", dirs[i]), pid) < 0)
            error_clear(); /* it has ended meanwhile */
}

/* ---- kill ---- */

static int kill_all(const struct container *container, int signal)
{
    char **dirs;
    TRY(container_cgroups(container, &dirs));
    if (!dirs[0])
        return refuse(-EOPNOTSUPP, "kill --all: container %s has no cgroup of its own", container->id);
    cgroup_signal(dirs[0], signal); /* each process is in all of them */
    return 0;
}

static int kill_first(const struct container *container, int signal)
{
    auto_fd fd = container_pidfd(container);
    if (fd < 0)
        return refuse(-ESRCH, "container %s is not running", container->id);
    int r = sys_pidfd_send_signal(fd, signal);
    return r < 0 ? fail(r, "kill container %s", container->id) : 0;
}

int control_kill(const char *root, const char *id, int signal, bool all)
{
    auto_arena arena = {0};
    struct container container;
    TRY(container_load(&arena, root, id, &container));
    TRY(all ? kill_all(&container, signal) : kill_first(&container, signal));
    if (signal == SIGKILL)
        control_thaw(&container);
    return 0;
}

/* ---- pause, resume ---- */

int control_freeze(const char *root, const char *id, bool frozen)
{
    auto_arena arena = {0};
    struct container container;
    char **dirs;
    TRY(container_load(&arena, root, id, &container));
    enum container_status status = container_status(&container);
    bool may = frozen ? status == CONTAINER_RUNNING || status == CONTAINER_CREATED : status == CONTAINER_PAUSED;
    if (!may)
        return refuse(-EINVAL, "container %s is %s, not %s", id, container_status_names[status],
                      frozen ? "running" : "paused");
    TRY(container_cgroups(&container, &dirs));
    for (size_t i = 0; dirs[i]; i++) {
        int r = cgroup_freeze(dirs[i], frozen);
        if (r != -ENOENT)
            return r;
    }
    return refuse(-EOPNOTSUPP, "container %s has no cgroup that can be frozen", id);
}

/* ---- ps ---- */

static bool has_pid(const char *line, size_t column, const int64_t *pids, size_t n)
{
    for (size_t i = 0; i < column; i++) {
        line += strspn(line, " ");
        line += strcspn(line, " \n");
    }
    long long pid = strtoll(line, NULL, 10);
    for (size_t i = 0; i < n; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* Those lines of ps(1) whose PID is one of the container's. */
static int filter_table(char *text, const int64_t *pids, size_t n, FILE *out)
{
    char *rest = NULL, *line = strtok_r(text, "\n", &rest);
    size_t column = 0;
    bool found = false;
    for (const char *p = line; p && *p && !found; column += !found) {
        p += strspn(p, " ");
        size_t length = strcspn(p, " ");
        found = length == 3 && strncmp(p, "PID", 3) == 0;
        p += length;
    }
    if (!found)
        return refuse(-EINVAL, "ps: its options leave out the column PID");
    fprintf(out, "%s\n", line);
    while ((line = strtok_r(NULL, "\n", &rest)))
        if (has_pid(line, column, pids, n))
            fprintf(out, "%s\n", line);
    return 0;
}

static int print_table(struct arena *arena, const int64_t *pids, size_t n, char *const *options, FILE *out)
{
    size_t count = text_count(options);
    char **argv = arena_alloc(arena, (count + 3) * sizeof *argv);
    argv[0] = (char *)"/usr/bin/ps";
    argv[1] = (char *)"-ef";
    if (access(argv[0], X_OK) < 0)
        argv[0] = (char *)"/bin/ps";
    memcpy(argv + 1, options, count * sizeof *argv);
    auto_free char *text = NULL;
    TRY(process_read(argv, &text));
    return filter_table(text, pids, n, out);
}

int control_ps(const char *root, const char *id, bool json, char *const *options, FILE *out)
{
    auto_arena arena = {0};
    struct container container;
    int64_t *pids = NULL;
    size_t n = 0;
    TRY(container_load(&arena, root, id, &container));
    TRY(container_pids(&container, &pids, &n));
    if (!json)
        return print_table(&arena, pids, n, options, out);
    putc('[', out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%lld", i ? "," : "", (long long)pids[i]);
    fputs("]\n", out);
    return 0;
}
