/* The stop-watch: spawns a command, and prints "NANOSECONDS PEAK-KB STATUS FAILED" about it, the
 * time from just before posix_spawn to just after its end has been reaped.
 *
 *     spawn [-m MOUNT-NAMESPACE] [-n COUNT] COMMAND [ARG...]
 *
 * With -n it is spawned COUNT times before any end is waited for, the first "@" in an argument
 * being the number, from 0: the time is that to the last end, the peak the highest, FAILED how many
 * failed, and the status that of one of them.
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
#include <stdlib.h>
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

/* The command as number NUMBER runs it. */
static char **numbered(char **command, size_t words, int number)
{
    char **copy = calloc(words + 1, sizeof *copy);
    for (size_t i = 0; copy && i < words; i++) {
        char *at = strchr(command[i], '@');
        copy[i] = command[i];
        int before = at ? (int)(at - command[i]) : 0;
        if (at && asprintf(&copy[i], "%.*s%d%s", before, command[i], number, at + 1) < 0)
            return NULL;
    }
    return copy;
}

static int measure(char **commands[], int count)
{
    struct timespec start, end;
    struct rusage usage;
    posix_spawn_file_actions_t actions;
    long peak = 0;
    int status = 0, failed = 0, error = 0, running, one;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (running = 0; running < count && !error; running += !error)
        error = posix_spawn(&pid, commands[running][0], &actions, NULL, commands[running], environ);
    for (; running; running--) {
        if (wait4(-1, &one, 0, &usage) < 0)
            return complain("wait", errno);
        peak = usage.ru_maxrss > peak ? usage.ru_maxrss : peak;
        failed += one != 0;
        status = one ? (WIFEXITED(one) ? WEXITSTATUS(one) : 128 + WTERMSIG(one)) : status;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (error)
        return complain(commands[0][0], error);
    long ns = (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec - start.tv_nsec;
    printf("%ld %ld %d %d\n", ns, peak, status, failed);
    return 0;
}

int main(int argc, char **argv)
{
    int option, count = 1;
    if (argc < 2)
        return 0;
    while ((option = getopt(argc, argv, "+m:n:")) != -1) {
        if (option == 'n')
            count = atoi(optarg);
        if (option == '?' || count < 1)
            return 2;
        if (option == 'm' && enter(optarg))
            return 125;
    }
    if (optind == argc)
        return 2;
    char **commands[count];
    commands[0] = argv + optind;
    for (int i = 0; count > 1 && i < count; i++) {
        commands[i] = numbered(argv + optind, (size_t)(argc - optind), i);
        if (!commands[i])
            return complain("a copy of the command", errno);
    }
    return measure(commands, count);
}
