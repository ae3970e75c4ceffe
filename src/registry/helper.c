/* Credential helpers: programs that keep passwords elsewhere, and are told get, store, erase. They write at most 64 KiB; who takes longer than a minute is
 * ended. "credentials not found in native keychain" is the protocol's way to say that there is nothing. */
#include "registry/credentials.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"
#include "registry/header.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

enum { OUTPUT_MOST = 64 << 10, PATIENCE_SECONDS = 60 };

extern char **environ;

struct reply {
    const char *user, *secret;
};

/* Starts PROGRAM, found in PATH, with these ends as its standard input and output. */
static int start(const char *program, const char *verb, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* which we ignore */
    if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attributes) != 0)
        return -ENOMEM;
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int r = posix_spawnp(pid, program, &actions, &attributes, (char *[]){(char *)program, (char *)verb, NULL}, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -r;
}

/* All that comes from FD, at most OUTPUT_MOST - 1 bytes, NUL-terminated. -ETIMEDOUT, -EFBIG. */
static int read_reply(int fd, char *text)
{
    time_t until = time(NULL) + PATIENCE_SECONDS;
    for (size_t used = 0;;) {
        int64_t left = (int64_t)until - time(NULL);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, left > 0 ? (int)left * 1000 : 0);
        if (ready == 0)
            return -ETIMEDOUT;
        ssize_t n = ready < 0 ? -1 : read(fd, text + used, OUTPUT_MOST - 1 - used);
        if (n < 0 && errno != EINTR)
            return -errno;
        used += n > 0 ? (size_t)n : 0;
        text[used] = '\0';
        if (n == 0)
            return 0;
        if (used == OUTPUT_MOST - 1)
            return -EFBIG;
    }
}

/* Runs it with INPUT; *STATUS as waitpid(2) has it. */
static int converse(const char *program, const char *verb, const char *input_text, char *text, int *status)
{
    int input[2], output[2];
    pid_t pid;
    if (pipe2(input, O_CLOEXEC) < 0)
        return -errno;
    auto_fd theirs_in = input[0];
    auto_fd mine_in = input[1];
    if (pipe2(output, O_CLOEXEC) < 0)
        return -errno;
    auto_fd mine_out = output[0];
    auto_fd theirs_out = output[1];
    TRY(start(program, verb, theirs_in, theirs_out, &pid));
    close(take_fd(&theirs_out));
    close(take_fd(&theirs_in));
    fd_write_all(mine_in, input_text, strlen(input_text));
    close(take_fd(&mine_in));
    int r = read_reply(mine_out, text);
    if (r < 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
    return r;
}

static int use_reply(struct arena *arena, const char *program, const char *text, struct credentials *found)
{
    static const struct json_field fields[] = {
        {"Username", json_string, offsetof(struct reply, user)},
        {"Secret", json_string, offsetof(struct reply, secret)},
        {NULL, NULL, 0},
    };
    struct reply reply = {0};
    TRY(json_read(arena, text, strlen(text), program, fields, &reply));
    if (!reply.user || !reply.secret)
        return refuse(-EINVAL, "%s: says neither Username nor Secret", program);
    bool token = text_equal(reply.user, "<token>");
    *found = (struct credentials){.from = program, .user = token ? NULL : reply.user,
                                  .secret = token ? NULL : reply.secret, .identity = token ? reply.secret : NULL};
    return 0;
}

/* What it says in TEXT, and 1; 0 where it says that there is nothing. */
static int call(struct arena *arena, const char *name, const char *verb, const char *input, const char **program, char **text)
{
    int status = 0;
    if (strchr(name, '/') || !header_safe(name, 64))
        return refuse(-EINVAL, "%.80s: not the name of a credential helper", name);
    *program = arena_printf(arena, "docker-credential-%s", name);
    *text = arena_alloc(arena, OUTPUT_MOST);
    int r = converse(*program, verb, input, *text, &status);
    if (r == -ENOENT || r == -EACCES) /* the latter also where PATH has directories that are closed to us */
        return remedy(refuse(r, "no credential helper %s in PATH can be run", *program),
                      "install it, or take it out of the file");
    if (r < 0)
        return fail(r, "%s", *program);
    if (status == 0)
        return 1;
    (*text)[strcspn(*text, "\r\n")] = '\0';
    if (strstr(*text, "credentials not found"))
        return 0;
    return refuse(-EPERM, "%s: %.300s", *program, **text ? *text : "failed and did not say why");
}

int credentials_ask(struct arena *arena, const char *name, const char *host, struct credentials *found)
{
    const char *program;
    char *text;
    int r = call(arena, name, "get", host, &program, &text);
    return r == 1 ? use_reply(arena, program, text, found) : r;
}

static void encode_credentials(const void *data, struct json_writer *json)
{
    static const char *const keys[] = {"ServerURL", "Username", "Secret"};
    const char *const *values = data;
    json_begin_object(json, NULL);
    for (size_t i = 0; i < COUNT(keys); i++)
        json_put_string(json, keys[i], values[i]);
    json_end_object(json);
}

static bool is_utf8(const char *text)
{
    for (int n; *text; text += n)
        if ((n = text_utf8_length(text)) == 0)
            return false;
    return true;
}

int credentials_store(struct arena *arena, const char *name, const char *host, const char *user, const char *secret)
{
    const char *values[] = {host, user, secret}, *program;
    auto_free char *input = NULL;
    char *text;
    size_t length;
    if (!is_utf8(user) || !is_utf8(secret))
        return refuse(-EILSEQ, "docker-credential-%.64s takes UTF-8 only, which name and password are not", name);
    TRY(json_write_text(encode_credentials, values, &input, &length));
    int r = call(arena, name, "store", input, &program, &text);
    return r == 0 ? refuse(-EPERM, "%s: %.300s", program, text) : r < 0 ? r : 0;
}

int credentials_erase(struct arena *arena, const char *name, const char *host)
{
    const char *program;
    char *text;
    return call(arena, name, "erase", host, &program, &text);
}
