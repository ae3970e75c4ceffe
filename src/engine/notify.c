/* Two processes. The receiver, a fork with no fd but two, takes the container's datagrams and lets through what a table has
 * (engine/notification.h). The runtime sends it on, for the service manager looks at who sends.
 *
 * What a container sends may have fds attached, and closing those may take hours (a TCP connection that lingers, socket(7)):
 * that falls to the receiver, who is waited for by nobody, and whose end, by SIGKILL, waits for nothing. And so nothing that
 * the container does holds up the runtime. The other way round, a manager who is slow lets the container wait, as it would without
 * a container. */
#include "engine/notify.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/environment.h"
#include "kernel/sys.h"
#include "runtime/execute.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

static const char variable[] = "NOTIFY_SOCKET";

/* ---- what the container gets ---- */

/* An absolute path that is a file's, or a name of the abstract ones: unix(7). */
static bool is_address(const char *outer)
{
    size_t n = strlen(outer), most = sizeof(((struct sockaddr_un *)0)->sun_path);
    return *outer == '@' ? n > 1 && n <= most : *outer == '/' && outer[strspn(outer, "/")] && n < most;
}

/* Where it is outside, as crun has it; what is no path, or would be too long with what follows, has a place of its own. */
static const char *place_of(const char *outer)
{
    size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof "/notify";
    return *outer == '/' && strlen(outer) <= most ? outer : "/run/notify";
}

static bool has_variable(char *const *env)
{
    for (; env && *env; env++) {
        const char *rest = text_after(*env, variable);
        if (rest && *rest == '=')
            return true;
    }
    return false;
}

void notify_decorate(struct config *config, const char *dir)
{
    static const char *const options[] = {"bind", "ro", "nosuid", "nodev", "noexec", NULL};
    struct arena *arena = config->arena;
    const char *outer = getenv(variable);
    if (!outer || !*outer || has_variable(config->process.env))
        return;
    if (!is_address(outer)) {
        warn("%s=%.120s: neither an absolute path nor an abstract name (@NAME) that a socket can have: what the container "
             "announces goes nowhere", variable, outer);
        return;
    }
    const char *place = place_of(outer);
    config->notify_dir = arena_printf(arena, "%s/notify", dir);
    struct mount_config *mounts = arena_alloc(arena, (config->n_mounts + 1) * sizeof *mounts);
    if (config->n_mounts)
        memcpy(mounts, config->mounts, config->n_mounts * sizeof *mounts);
    mounts[config->n_mounts++] = (struct mount_config){
        .destination = place,
        .type = "bind",
        .source = arena_printf(arena, "%s/" NOTIFY_INSIDE, config->notify_dir),
        .options = (char **)options,
        .closed = true,
        .origin = variable,
    };
    config->mounts = mounts;
    struct environment env = environment_of(arena, config->process.env);
    environment_append(&env, arena_printf(arena, "%s=%s/notify", variable, place));
    config->process.env = environment_list(&env);
}

int notify_listen(struct arena *arena, const char *dir)
{
    const char *outer = getenv(variable), *path = arena_printf(arena, "%s/notify/" NOTIFY_SOCKET_NAME, dir);
    if (!outer || !is_address(outer) || access(arena_printf(arena, "%s/notify", dir), F_OK) < 0)
        return NOTIFY_UNWANTED;
    int fd = unlink(path) < 0 && errno != ENOENT ? -errno : notify_bind(path);
    return fd < 0 ? fail(fd, "listen at %s", path) : fd;
}

/* ---- the receiver ---- */

/* Zero bytes are a datagram, or the end of all; who sends such gets no more through once its container ends. */
static bool is_end(int socket)
{
    struct pollfd end = {.fd = socket, .events = POLLRDHUP};
    return poll(&end, 1, 0) == 1 && end.revents & POLLRDHUP;
}

/* Without room for what is attached: the kernel closes that. */
static _Noreturn void receive(int socket, int lines)
{
    char text[NOTIFICATION_LARGEST + 1];
    for (;;) {
        ssize_t n = recv(socket, text, sizeof text, 0);
        size_t kept = n > 0 ? notification_filter(text, (size_t)n) : 0;
        if ((n < 0 && errno != EINTR) || (n == 0 && is_end(socket)))
            _exit(0);
        if (kept && send(lines, text, kept, MSG_NOSIGNAL) < 0)
            _exit(0);
    }
}

static _Noreturn void receiver_process(pid_t parent, int socket, int lines)
{
    enum { ABOVE = 64, SOCKET = 3, LINES = 4 };
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid(); /* what the terminal's user presses is the container's */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    socket = fcntl(socket, F_DUPFD, ABOVE);
    lines = fcntl(lines, F_DUPFD, ABOVE);
    if (dup2(socket, SOCKET) < 0 || dup2(lines, LINES) < 0)
        _exit(1);
    sys_close_range(0, SOCKET - 1, 0);
    sys_close_range(LINES + 1, ~0U, 0);
    receive(SOCKET, LINES);
}

