/* A hook's output is read to its end, however much it is, and only the beginning kept: one that floods neither fills
 * memory nor blocks. One that hangs is killed with its process group when its time is over. What it leaves running
 * does not keep anybody waiting: its own end is what is waited for. */
#include "runtime/hook.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/capability.h"
#include "kernel/seccomp.h"
#include "kernel/sys.h"

#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* The filter first, which without no_new_privs needs CAP_SYS_ADMIN (seccomp(2)). */
static int limit(const struct hook_limits *limits)
{
    int r = 0;
    if (limits && limits->filter) {
        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0)
            r = capability_raise();
        if (r == 0)
            r = seccomp_install(limits->filter);
    }
    return r == 0 && limits ? capability_apply(limits->caps) : r;
}

/* The forked child: never returns. REPORT is closed by the exec, or gets the reason why there was none. */
static _Noreturn void become(const struct hook_config *hook, const struct hook_limits *limits, const struct hook_fds *fds,
                             int kept, int report)
{
    static char *none[] = {NULL};
    char *alone[] = {(char *)hook->path, NULL};
    sigset_t nothing;
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL);
    for (int i = 1; i < NSIG; i++)
        sys_signal_default(i);
    setpgid(0, 0);
    umask(0022);
    int out = fds->output[HOOK_STDOUT], err = fds->output[HOOK_STDERR], error = 0;
    if (dup2(fds->state, 0) < 0 || dup2(out < 0 ? kept : out, 1) < 0 || dup2(err < 0 ? kept : err, 2) < 0 ||
        lseek(0, 0, SEEK_SET) < 0)
        error = -errno;
    if (error == 0)
        error = limit(limits);
    if (error == 0) {
        /* The caller's program has the caller's environment where it has none; the container's, with limits, has not. */
        execve(hook->path, hook->args && hook->args[0] ? hook->args : alone, hook->env ? hook->env : limits && limits->caps ? none : environ);
        error = -errno;
    }
    ssize_t told = write(report, &error, sizeof error);
    _exit(told < 0 ? 126 : 127);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What has come without waiting; false at the end of file. */
static bool drain(int fd, struct hook_result *result, size_t *used)
{
    char chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0) {
        size_t room = HOOK_OUTPUT - 1 - *used, kept = (size_t)n < room ? (size_t)n : room;
        memcpy(result->output + *used, chunk, kept);
        *used += kept;
    }
    return n < 0;
}

/* Until the process behind PIDFD has ended. */
static int attend(const struct hook_config *hook, pid_t pid, int pidfd, int out, struct hook_result *result)
{
    int64_t end = hook->timeout ? now_ms() + hook->timeout * 1000 : INT64_MAX;
    struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = out, .events = POLLIN}};
    size_t used = 0;
    int r = 0;
    while (!(fds[0].revents & POLLIN)) {
        int64_t left = hook->timeout ? end - now_ms() : -1;
        if (hook->timeout && left <= 0) {
            r = -ETIMEDOUT;
            kill(-pid, SIGKILL);
            sys_pidfd_send_signal(pidfd, SIGKILL);
            break;
        }
        poll(fds, COUNT(fds), left > INT32_MAX ? INT32_MAX : (int)left);
        if (fds[1].revents && !drain(out, result, &used))
            fds[1].fd = -1;
    }
    while (waitpid(pid, &result->status, __WALL) < 0 && errno == EINTR)
        ;
    drain(out, result, &used);
    return r;
}

/* A file, or one that it makes: no device, and nothing that somebody's link leads to. */
int hook_open_output(const char *path)
{
    struct stat st;
    auto_fd fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? take_fd(&fd) : -EBADFD;
}

int hook_run(const struct hook_config *hook, const struct hook_limits *limits, const struct hook_fds *fds,
             struct hook_result *result)
{
    int out[2], report[2], pidfd = -1, error = 0;
    memset(result, 0, sizeof *result);
    if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    auto_fd out_read = out[0], out_write = out[1];
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    auto_fd report_read = report[0], report_write = report[1];
    if (fcntl(out_write, F_SETFL, 0) < 0) /* the hook's end blocks */
        return -errno;
    struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
    pid_t pid = sys_clone3(&args);
    if (pid < 0)
        return pid;
    if (pid == 0)
        become(hook, limits, fds, out_write, report_write);
    auto_fd process = pidfd;
    close(take_fd(&out_write));
    close(take_fd(&report_write));
    bool executed = read(report_read, &error, sizeof error) != sizeof error;
    int r = attend(hook, pid, process, out_read, result);
    if (!executed)
        return error;
    return r < 0 ? r : result->status == 0 ? 0 : -EPROTO;
}

int hook_describe(const struct hook_config *hook, const struct hook_result *result, int error)
{
    const char *kind = text_after(hook->origin, "/hooks/");
    int status = result->status, word = kind ? (int)strcspn(kind, "/") : 0;
    if (error == -ETIMEDOUT)
        return refuse(error, "%.*s hook %s: not done after %lld s", word, kind, hook->path, (long long)hook->timeout);
    if (error != -EPROTO)
        return fail(error, "%.*s hook %s", word, kind, hook->path);
    size_t length = strlen(result->output);
    while (length && result->output[length - 1] == '\n')
        length--;
    return refuse(error, "%.*s hook failed with %s %d: %s%s%.*s", word, kind, WIFSIGNALED(status) ? "signal" : "exit code",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), hook->path, length ? ": " : "",
                  (int)length, result->output);
}
