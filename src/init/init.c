/* bocal-init: PID 1 of a container, or for one instant what becomes its command.
 *
 *     bocal-init MODE REPORT STEP PATH ARGV...
 *
 * It is executed by INIT from a sealed memfd, when the container is assembled and all privileges
 * are given up: so /proc/self/exe of whoever calls the last exec is this file, which nobody can
 * write to, and never the host's bocal (CVE-2019-5736). It has no C library: what it does is
 * what is read here.
 *
 * MODE "x": executes PATH at once. MODE "p": stays as PID 1, bears PATH as its child, reaps what
 * is orphaned, passes signals on, and ends with the child's status. When the exec fails, {STEP,
 * -errno} is written to the fd REPORT; when it succeeds, REPORT is closed by it: that end of
 * file tells HOST.
 *
 * As a session's leader (bocal made one) it puts the child in a process group of its own and, on
 * a terminal, in the foreground: Ctrl-C reaches the command, not PID 1. Ctrl-Z on a command that
 * is no shell would stop it for ever, for nobody inside could continue it: PID 1 does, at once.
 * A SIGTSTP that bocal passes on is another thing: it lasts until the SIGCONT.
 *
 * When PID 1 ends, the kernel ends all others of its pid namespace. With the host's pid
 * namespace it is not PID 1, and what the command leaves behind is ended by HOST, which empties
 * the cgroup. */
#include "syscall.h"

#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/fcntl.h>

enum {
    WNOHANG = 1, WUNTRACED = 2,
    SIGNALS_SIZE = 8, /* bytes of the kernel's signal set */
    EINTR = 4, ENOENT = 2, ENOTDIR = 20,
    NOT_FOUND = 127, NOT_EXECUTABLE = 126,
};

typedef unsigned long signals; /* bit N-1 is signal N */

static long parse(const char *digits)
{
    long value = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        value = value * 10 + (*digits - '0');
    return value;
}

static _Noreturn void leave(long status)
{
    for (;;)
        syscall4(__NR_exit_group, status, 0, 0, 0);
}

static void set_mask(signals mask)
{
    syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, SIGNALS_SIZE);
}

/* Never returns: the command, or the report of why not. */
static _Noreturn void run_command(char **argv, char **env)
{
    long report = parse(argv[2]);
    struct {
        int step, error;
    } fault;
    fault.step = (int)parse(argv[3]);
    fault.error = (int)syscall4(__NR_execve, (long)argv[4], (long)(argv + 5), (long)env, 0);
    syscall4(__NR_write, report, (long)&fault, sizeof fault, 0);
    leave(fault.error == -ENOENT || fault.error == -ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE);
}

/* The child's own group, in the foreground where there is a terminal. SIGTTOU is blocked here. */
static void take_foreground(int leader)
{
    if (!leader)
        return;
    syscall4(__NR_setpgid, 0, 0, 0, 0);
    int group = (int)syscall4(__NR_getpid, 0, 0, 0, 0);
    syscall4(__NR_ioctl, 0, TIOCSPGRP, (long)&group, 0);
}

/* Whether CHILD's group has our terminal, and so was stopped by its Ctrl-Z. */
static int has_terminal(long child)
{
    int group = 0;
    return syscall4(__NR_ioctl, 0, TIOCGPGRP, (long)&group, 0) == 0 && group == child;
}

/* Reaps everything that has ended; the status for the shell once CHILD has, else -1. */
static long reap(long child, int suspended)
{
    enum { STOPPED = 0x7f };
    int status = 0;
    long pid, verdict = -1;
    while ((pid = syscall4(__NR_wait4, -1, (long)&status, WNOHANG | WUNTRACED, 0)) > 0) {
        if (pid != child)
            continue;
        if ((status & 0xff) != STOPPED)
            verdict = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
        else if (status >> 8 == SIGTSTP && !suspended && has_terminal(child))
            syscall4(__NR_kill, -child, SIGCONT, 0, 0);
    }
    return verdict;
}

static _Noreturn void stay(long child, int leader)
{
    signals all = ~0UL;
    int suspended = 0; /* by bocal, which was itself */
    for (;;) {
        long signal = syscall4(__NR_rt_sigtimedwait, (long)&all, 0, 0, SIGNALS_SIZE);
        if (signal == SIGCHLD) {
            long status = reap(child, suspended);
            if (status >= 0)
                leave(status);
        } else if (signal == SIGTSTP || signal == SIGCONT) {
            suspended = signal == SIGTSTP;
            syscall4(__NR_kill, leader ? -child : child, signal, 0, 0);
        } else if (signal > 0 && signal != SIGTTIN && signal != SIGTTOU) {
            syscall4(__NR_kill, child, signal, 0, 0);
        }
    }
}

_Noreturn void start(long *stack)
{
    char **argv = (char **)(stack + 1);
    char **env = argv + *stack + 1;
    if (*stack < 6)
        leave(NOT_EXECUTABLE);
    long report = parse(argv[2]);
    syscall4(__NR_fcntl, report, F_SETFD, FD_CLOEXEC, 0);
    if (argv[1][0] == 'x')
        run_command(argv, env);
    set_mask(~0UL);
    int leader = syscall4(__NR_getsid, 0, 0, 0, 0) == syscall4(__NR_getpid, 0, 0, 0, 0);
    long child = syscall4(__NR_clone, SIGCHLD, 0, 0, 0);
    if (child == 0) {
        take_foreground(leader);
        set_mask(0);
        run_command(argv, env);
    }
    if (child < 0) {
        struct {
            int step, error;
        } fault = {(int)parse(argv[3]), (int)child};
        syscall4(__NR_write, report, (long)&fault, sizeof fault, 0);
        leave(NOT_EXECUTABLE);
    }
    syscall4(__NR_close, report, 0, 0, 0);
    stay(child, leader);
}
