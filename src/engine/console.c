#include "engine/console.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "kernel/sys.h"
#include "kernel/terminal.h"

#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

/* What a shell or a supervisor sends. SIGCHLD, SIGPIPE and the synchronous ones are not passed on. */
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

/* Holds nothing but the terminal and the pipe. Restores when bocal died without a word. */
static _Noreturn void guard_process(int alive, const struct termios *saved)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* SIGTTOU among them: it may be in the background */
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
    if (n == 0)
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

struct flow {
    size_t used;
    char bytes[16384];
};

struct relay {
    struct console *console;
    struct guard guard;
    int signals;
    uint64_t deadline; /* 0: none */
    bool stopping, input_open, ended;
    int status;
    struct flow in, out;
    unsigned interrupts; /* Ctrl-C without a terminal: the third within two seconds kills */
    uint64_t first_interrupt;
};

/* Writes what is there; keeps what does not go through now. */
static int flow_drain(struct flow *flow, int fd)
{
    while (flow->used) {
        ssize_t n = write(fd, flow->bytes, flow->used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        flow->used -= (size_t)n;
        memmove(flow->bytes, flow->bytes + n, flow->used);
    }
    return 0;
}

/* 0 at the end of the stream. */
static ssize_t flow_fill(struct flow *flow, int fd)
{
    ssize_t n = read(fd, flow->bytes + flow->used, sizeof flow->bytes - flow->used);
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

/* bocal is stopped from outside (kill -TSTP): the terminal is the shell's meanwhile. */
static void stop_self(struct relay *relay)
{
    if (relay->guard.raw)
        terminal_restore(STDIN_FILENO, &relay->guard.saved);
    raise(SIGSTOP);
    struct termios ignored;
    if (relay->guard.raw)
        terminal_raw(STDIN_FILENO, &ignored);
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
    if (number == SIGWINCH && relay->console->master >= 0) {
        terminal_copy_size(STDIN_FILENO, relay->console->master);
        return;
    }
    if (number == SIGTSTP) {
        sys_pidfd_send_signal(relay->console->pidfd, SIGTSTP);
        stop_self(relay);
        return;
    }
    if (!relay->console->proxy && number != SIGCONT && number != SIGWINCH) {
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

/* What a process that outlives the first one still writes is not waited for. */
static void take_last_output(struct relay *relay)
{
    if (relay->console->master < 0)
        return;
    for (;;) {
        struct pollfd ready = {.fd = relay->console->master, .events = POLLIN};
        if (poll(&ready, 1, 0) <= 0 || !(ready.revents & POLLIN) ||
            flow_fill(&relay->out, relay->console->master) <= 0 ||
            fd_write_all(STDOUT_FILENO, relay->out.bytes, relay->out.used) < 0)
            return;
        relay->out.used = 0;
    }
}

static void end_input(struct relay *relay)
{
    static const char end_of_file = 4; /* VEOF, as typed */
    relay->input_open = false;
    if (!relay->guard.raw && relay->in.used < sizeof relay->in.bytes)
        relay->in.bytes[relay->in.used++] = end_of_file;
}

static int relay_terminal(struct relay *relay, const struct pollfd *fds)
{
    int master = relay->console->master;
    if (fds[2].revents && flow_fill(&relay->in, STDIN_FILENO) <= 0)
        end_input(relay);
    if (fds[3].revents & POLLIN)
        flow_fill(&relay->out, master);
    if (flow_drain(&relay->in, master) < 0)
        relay->in.used = 0;
    int r = flow_drain(&relay->out, STDOUT_FILENO);
    return r < 0 ? fail(r, "write to standard output") : 0;
}

static int wait_time(const struct relay *relay)
{
    if (!relay->deadline)
        return -1;
    uint64_t now = now_ms();
    uint64_t left = relay->deadline > now ? relay->deadline - now : 0;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

static int relay_once(struct relay *relay)
{
    int master = relay->console->master;
    bool room = relay->in.used < sizeof relay->in.bytes / 2;
    struct pollfd fds[] = {
        {.fd = relay->console->pidfd, .events = POLLIN},
        {.fd = relay->signals, .events = POLLIN},
        {.fd = master >= 0 && relay->input_open && room ? STDIN_FILENO : -1, .events = POLLIN},
        {.fd = master, .events = (short)(POLLIN | (relay->in.used ? POLLOUT : 0))},
    };
    int n = poll(fds, COUNT(fds), wait_time(relay));
    if (n < 0 && errno != EINTR)
        return fail(-errno, "poll");
    if (relay->deadline && now_ms() >= relay->deadline) {
        relay->console->timed_out |= !relay->stopping;
        begin_stop(relay);
    }
    if (n <= 0)
        return 0;
    if (fds[1].revents)
        take_signal(relay);
    if (master >= 0)
        TRY(relay_terminal(relay, fds));
    return fds[0].revents ? take_end(relay) : 0;
}

int console_run(struct console *console)
{
    sigset_t set;
    proxied_set(&set);
    auto_fd signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return fail(-errno, "create a signalfd");
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return fail(-ENOMEM, "supervise");
    auto_free struct relay *owner = relay;
    *relay = (struct relay){.console = console, .guard = {.alive = -1}, .signals = signals,
                            .input_open = console->interactive};
    if (console->timeout_ms)
        relay->deadline = now_ms() + console->timeout_ms;
    int r = 0;
    if (console->master >= 0) {
        terminal_copy_size(STDIN_FILENO, console->master);
        fcntl(console->master, F_SETFL, O_NONBLOCK);
        if (console->interactive)
            r = guard_start(&relay->guard);
    }
    while (r == 0 && !relay->ended)
        r = relay_once(relay);
    if (r == 0)
        take_last_output(relay);
    guard_end(&relay->guard);
    (void)owner;
    return r < 0 ? r : relay->status;
}
