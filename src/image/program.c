/* Running bocal's own programs, and listening to them. Their output is at most 16 KB a line, and of what they say as an error
 * 512 bytes are kept: they parse what strangers made, and are not trusted either. */
#include "image/program.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "kernel/sys.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

/* Beside the executable, as it is built; else where it is installed. BOCAL_LIBEXEC says otherwise. */
static const char *find_program(struct arena *arena, const char *name)
{
    char self[PATH_MAX];
    const char *said = getenv("BOCAL_LIBEXEC");
    if (said && *said == '/')
        return arena_printf(arena, "%s/%s", said, name);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) {
        *slash = '\0';
        const char *beside = arena_printf(arena, "%s/%s", self, name);
        if (access(beside, X_OK) == 0)
            return beside;
    }
    return arena_printf(arena, "%s/%s", BOCAL_LIBEXEC_DIR, name);
}

/* ---- starting ---- */

/* The fds, moved above all their targets: a dup2(2) to 3 must not close what is still to become 4. */
struct moved {
    int fds[PROGRAM_MOST_FDS + 3]; /* fds[i] becomes i */
    size_t count;
};

static void cleanup_moved(struct moved *moved)
{
    for (size_t i = 0; i < moved->count; i++)
        cleanup_fd(&moved->fds[i]);
}

static int move(struct moved *moved, int fd, size_t above)
{
    int r = fcntl(fd, F_DUPFD_CLOEXEC, (int)above);
    if (r < 0)
        return -errno;
    moved->fds[moved->count++] = r;
    return 0;
}

static int spawn(const char *path, char *const *argv, const struct moved *moved, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int r = 0;
    for (size_t i = 0; i < moved->count && r == 0; i++)
        r = posix_spawn_file_actions_adddup2(&actions, moved->fds[i], (int)i);
    if (r == 0)
        r = posix_spawn(pid, path, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -r;
}

static const char **words_of(struct arena *arena, const char *name, const char *const *words)
{
    size_t n = text_count((char *const *)words);
    const char **argv = arena_alloc(arena, (n + 2) * sizeof *argv);
    argv[0] = name;
    memcpy(argv + 1, words, n * sizeof *argv);
    return argv;
}

int program_start(struct arena *arena, const struct program_call *call, struct program *program)
{
    __attribute__((cleanup(cleanup_moved))) struct moved moved = {.count = 0};
    int out[2], err[2];
    *program = (struct program){.name = call->name, .out = -1, .err = -1, .pidfd = -1};
    if (call->n_fds > PROGRAM_MOST_FDS)
        return refuse(-E2BIG, "%s: %zu directories at once", call->name, call->n_fds);
    auto_fd nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || pipe2(out, O_CLOEXEC) < 0)
        return fail(-errno, "run %s", call->name);
    auto_fd told = out[1];
    program->out = out[0];
    if (pipe2(err, O_CLOEXEC) < 0) {
        int error = -errno;
        program_end(program);
        return fail(error, "run %s", call->name);
    }
    auto_fd said = err[1];
    program->err = err[0];
    size_t above = call->n_fds + 3;
    int r = move(&moved, call->input < 0 ? nothing : call->input, above);
    if (r == 0)
        r = move(&moved, call->output < 0 ? told : call->output, above);
    if (r == 0)
        r = move(&moved, said, above);
    for (size_t i = 0; i < call->n_fds && r == 0; i++)
        r = move(&moved, call->fds[i], above);
    const char *path = find_program(arena, call->name);
    if (r == 0)
        r = spawn(path, (char *const *)words_of(arena, call->name, call->words), &moved, &program->pid);
    if (r == 0)
        r = program->pidfd = sys_pidfd_open(program->pid);
    if (r >= 0)
        return 0;
    program_end(program);
    fail(r, "run %s", path);
    return r == -ENOENT ? remedy(r, "it belongs to bocal: install it again") : r;
}

/* ---- listening ---- */

