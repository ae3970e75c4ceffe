/* The terminal travels as runc's does: one message, with the fd, over a stream socket that the caller listens on. */
#include "engine/handover.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/console.h"
#include "engine/environment.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

int handover_check(const struct config *config, const char *console_socket, bool foreground)
{
    if (config->process.terminal && !console_socket && !foreground)
        return refuse(-EINVAL, "/process/terminal: somebody has to take the terminal (give --console-socket)");
    if (!config->process.terminal && console_socket)
        return refuse(-EINVAL, "--console-socket: /process/terminal is false");
    return 0;
}

/* Who is activated is told by LISTEN_PID (sd_listen_fds(3)); engines, which do not know the runtime's pid, leave it out. */
static bool is_ours(const char *listen_pid)
{
    uint32_t pid;
    return !listen_pid || (text_to_u32(listen_pid, &pid) == 0 && pid == (uint32_t)getpid());
}

enum { FIRST_FD = 3, MOST_FDS = 1 << 20 }; /* fs.nr_open: proc_sys_fs(5) */

/* How many of COUNT fds there are up to the last that is open. */
static unsigned last_open(unsigned count)
{
    unsigned i = count < MOST_FDS ? count : MOST_FDS;
    while (i && fcntl(FIRST_FD + (int)i - 1, F_GETFD) < 0)
        i--;
    return i;
}

/* Who asks for more than are open gets those, as with crun; and none of bocal's own opens where one is missing. */
int handover_fds(struct config *config, unsigned count)
{
    const char *listen = getenv("LISTEN_FDS");
    uint32_t activated = 0;
    if (listen && is_ours(getenv("LISTEN_PID")) && text_to_u32(listen, &activated) == 0 && activated) {
        struct environment env = environment_of(config->arena, config->process.env);
        environment_append(&env, arena_printf(config->arena, "LISTEN_FDS=%u", activated));
        environment_append(&env, "LISTEN_PID=1");
        config->process.env = environment_list(&env);
    }
    unsigned there = last_open(count > activated ? count : activated);
    config->preserve_fds = there;
    unsigned closed = there < count ? count - there : 0;
    for (unsigned i = 0; i < there; i++) {
        int fd = FIRST_FD + (int)i;
        if (fcntl(fd, F_SETFD, 0) == 0)
            continue;
        closed += i < count; /* else socket activation was somebody else's */
        if (open("/dev/null", O_PATH | O_CLOEXEC) < 0)
            return fail(-errno, "--preserve-fds %u: keep fd %d free", count, fd);
    }
    if (closed)
        warn("--preserve-fds %u: %u of them are not open", count, closed);
    return 0;
}

static int send_console(int console, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return refuse(-ENAMETOOLONG, "--console-socket %.64s...: longer than a socket's path may be", path);
    memcpy(address.sun_path, path, strlen(path));
    auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 || fd_send(fd, console, "/dev/ptmx") < 0)
        return fail(-errno, "--console-socket %s", path);
    return 0;
}

int handover(struct execution *x, const char *console_socket, const char *pid_file)
{
    char pid[24];
    if (console_socket)
        TRY(send_console(x->slots[SLOT_CONSOLE], console_socket));
    snprintf(pid, sizeof pid, "%d", execution_pid(x));
    return pid_file ? file_replace(AT_FDCWD, pid_file, pid, strlen(pid), 0644) : 0;
}

int handover_wait(struct execution *x, bool terminal, struct notifier *notifier)
{
    struct console console = {
        .pidfd = x->slots[SLOT_INIT],
        .master = x->slots[SLOT_CONSOLE],
        .interactive = terminal,
        .proxy = true,
        .notifier = notifier,
        .stop_signal = SIGTERM,
        .stop_ms = 10000,
    };
    int status = console_run(&console);
    if (waitid(P_PIDFD, (id_t)console.pidfd, &(siginfo_t){0}, WEXITED | WNOHANG | __WALL) == 0 && status >= 0)
        execution_reaped(x);
    return status;
}
