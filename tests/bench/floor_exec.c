/* The floor of `exec`: what a further process in a container cannot do without, and nothing else. It enters the namespaces
 * of PID at once, is born into its cgroup, and runs a command.
 *
 *     floor_exec CGROUP PID COMMAND [ARG...]     CGROUP is a directory of cgroup v2, or - for none
 *
 * Without arguments it waits, for ever: a container's command. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sched.h>

static int complain(const char *what)
{
    fprintf(stderr, "floor_exec: %s: %s\n", what, strerror(errno));
    return 125;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        for (;;)
            pause();
    int status, pidfd = (int)syscall(SYS_pidfd_open, atoi(argv[2]), 0);
    int cgroup = *argv[1] == '-' ? -1 : open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (pidfd < 0 || setns(pidfd, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP) < 0)
        return complain("enter");
    struct clone_args args = {.flags = cgroup < 0 ? 0 : CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
                              .cgroup = cgroup < 0 ? 0 : (uint64_t)cgroup};
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        return complain("clone");
    if (pid == 0) {
        execv(argv[3], argv + 3);
        _exit(complain(argv[3]));
    }
    if (waitpid(pid, &status, 0) < 0)
        return complain("wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