static int hear_line(char *line, program_listener *each, void *data)
{
    auto_json *object = json_tokener_parse(line);
    return object && each ? each(object, data) : 0;
}

/* Whole lines; one that is longer than the buffer ends the matter. */
static int hear(struct program *p, program_listener *each, void *data)
{
    char *begin = p->line;
    for (char *newline; (newline = memchr(begin, '\n', p->n_line - (size_t)(begin - p->line))); begin = newline + 1) {
        *newline = '\0';
        TRY(hear_line(begin, each, data));
    }
    p->n_line -= (size_t)(begin - p->line);
    memmove(p->line, begin, p->n_line);
    return p->n_line < sizeof p->line ? 0 : refuse(-EMSGSIZE, "%s: a line of 16 KB", p->name);
}

/* What there is to read, once: false at the end. */
static bool take(int *fd, char *text, size_t size, size_t *used)
{
    char rest[512];
    bool full = *used == size;
    ssize_t n = read(*fd, full ? rest : text + *used, full ? sizeof rest : size - *used);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n <= 0)
        close(take_fd(fd));
    else if (!full)
        *used += (size_t)n;
    return n > 0;
}

static bool is_ready(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

/* How it ended. */
static int ended(struct program *p)
{
    int status = 0;
    pid_t waited;
    while ((waited = waitpid(p->pid, &status, 0)) < 0 && errno == EINTR)
        ;
    p->pid = 0;
    if (waited < 0)
        return refuse(-EIO, "%s: how it ended is not known", p->name);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == PROGRAM_PARENTS)
        return PROGRAM_PARENTS;
    p->error[p->n_error < sizeof p->error ? p->n_error : sizeof p->error - 1] = '\0';
    p->error[strcspn(p->error, "\n")] = '\0';
    if (WIFSIGNALED(status))
        return refuse(-EIO, "%s: killed by signal %d", p->name, WTERMSIG(status));
    return *p->error ? refuse(-EIO, "%s", p->error) : refuse(-EIO, "%s: failed and did not say why", p->name);
}

/* What its own helpers have of its pipes may stay open for ever: it ends when it ends, and what it had said by then was read. */
int program_read(struct program *p, program_listener *each, void *data)
{
    enum { MOST = 64 };
    bool over = is_ready(p->pidfd);
    for (int i = 0; i < MOST && is_ready(p->err); i++)
        take(&p->err, p->error, sizeof p->error, &p->n_error);
    while (is_ready(p->out)) {
        if (!take(&p->out, p->line, sizeof p->line, &p->n_line))
            break;
        int r = hear(p, each, data);
        if (r < 0) {
            program_end(p);
            return r;
        }
    }
    return over ? ended(p) : 0;
}

int program_poll(struct program *const *programs, size_t count, int timeout)
{
    struct pollfd fds[3 * count + 1];
    for (size_t i = 0; i < count; i++) {
        const struct program *p = programs[i];
        bool runs = p->pid > 0;
        fds[3 * i] = (struct pollfd){.fd = runs ? p->out : -1, .events = POLLIN};
        fds[3 * i + 1] = (struct pollfd){.fd = runs ? p->err : -1, .events = POLLIN};
        fds[3 * i + 2] = (struct pollfd){.fd = runs ? p->pidfd : -1, .events = POLLIN};
    }
    return poll(fds, 3 * count, timeout) < 0 && errno != EINTR ? fail(-errno, "wait for %s", programs[0]->name) : 0;
}

int program_run(struct arena *arena, const struct program_call *call, program_listener *each, void *data)
{
    struct program program;
    int r = program_start(arena, call, &program);
    while (r == 0) {
        r = program_poll(&(struct program *){&program}, 1, -1);
        if (r == 0)
            r = program_read(&program, each, data);
    }
    program_end(&program);
    return r == 1 ? 0 : r;
}

void program_end(struct program *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        p->pid = 0;
    }
    cleanup_fd(&p->out);
    cleanup_fd(&p->err);
    cleanup_fd(&p->pidfd);
    p->out = p->err = p->pidfd = -1;
}
