#include "engine/console.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/notify.h"
#include "kernel/sys.h"
#include "kernel/terminal.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

/* What a shell or a supervisor sends. SIGCHLD, SIGPIPE and the synchronous ones are not passed
 * on. */
static const int proxied[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT,
                              SIGWINCH, SIGTSTP};

static void proxied_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < COUNT(proxied); i++)
        sigaddset(set, proxied[i]);
}

void console_block_signals(void)
{
    sigset_t set;
    proxied_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- the terminal and its guard ---- */

struct guard {
    bool raw;
    struct termios saved;
    int alive; /* the guard's pipe: closed by bocal's death, or written to by its orderly end */
    pid_t pid;
};

/* Raw as bocal leaves it: a shell that has the terminal back, and edits its line, keeps ISIG. */
static bool is_raw(int terminal)
{
    struct termios now;
    return tcgetattr(terminal, &now) == 0 && !(now.c_lflag & (ICANON | ECHO | ISIG));
}

/* Holds nothing but the terminal and the pipe. Restores when bocal died without a word. A
 * session of its own outlives a kill of bocal's whole group, and may set a terminal that it is
 * not in the foreground of. */
static _Noreturn void guard_process(int alive, const struct termios *saved)
{
    setsid();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    enum { ABOVE = 64, PIPE = 3, TERMINAL = 4 };
    int pipe_end = fcntl(alive, F_DUPFD, ABOVE), terminal = fcntl(STDIN_FILENO, F_DUPFD, ABOVE);
    if (dup2(pipe_end, PIPE) < 0 || dup2(terminal, TERMINAL) < 0)
        _exit(1);
    sys_close_range(0, PIPE - 1, 0);
    sys_close_range(TERMINAL + 1, ~0U, 0);
    char word;
    ssize_t n;
    do
        n = read(PIPE, &word, 1);
    while (n < 0 && errno == EINTR);
    if (n == 0 && is_raw(TERMINAL))
        terminal_restore(TERMINAL, saved);
    _exit(0);
}

static int guard_start(struct guard *guard)
{
    int ends[2];
    if (tcgetattr(STDIN_FILENO, &guard->saved) < 0)
        return 0; /* not a terminal: nothing to guard */
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(-errno, "create a pipe");
    guard->pid = fork();
    if (guard->pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return fail(-errno, "fork");
    }
    if (guard->pid == 0) {
        close(ends[1]);
        guard_process(ends[0], &guard->saved);
    }
    close(ends[0]);
    guard->alive = ends[1];
    struct termios ignored;
    guard->raw = terminal_raw(STDIN_FILENO, &ignored) == 0;
    return 0;
}

static void guard_end(struct guard *guard)
{
    if (guard->raw)
        terminal_restore(STDIN_FILENO, &guard->saved);
    if (guard->alive >= 0 && write(guard->alive, "k", 1) == 1)
        guard->raw = false;
    cleanup_fd(&guard->alive);
    guard->alive = -1;
    if (guard->pid > 0)
        waitpid(guard->pid, NULL, 0);
    guard->pid = 0;
}

/* ---- relaying ---- */

enum { FLOW_SIZE = 16384 };

struct flow {
    size_t used;
    char *bytes; /* FLOW_SIZE; NULL where there is no terminal to relay */
};

struct relay {
    struct console *console;
    struct guard guard;
    int signals;
    uint64_t deadline; /* 0: none */
    bool stopping, input_open;
    bool ended, drained; /* the first process; and then its last output */
    bool hung_up;        /* nobody in the container has the terminal open at the moment */
    bool midline;        /* the input so far does not end a line */
    int status;
    size_t late; /* bytes that came after the end */
    struct flow in, out;
    unsigned interrupts; /* Ctrl-C without a terminal: the third within two seconds kills */
    uint64_t first_interrupt;
};

/* Writes some of it to an FD that poll(2) calls ready: as much as a pipe then takes without
 * blocking, pipe(7). The rest stays. */
static int flow_drain(struct flow *flow, int fd)
{
    ssize_t n = write(fd, flow->bytes, flow->used < PIPE_BUF ? flow->used : PIPE_BUF);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    flow->used -= (size_t)n;
    memmove(flow->bytes, flow->bytes + n, flow->used);
    return 0;
}

static bool flow_has_room(const struct flow *flow)
{
    return flow->used < FLOW_SIZE / 2;
}

/* 0 at the end of the stream. */
static ssize_t flow_fill(struct flow *flow, int fd)
{
    ssize_t n = read(fd, flow->bytes + flow->used, FLOW_SIZE - flow->used);
    if (n > 0)
        flow->used += (size_t)n;
    return n < 0 && (errno == EINTR || errno == EAGAIN) ? 1 : n;
}

static void begin_stop(struct relay *relay)
{
    sys_pidfd_send_signal(relay->console->pidfd,
                          relay->stopping ? SIGKILL : relay->console->stop_signal);
    relay->deadline = relay->stopping ? 0 : now_ms() + relay->console->stop_ms;
    relay->stopping = true;
}

/* bocal is stopped (Ctrl-Z without --tty, or kill -TSTP): the command as well, and the terminal
 * is the shell's meanwhile. */
static void suspend(struct relay *relay)
{
    sys_pidfd_send_signal(relay->console->pidfd, SIGTSTP);
    if (relay->guard.raw)
        terminal_restore(STDIN_FILENO, &relay->guard.saved);
    raise(SIGSTOP);
}

/* Also after a SIGSTOP, which cannot be caught. */
static void resume(struct relay *relay)
{
    struct termios ignored;
    if (relay->guard.raw)
        terminal_raw(STDIN_FILENO, &ignored);
    if (relay->console->master >= 0)
        terminal_copy_size(STDIN_FILENO, relay->console->master);
    sys_pidfd_send_signal(relay->console->pidfd, SIGCONT);
}

static void count_interrupt(struct relay *relay)
{
    enum { WITHIN_MS = 2000, KILLS = 3 };
    uint64_t now = now_ms();
    if (!relay->interrupts || now - relay->first_interrupt > WITHIN_MS) {
        relay->interrupts = 0;
        relay->first_interrupt = now;
    }
    if (++relay->interrupts == KILLS)
        sys_pidfd_send_signal(relay->console->pidfd, SIGKILL);
}

static void take_signal(struct relay *relay)
{
    struct signalfd_siginfo info;
    if (read(relay->signals, &info, sizeof info) != sizeof info)
        return;
    int number = (int)info.ssi_signo;
    switch (number) {
    case SIGTSTP:
        suspend(relay);
        return;
    case SIGCONT:
        resume(relay);
        return;
    case SIGWINCH:
        if (relay->console->master >= 0)
            terminal_copy_size(STDIN_FILENO, relay->console->master);
        else
            sys_pidfd_send_signal(relay->console->pidfd, number);
        return;
    }
    if (relay->ended) {
        relay->drained = true; /* the user does not wait for whoever does not read the output */
        return;
    }
    if (!relay->console->proxy) {
        begin_stop(relay); /* not passed on: it ends the container in good order */
        return;
    }
    sys_pidfd_send_signal(relay->console->pidfd, number);
    if (number == SIGINT)
        count_interrupt(relay);
}

static int take_end(struct relay *relay)
{
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)relay->console->pidfd, &info, WEXITED | WNOWAIT | __WALL) < 0)
        return fail(-errno, "wait for the container");
    relay->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    relay->ended = true;
    return 0;
}