int notify_begin(struct notifier *n, int socket, int64_t main_pid)
{
    int ends[2];
    pid_t parent = getpid();
    n->socket = socket;
    n->main_pid = main_pid;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fail(-errno, "create a socket pair");
    n->lines = ends[0];
    n->receiver = fork();
    if (n->receiver == 0)
        receiver_process(parent, socket, ends[1]);
    int r = n->receiver < 0 ? fail(-errno, "fork") : 0;
    close(ends[1]);
    return r;
}

/* ---- the service manager ---- */

static int connect_outer(struct notifier *n)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *outer = getenv(variable);
    size_t length = strlen(outer);
    memcpy(address.sun_path, outer, length);
    if (*outer == '@')
        address.sun_path[0] = '\0';
    cleanup_fd(&n->outer);
    n->outer = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return n->outer < 0 || connect(n->outer, (struct sockaddr *)&address, size) < 0 ? -errno : 0;
}

static int send_text(struct notifier *n)
{
    return send(n->outer, n->text, n->used, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* A manager that was started anew has another socket of that name. */
static void flush_text(struct notifier *n)
{
    int r = n->outer < 0 ? -ENOTCONN : send_text(n);
    if (r == -EAGAIN)
        return;
    if (r < 0) {
        r = connect_outer(n);
        r = r < 0 ? r : send_text(n);
    }
    if (r == -EAGAIN)
        return;
    if (r < 0 && !n->deaf)
        warn("%s=%.120s: %s: what the container announces goes nowhere", variable, getenv(variable), strerror(-r));
    n->deaf = r < 0;
    n->ready |= notification_is_ready(n->text, n->used);
    n->used = 0;
}

struct pollfd notify_watch(const struct notifier *n)
{
    if (!n)
        return (struct pollfd){.fd = -1};
    return n->used ? (struct pollfd){.fd = n->outer, .events = POLLOUT} : (struct pollfd){.fd = n->lines, .events = POLLIN};
}

static void take_lines(struct notifier *n)
{
    ssize_t size = recv(n->lines, n->text, NOTIFICATION_LARGEST, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0) {
        cleanup_fd(&n->lines);
        n->lines = -1;
        return;
    }
    n->used = (size_t)size;
    if (n->main_pid && notification_is_ready(n->text, n->used))
        n->used += (size_t)snprintf(n->text + n->used, sizeof n->text - n->used, "\nMAINPID=%" PRId64, n->main_pid);
}

void notify_take(struct notifier *n)
{
    if (!n->used)
        take_lines(n);
    if (n->used)
        flush_text(n);
}

/* ---- the end ---- */

enum { LAST_WORDS_MS = 500, BARRIER_MS = 5000 };

static bool may_wait(struct pollfd *fd, int ms)
{
    int n;
    do
        n = poll(fd, 1, ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

/* Who is gone when the manager looks for him is nobody's: sd_notify_barrier(3). One that does not know it is not waited for
 * for ever. */
static void barrier(struct notifier *n)
{
    int ends[2];
    struct pollfd room = {.fd = n->outer, .events = POLLOUT};
    if (n->deaf || !may_wait(&room, BARRIER_MS) || pipe2(ends, O_CLOEXEC) < 0)
        return;
    bool sent = fd_send(n->outer, ends[1], "BARRIER=1") == 0;
    close(ends[1]);
    struct pollfd heard = {.fd = ends[0]};
    if (sent)
        may_wait(&heard, BARRIER_MS);
    close(ends[0]);
}

void notify_await(struct notifier *n, int pidfd)
{
    bool ended = pidfd < 0;
    while (!n->ready && !ended) {
        struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, notify_watch(n)};
        if (poll(fds, COUNT(fds), -1) < 0 && errno != EINTR)
            break;
        ended = fds[0].revents != 0;
        if (fds[1].revents)
            notify_take(n);
    }
    if (ended)
        notify_end(n);
    if (n->ready)
        barrier(n);
}

/* N's socket stays open: the last who closes it may have to wait for what is in it, but for who ends. */
void notify_end(struct notifier *n)
{
    if (n->socket < 0)
        return;
    shutdown(n->socket, SHUT_RD);
    for (struct pollfd fd; n->lines >= 0 && (fd = notify_watch(n), may_wait(&fd, LAST_WORDS_MS));)
        notify_take(n);
    if (n->receiver > 0)
        kill(n->receiver, SIGKILL), waitpid(n->receiver, NULL, WNOHANG);
    n->receiver = 0;
    n->socket = -1;
}
