/* The stop-watch: spawns a command, and prints "NANOSECONDS PEAK-KB STATUS" about it, the time
 * from just before posix_spawn to just after its end has been reaped.
 *
 *     spawn [-m MOUNT-NAMESPACE] COMMAND [ARG...]
 *
 * It is small and static for two reasons: exec leaves the caller's high-water mark in the child's
 * ru_maxrss (setmax_mm_hiwater_rss() in exec_mmap()), and what spawns must not add to what is
 * timed. The mount namespace is entered before the clock starts, so that a view of the cgroups
 * costs those who need one nothing. Standard input and output of the command are /dev/null,
 * standard error is ours.
 *
 * Without a command it is a program that does nothing, and so the cost of a process. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int complain(const char *what, int error)
{
    fprintf(stderr, "spawn: %s: %s\n", what, strerror(error));
    return 125;
}

static int enter(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 || setns(fd, CLONE_NEWNS) < 0 ? complain(path, errno) : 0;
    close(fd);
    return r;
}

static int measure(char **command)
{
    struct timespec start, end;
    struct rusage usage;
    posix_spawn_file_actions_t actions;
    int status;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    int error = posix_spawn(&pid, command[0], &actions, NULL, command, environ);
    if (error)
        return complain(command[0], error);
    if (wait4(pid, &status, 0, &usage) < 0)
        return complain("wait", errno);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%ld %ld %d\n", (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec - start.tv_nsec,
           usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 0;
    int options = strcmp(argv[1], "-m") == 0 ? 2 : 0;
    if (argc < options + 2)
        return 2;
    if (options && enter(argv[2]))
        return 125;
    return measure(argv + 1 + options);
}