/* The end of a file or pipe is typed as the terminal's VEOF, if it has one now; in the middle of
 * a line the first only ends the line, termios(3). */
static void end_input(struct relay *relay)
{
    struct termios now;
    struct flow *in = &relay->in;
    relay->input_open = false;
    if (relay->guard.raw || tcgetattr(relay->console->master, &now) < 0 || !(now.c_lflag & ICANON))
        return;
    for (int times = relay->midline ? 2 : 1; times; times--)
        in->bytes[in->used++] = (char)now.c_cc[VEOF];
}

static void take_input(struct relay *relay)
{
    if (flow_fill(&relay->in, STDIN_FILENO) <= 0)
        end_input(relay);
    else if (relay->in.used)
        relay->midline = relay->in.bytes[relay->in.used - 1] != '\n';
}

/* After the end comes what the pseudo-terminal held, a few pages; a process that outlives the
 * first one (with the host's pid namespace) and goes on writing is not waited for. */
static bool wants_output(const struct relay *relay)
{
    enum { HELD_AT_MOST = 1 << 18 };
    return flow_has_room(&relay->out) && relay->late < HELD_AT_MOST;
}

static void take_output(struct relay *relay, const struct pollfd *master)
{
    size_t before = relay->out.used;
    if (master->revents & POLLIN)
        flow_fill(&relay->out, master->fd);
    relay->late += relay->ended ? relay->out.used - before : 0;
    relay->hung_up = (master->revents & (POLLHUP | POLLIN)) == POLLHUP;
    relay->drained |= relay->ended && !relay->out.used && !(master->revents & POLLIN);
}

