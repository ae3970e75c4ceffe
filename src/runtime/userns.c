/* User namespaces: their maps, and namespaces that only an fd holds. HOST's: these allocate and format. */
#include "runtime/userns.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "kernel/sys.h"
#include "runtime/facts.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_map(pid_t pid, const char *file, const struct idmaps *maps)
{
    char path[64], text[4096];
    size_t used = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    for (size_t i = 0; i < maps->count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%u %u %u\n", maps->list[i].inside,
                                 maps->list[i].outside, maps->list[i].count);
        if (used >= sizeof text)
            return refuse(-E2BIG, "%s: too many ranges", file);
    }
    int r = file_put(AT_FDCWD, path, text);
    return r < 0 ? fail(r, "write %s", path) : 0;
}

/* newuidmap(1) and newgidmap(1) are set-id programs that check /etc/subuid: what they refuse, they
 * say on standard error. */
static int helper_map(const char *helper, pid_t pid, const struct idmaps *maps)
{
    enum { MAX_RANGES = 64 };
    char numbers[3 * MAX_RANGES + 1][12];
    char *argv[3 * MAX_RANGES + 3];
    size_t n = 0;
    if (maps->count > MAX_RANGES)
        return refuse(-E2BIG, "%s: more than %d ranges", helper, MAX_RANGES);
    snprintf(numbers[0], sizeof numbers[0], "%d", pid);
    argv[n++] = (char *)helper;
    argv[n++] = numbers[0];
    for (size_t i = 0; i < maps->count; i++) {
        const uint32_t parts[] = {maps->list[i].inside, maps->list[i].outside, maps->list[i].count};
        for (size_t k = 0; k < COUNT(parts); k++, n++) {
            snprintf(numbers[n - 1], sizeof numbers[0], "%u", parts[k]);
            argv[n] = numbers[n - 1];
        }
    }
    argv[n] = NULL;
    return process_run(argv);
}

int userns_map(pid_t pid, const struct map_spec *map)
{
    char path[64];
    if (map->deny_setgroups) {
        snprintf(path, sizeof path, "/proc/%d/setgroups", pid);
        int r = file_put(AT_FDCWD, path, "deny");
        if (r < 0)
            return fail(r, "write %s", path);
    }
    TRY(map->newuidmap ? helper_map(map->newuidmap, pid, &map->uids)
                       : write_map(pid, "uid_map", &map->uids));
    return map->newgidmap ? helper_map(map->newgidmap, pid, &map->gids)
                          : write_map(pid, "gid_map", &map->gids);
}

/* The child that holds the namespace is gone before this returns; the fd keeps it. */
int userns_holding(const struct map_spec *map)
{
    auto_fd pidfd = -1;
    int born = -1;
    struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_PIDFD,
                              .pidfd = (uint64_t)(uintptr_t)&born, .exit_signal = SIGCHLD};
    pid_t parent = getpid(), pid = sys_clone3(&args);
    if (pid < 0)
        return pid;
    if (pid == 0) { /* it holds nothing, and nobody up, whatever becomes of its maker */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sys_close_range(0, ~0U, 0);
        for (;;)
            if (getppid() == parent)
                pause();
            else
                _exit(1);
    }
    pidfd = born;
    int r = userns_map(pid, map);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    int fd = r < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    r = r == 0 && fd < 0 ? -errno : r;
    sys_pidfd_send_signal(pidfd, SIGKILL);
    waitpid(pid, NULL, 0);
    return r < 0 ? r : fd;
}

static void add(struct arena *arena, struct idmaps *maps, uint32_t inside, uint32_t outside, uint32_t count)
{
    *LIST_ADD(arena, &maps->list, &maps->count) = (struct idmap){.inside = inside, .outside = outside, .count = count};
}

void userns_ranges(struct arena *arena, uint32_t own, const struct idmaps *ranges, struct idmaps *maps)
{
    uint32_t next = 1;
    add(arena, maps, 0, own, 1);
    for (size_t i = 0; i < ranges->count; i++) {
        add(arena, maps, next, ranges->list[i].outside, ranges->list[i].count);
        next += ranges->list[i].count;
    }
}

/* In a child, which is root there: of setns(2) there is no way back. */
static int remove_inside(int userns, const char *path)
{
    int status = 0;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        int r = SYS_RESULT(setns(userns, CLONE_NEWUSER));
        if (r == 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
            r = -errno;
        _exit(r == 0 ? -tree_remove(AT_FDCWD, path) : -r);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int userns_remove(const char *path)
{
    auto_arena arena = {0};
    bool failed_before = *error_text(); /* that is what is told then */
    int r = tree_remove(AT_FDCWD, path);
    if ((r != -EACCES && r != -EPERM) || geteuid() == 0)
        return r;
    auto_fd userns = userns_of_caller(&arena);
    if (userns < 0)
        return r;
    if (!failed_before)
        error_clear();
    r = remove_inside(userns, path);
    return r < 0 ? fail(r, "remove %s", path) : 0;
}

int userns_of_caller(struct arena *arena)
{
    struct facts facts = {0};
    facts_probe_user(arena, &facts);
    if (!facts.subuid.count || !facts.subgid.count || !facts.newuidmap || !facts.newgidmap)
        return -ENOENT;
    struct map_spec map = {.newuidmap = facts.newuidmap, .newgidmap = facts.newgidmap};
    userns_ranges(arena, facts.uid, &facts.subuid, &map.uids);
    userns_ranges(arena, facts.gid, &facts.subgid, &map.gids);
    int fd = userns_holding(&map);
    return fd < 0 ? fail(fd, "make a user namespace") : fd;
}
