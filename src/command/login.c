/* `bocal login`: a name and a password, tried at a registry, and written down. */
#include "command/login.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "command/ask.h"
#include "command/registry_options.h"
#include "image/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ANSWER_MOST = 4096, SECRET_MOST = 60 << 10 };

struct login_options {
    const char *user, *password;
    struct registry_access access;
    bool from_stdin;
};

static const struct option options[] = {
    {.group = "Options",
     .name = "username", .letter = 'u', .kind = OPTION_TEXT, .metavar = "USER", .offset = offsetof(struct login_options, user),
     .help = "the name; else it is asked for"},
    {.name = "password-stdin", .kind = OPTION_FLAG, .offset = offsetof(struct login_options, from_stdin),
     .help = "read the password from standard input"},
    {.name = "password", .letter = 'p', .kind = OPTION_TEXT, .metavar = "PASSWORD", .offset = offsetof(struct login_options, password),
     .help = "the password: everybody on this machine can read it while bocal runs"},
    REGISTRY_AUTHFILE(struct login_options, "write into this file; else where something is said of HOST already, or into Podman's"),
    REGISTRY_NETWORK(struct login_options),
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "login",
    .synopsis = "HOST[:PORT]",
    .summary = "show a registry a name and a password, and keep them",
    .options = options,
    .count = COUNT(options),
};

static const struct option_section sections[] = {
    {"WHERE PASSWORDS ARE KEPT",
     "In the file that _--authfile_ or _REGISTRY_AUTH_FILE_ names. Else in the first of these that has an entry for HOST, or names a program\n"
     "that keeps its secrets (_credHelpers_, _credsStore_): _$XDG_RUNTIME_DIR/containers/auth.json_, or _/run/containers/UID/auth.json_ where\n"
     "that variable is not set; _$XDG_CONFIG_HOME/containers/auth.json_; _~/.config/containers/auth.json_; _$DOCKER_CONFIG/config.json_;\n"
     "_~/.docker/config.json_. Else in the first that there is a directory for. Podman and Docker read the same files.\n\n"
     "A file has passwords as they are, only encoded, and its owner alone can read it. A helper, _docker-credential-NAME_, keeps them\n"
     "elsewhere.\n\n"
     "The password is asked for on the terminal. Scripts write it to standard input: _bocal login -u USER --password-stdin HOST <FILE_.\n"},
    {0},
};
static const struct option_prose prose = {.before = sections};

/* ---- name and password ---- */

/* All of standard input, but for the end of its last line. */
static int read_password(struct arena *arena, const char **password)
{
    auto_free char *text = NULL;
    const char *shown;
    ssize_t size = file_read_operand("-", SECRET_MOST, &text, &shown);
    if (size < 0)
        return (int)size;
    if (size && text[size - 1] == '\n')
        text[--size] = '\0';
    if (size && text[size - 1] == '\r')
        text[--size] = '\0';
    if (!size || strlen(text) != (size_t)size)
        return refuse(-EINVAL, "--password-stdin: standard input has no password");
    *password = arena_strdup(arena, text);
    return 0;
}

static int ask_for(struct arena *arena, int (*ask)(const char *, char *, size_t), const char *prompt, const char *option, const char **answer)
{
    char text[ANSWER_MOST];
    int r = ask(prompt, text, sizeof text);
    if (r == -ENOTTY)
        return refuse(r, "there is no terminal to ask on (%s)", option);
    TRY(r);
    *answer = arena_strdup(arena, text);
    explicit_bzero(text, sizeof text);
    return **answer ? 0 : refuse(-EINVAL, "login: nothing was answered");
}

static int complete(struct arena *arena, struct login_options *o)
{
    if (o->from_stdin && o->password)
        return refuse(-EINVAL, "--password and --password-stdin: one of them");
    if (o->from_stdin && !o->user)
        return refuse(-EINVAL, "--password-stdin: --username is needed with it");
    if (o->password)
        fputs("warning: --password shows the password to everybody on this machine: use --password-stdin\n", stderr);
    if (!o->user)
        TRY(ask_for(arena, ask_line, "Username: ", "--username USER", &o->user));
    if (!*o->user || strpbrk(o->user, ":\n"))
        return refuse(-EINVAL, "--username: a user's name has letters, and neither a colon nor a newline");
    if (o->from_stdin)
        TRY(read_password(arena, &o->password));
    if (!o->password)
        TRY(ask_for(arena, ask_secret, "Password: ", "--password-stdin", &o->password));
    return 0;
}

/* ---- bocal-registry ---- */

/* A file that has both, in memory: what its standard input is. Owned by the caller. */
static int write_down(const struct login_options *o)
{
    auto_fd fd = memfd_create("login", MFD_CLOEXEC);
    if (fd < 0 || fd_write_all(fd, o->user, strlen(o->user)) < 0 || fd_write_all(fd, "\n", 1) < 0 ||
        fd_write_all(fd, o->password, strlen(o->password)) < 0)
        return fail(-errno, "hand the password on");
    return take_fd(&fd);
}

struct outcome {
    struct arena *arena;
    bool verified;
    const char *place;
};

static int hear(struct json_object *object, void *data)
{
    struct outcome *outcome = data;
    struct json_object *verified = NULL;
    const char *notice = json_text_of(object, "notice"), *place = json_text_of(object, "place");
    if (notice)
        fprintf(stderr, "%s\n", text_disarmed(outcome->arena, notice));
    if (json_object_object_get_ex(object, "verified", &verified))
        outcome->verified = json_object_get_boolean(verified);
    if (place)
        outcome->place = arena_strdup(outcome->arena, place);
    return 0;
}

static int call_registry(struct arena *arena, const char *verb, const char *host, const struct login_options *o, struct outcome *outcome)
{
    struct registry_words words = {.arena = arena};
    struct registries registries;
    TRY(registries_read(arena, &registries));
    const struct registry_access access = registry_access(&o->access, &registries, host);
    auto_fd input = write_down(o);
    TRY(input);
    registry_word(&words, verb);
    registry_option(&words, "--host", host);
    registry_access_words(&words, &access, text_equal(verb, "check"));
    return program_run(arena, &(struct program_call){.name = "bocal-registry", .words = words.list, .input = input, .output = -1}, hear,
                       outcome);
}

static int login(struct arena *arena, const struct login_options *o, const char *host)
{
    struct outcome outcome = {.arena = arena};
    TRY(call_registry(arena, "check", host, o, &outcome));
    TRY(call_registry(arena, "keep", host, o, &outcome));
    if (!outcome.place)
        return refuse(-EPROTO, "bocal-registry: it has not said where it keeps the password");
    if (!outcome.verified)
        fprintf(stderr, "%s asks nobody for a name: name and password were not verified\n", host);
    bool helper = *outcome.place != '/' && text_after(outcome.place, "docker-credential-");
    printf("Login succeeded: %s %s\n", outcome.place, helper ? "keeps the password" : "has the password, not encrypted, for its owner to read");
    return 0;
}

static int login_run(const struct call *call)
{
    struct login_options o = {0};
    auto_arena arena = {0};
    const char *host;
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&login_verb);
    char **rest = call->words + used;
    if (!*rest)
        return refuse(-EINVAL, "a registry's HOST is wanted");
    TRY(verb_ends(rest + 1));
    TRY(registries_host(&arena, *rest, &host));
    TRY(complete(&arena, &o));
    return login(&arena, &o, host);
}

const struct verb login_verb = {.set = &set, .prose = &prose, .run = login_run};
