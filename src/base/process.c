#include "base/process.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

/* IN: -1 for none. */
static int spawn(char *const *argv, int in, int out, int err, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    int r = in < 0 ? posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
                   : posix_spawn_file_actions_adddup2(&actions, in, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, err, 2);
    if (r == 0)
        r = posix_spawn(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* What comes from FD until its end, or the first newline when LINE; at most SIZE - 1 bytes are kept, without the last
 * newlines. Returns how many came. */
static size_t read_text(int fd, bool line, char *text, size_t size)
{
    size_t used = 0;
    for (ssize_t n = 1; (n > 0 || (n < 0 && errno == EINTR)) && !(line && memchr(text, '\n', used)); used += n > 0 ? (size_t)n : 0)
        n = read(fd, text + used, size - 1 - used);
    size_t all = used;
    while (used && text[used - 1] == '\n')
        used--;
    text[used] = '\0';
    return all;
}

/* Runs ARGV with OUT as its output, or what it says as an error; at most SIZE - 1 bytes of that are kept. */
static int run(char *const *argv, bool both, char *text, size_t size)
{
    int ends[2], status = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(-errno, "run %s", argv[0]);
    auto_fd out = ends[0];
    auto_fd in = ends[1];
    int r = spawn(argv, -1, in, both ? in : STDERR_FILENO, &pid);
    if (r < 0)
        return fail(r, "run %s", argv[0]);
    close(take_fd(&in));
    read_text(out, false, text, size);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int failed(char *const *argv, const char *text)
{
    return refuse(-EPERM, "%s: %s", base_name(argv[0]), *text ? text : "failed and did not say why");
}

const char *process_find(struct arena *arena, const char *name)
{
    static const char *const places[] = {"/usr/bin", "/bin", "/usr/local/bin",
                                         "/run/wrappers/bin", "/usr/sbin",
                                         "/sbin"};
    for (size_t i = 0; i < COUNT(places); i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", places[i], name);
        if (access(path, X_OK) == 0)
            return arena_strdup(arena, path);
    }
    return NULL;
}

int process_run(char *const *argv)
{
    char text[512];
    int status = run(argv, true, text, sizeof text);
    return status <= 0 ? status : failed(argv, text);
}

int process_hold(char *const *argv, struct held_process *held)
{
    char text[512];
    int input[2], output[2];
    if (pipe2(input, O_CLOEXEC) < 0)
        return fail(-errno, "run %s", argv[0]);
    auto_fd theirs = input[0];
    auto_fd mine = input[1];
    if (pipe2(output, O_CLOEXEC) < 0)
        return fail(-errno, "run %s", argv[0]);
    auto_fd out = output[0];
    auto_fd in = output[1];
    int r = spawn(argv, theirs, in, in, &held->pid);
    if (r < 0)
        return fail(r, "run %s", argv[0]);
    close(take_fd(&in));
    if (read_text(out, true, text, sizeof text) && !*text) {
        held->input = take_fd(&mine);
        return 0;
    }
    kill(held->pid, SIGKILL);
    while (waitpid(held->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return failed(argv, text);
}

int process_read(char *const *argv, char **text)
{
    enum { LARGEST = 4 << 20 };
    auto_free char *buffer = malloc(LARGEST);
    if (!buffer)
        return fail(-ENOMEM, "run %s", argv[0]);
    int status = run(argv, false, buffer, LARGEST);
    if (status > 0)
        return refuse(-EPERM, "%s: failed", base_name(argv[0]));
    TRY(status);
    *text = take_ptr(&buffer);
    return 0;
}

/* proc_pid_stat(5): "PID (COMM) STATE ..."; COMM may hold blanks and brackets, so from the last bracket on. */
int process_stat(int64_t pid, uint64_t *start_time, char *state)
{
    enum { START_TIME = 22, STATE = 3 };
    char path[48], text[1024];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0)
        return -ESRCH;
    text[n] = '\0';
    char *rest = strrchr(text, ')'), *save = NULL;
    int number = STATE;
    for (char *word = rest ? strtok_r(rest + 1, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save), number++) {
        if (number == STATE)
            *state = *word;
        if (number == START_TIME)
            return text_to_u64(word, UINT64_MAX, start_time);
    }
    return -ESRCH;
}

uint64_t process_ignored_signals(void)
{
    char text[4096];
    auto_fd fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, "\nSigIgn:\t");
    return line ? strtoull(line + strlen("\nSigIgn:\t"), NULL, 16) : UINT64_MAX;
}

bool process_in_userns(void)
{
    char text[64] = "";
    unsigned inside = 1, outside = 1, count = 0;
    auto_fd fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    return n <= 0 || sscanf(text, "%u %u %u", &inside, &outside, &count) != 3 || inside || outside || count != UINT32_MAX;
}

pid_t process_behind(int pidfd)
{
    char path[48], text[512];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, "\nPid:\t");
    return line ? (pid_t)strtol(line + 6, NULL, 10) : -1;
}