static int relay_terminal(struct relay *relay, const struct pollfd *input,
                          const struct pollfd *master, const struct pollfd *output)
{
    if (input->revents)
        take_input(relay);
    if (master->revents & POLLOUT && flow_drain(&relay->in, relay->console->master) < 0)
        relay->in.used = 0;
    if (output->revents) {
        int r = flow_drain(&relay->out, STDOUT_FILENO);
        if (r < 0)
            return fail(r, "write to standard output");
    }
    take_output(relay, master);
    return 0;
}

/* Milliseconds for poll(2), -1: for ever. A terminal that nobody has open is looked at from time
 * to time: poll(2) would return at once, and somebody may open it again. */
static int wait_time(const struct relay *relay)
{
    enum { LOOK_AGAIN_MS = 100 };
    if (relay->ended && !relay->out.used)
        return 0;
    uint64_t left = relay->hung_up && !relay->ended ? LOOK_AGAIN_MS : UINT64_MAX;
    if (relay->deadline && !relay->ended) {
        uint64_t now = now_ms(), rest = relay->deadline > now ? relay->deadline - now : 0;
        left = rest < left ? rest : left;
    }
    return left == UINT64_MAX ? -1 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static void check_deadline(struct relay *relay)
{
    if (relay->ended || !relay->deadline || now_ms() < relay->deadline)
        return;
    relay->console->timed_out |= !relay->stopping;
    begin_stop(relay);
}

static int relay_once(struct relay *relay)
{
    int master = relay->console->master;
    bool reading = master >= 0 && relay->input_open && !relay->ended && flow_has_room(&relay->in);
    bool watching = !relay->hung_up || relay->ended;
    int events = (wants_output(relay) ? POLLIN : 0) | (relay->in.used ? POLLOUT : 0);
    struct pollfd fds[] = {
        {.fd = relay->ended ? -1 : relay->console->pidfd, .events = POLLIN},
        {.fd = relay->signals, .events = POLLIN},
        {.fd = reading ? STDIN_FILENO : -1, .events = POLLIN},
        {.fd = watching && events ? master : -1, .events = (short)events},
        {.fd = relay->out.used ? STDOUT_FILENO : -1, .events = POLLOUT},
        notify_watch(relay->console->notifier),
    };
    int n = poll(fds, COUNT(fds), wait_time(relay));
    if (n < 0)
        return errno == EINTR ? 0 : fail(-errno, "poll");
    check_deadline(relay);
    if (fds[1].revents)
        take_signal(relay);
    if (master >= 0)
        TRY(relay_terminal(relay, &fds[2], &fds[3], &fds[4]));
    if (fds[5].revents)
        notify_take(relay->console->notifier);
    return fds[0].revents ? take_end(relay) : 0;
}

int console_run(struct console *console)
{
    sigset_t set;
    proxied_set(&set);
    auto_fd signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return fail(-errno, "create a signalfd");
    auto_free char *buffers = console->master >= 0 ? malloc(2 * FLOW_SIZE) : NULL;
    if (console->master >= 0 && !buffers)
        return fail(-ENOMEM, "supervise");
    struct relay one = {.console = console, .guard = {.alive = -1}, .signals = signals,
                        .input_open = console->interactive, .in.bytes = buffers}, *relay = &one;
    relay->out.bytes = buffers ? buffers + FLOW_SIZE : NULL;
    if (console->timeout_ms)
        relay->deadline = now_ms() + console->timeout_ms;
    int r = 0;
    if (console->master >= 0) {
        terminal_copy_size(STDIN_FILENO, console->master);
        fcntl(console->master, F_SETFL, O_NONBLOCK);
        if (console->interactive)
            r = guard_start(&relay->guard);
    }
    while (r == 0 && !(relay->ended && (relay->drained || console->master < 0)))
        r = relay_once(relay);
    guard_end(&relay->guard);
    return r < 0 ? r : relay->status;
}
