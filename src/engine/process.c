/* The command, who runs it, with what environment and limits. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/environment.h"
#include "engine/request.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* ---- environment ---- */

static const char *env_of_caller(struct request *r, const char *name)
{
    size_t length = strlen(name);
    for (char **e = r->context->environment; e && *e; e++)
        if (strncmp(*e, name, length) == 0 && (*e)[length] == '=')
            return *e;
    return NULL;
}

static int env_add(struct request *r, struct environment *env, const char *option, const char *word)
{
    if (*word == '=' || !*word)
        return request_refuse(option, word, "a variable needs a name (NAME=VALUE)");
    const char *assignment = strchr(word, '=') ? word : env_of_caller(r, word);
    if (assignment)
        environment_set(env, assignment);
    return 0;
}

/* Docker's format: a line each, NAME=VALUE or NAME, # begins a comment line. */
static int env_add_file(struct request *r, struct environment *env, const char *path)
{
    auto_free char *text = NULL;
    ssize_t size = file_read(AT_FDCWD, path, 1 << 20, &text);
    if (size < 0)
        return because((int)size, "--env-file");
    if (strlen(text) != (size_t)size)
        return request_refuse("env-file", path, "it has a zero byte in it (is it a text file?)");
    size_t line = 0;
    for (char *rest = text, *next; rest && *rest; rest = next) {
        next = strchr(rest, '\n');
        if (next)
            *next++ = '\0';
        line++;
        rest += strspn(rest, " \t");
        size_t length = strlen(rest);
        if (length && rest[length - 1] == '\r')
            rest[length - 1] = '\0';
        if (!*rest || *rest == '#')
            continue;
        size_t name = strcspn(rest, "=");
        if (name == 0 || strcspn(rest, " \t") < name)
            return request_refuse("env-file", path, "line %zu: a variable's name is missing or has a blank "
                                                    "in it", line);
        TRY(env_add(r, env, "env-file", arena_strdup(r->arena, rest)));
    }
    return 0;
}

static int add_environment(struct request *r)
{
    const struct run_options *o = r->options;
    struct environment env = {.arena = r->arena};
    environment_set(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    environment_set(&env, arena_printf(r->arena, "HOSTNAME=%s", r->config->hostname));
    if (o->tty) {
        const char *term = env_of_caller(r, "TERM");
        environment_set(&env, term && strcmp(term, "TERM=") != 0 ? term : "TERM=xterm");
    }
    environment_set(&env, "container=bocal");
    for (char **word = r->context->image ? r->context->image->env : NULL; word && *word; word++)
        if (strchr(*word, '=') > *word)
            environment_set(&env, *word);
    for (size_t i = 0; i < o->env_files.count; i++)
        TRY(env_add_file(r, &env, o->env_files.words[i]));
    for (size_t i = 0; i < o->env.count; i++)
        TRY(env_add(r, &env, "env", o->env.words[i]));
    r->config->process.env = environment_list(&env);
    return 0;
}

/* ---- the command ---- */

/* The words of the command: what was asked for, else what the image says, as Docker puts them together. An image's command is
 * the arguments of its entrypoint, and says nothing to another one. */
static char **join_command(struct request *r)
{
    const struct run_options *o = r->options;
    const struct image_config *image = r->context->image;
    char *const *words = (char *const *)o->command, *const none[] = {NULL};
    char *const asked[] = {(char *)o->entrypoint, NULL};
    char *const *entrypoint = o->entrypoint && *o->entrypoint ? asked : none;
    if (image && !o->entrypoint && image->entrypoint)
        entrypoint = image->entrypoint;
    if (image && !o->entrypoint && (!words || !*words) && image->cmd)
        words = image->cmd;
    size_t n = 0;
    char **args = arena_alloc(r->arena, (text_count(entrypoint) + (words ? text_count(words) : 0) + 2) * sizeof *args);
    for (; *entrypoint; entrypoint++)
        args[n++] = *entrypoint;
    for (; words && *words; words++)
        args[n++] = *words;
    if (n == 0 && !image)
        args[n++] = (char *)"/bin/sh";
    return args;
}

static int add_command(struct request *r)
{
    const struct run_options *o = r->options;
    const struct image_config *image = r->context->image;
    struct process_config *process = &r->config->process;
    process->args = join_command(r);
    if (!process->args[0])
        return refuse(-EINVAL, "image %.200s: it says no command (give one behind its name)", o->image);
    if (!*process->args[0])
        return refuse(-EINVAL, "the command is an empty word (give a program to run)");
    process->args_origin = o->entrypoint && *o->entrypoint ? request_origin(r, "entrypoint", o->entrypoint)
                           : o->command && *o->command     ? "the command"
                           : image                         ? "the image's command"
                                                           : "default command";
    process->terminal = o->tty;
    process->cwd = "/";
    if (o->workdir && *o->workdir != '/')
        return request_refuse("workdir", o->workdir, "not an absolute path of the container");
    const char *said = o->workdir ? o->workdir : image && image->working_dir && *image->working_dir ? image->working_dir : NULL;
    if (said) {
        process->cwd = *said == '/' ? said : arena_printf(r->arena, "/%s", said);
        process->cwd_origin = o->workdir ? request_origin(r, "workdir", o->workdir) : "the image's WorkingDir";
        process->make_cwd = image != NULL;
    }
    return 0;
}

/* ---- the user ---- */

int request_user(struct arena *arena, const char *word, struct user_config *user)
{
    const char *colon = strchr(word, ':');
    const char *name = colon ? arena_strndup(arena, word, (size_t)(colon - word)) : word;
    if (!*name || (colon && !colon[1]) || (colon && strchr(colon + 1, ':')))
        return request_refuse("user", word, "not USER or USER:GROUP");
    bool digits = strspn(name, "-0123456789") == strlen(name);
    if (digits && text_to_id(name, &user->uid) < 0)
        return request_refuse("user", word, "%s is no user id (0 to 4294967294)", name);
    bool group_digits = colon && strspn(colon + 1, "-0123456789") == strlen(colon + 1);
    if (group_digits && text_to_id(colon + 1, &user->gid) < 0)
        return request_refuse("user", word, "%s is no group id (0 to 4294967294)", colon + 1);
    if (!digits || !colon || !group_digits)
        user->name = word;
    return 0;
}

static int add_user(struct request *r)
{
    const struct image_config *image = r->context->image;
    const char *word = r->options->user;
    if (word) {
        r->config->process.user.origin = request_origin(r, "user", word);
        return request_user(r->arena, word, &r->config->process.user);
    }
    if (!image || !image->user || !*image->user)
        return 0;
    r->config->process.user.origin = "the image's User";
    if (request_user(r->arena, image->user, &r->config->process.user) == 0)
        return 0;
    error_clear();
    return refuse(-EINVAL, "the image's User %.200s: not USER or USER:GROUP (--user says another)", image->user);
}

/* Who asks whether a container is well is who manages it, and nobody does. */
static void note_health(struct request *r)
{
    const struct image_config *image = r->context->image;
    char **test = image ? image->healthcheck.test : NULL;
    size_t count = 0;
    if (!test || !*test || text_equal(*test, "NONE") || r->options->no_healthcheck)
        return;
    *LIST_ADD(r->arena, &r->config->notes, &count) =
        (char *)"the image's health check is not run: what is in the foreground is its caller's to watch (--no-healthcheck says so)";
    *LIST_ADD(r->arena, &r->config->notes, &count) = NULL;
}

static int add_groups(struct request *r)
{
    struct user_config *user = &r->config->process.user;
    size_t names = 0;
    for (size_t i = 0; i < r->options->group_add.count; i++) {
        const char *word = r->options->group_add.words[i];
        uint32_t id;
        if (text_to_id(word, &id) == 0)
            *LIST_ADD(r->arena, &user->groups, &user->n_groups) = id;
        else if (!*word || strspn(word, "-0123456789") == strlen(word))
            return request_refuse("group-add", word, "no group id (0 to 4294967294)");
        else
            *LIST_ADD(r->arena, &user->group_names, &names) = (char *)word;
    }
    if (names)
        *LIST_ADD(r->arena, &user->group_names, &names) = NULL;
    return 0;
}

/* ---- ulimits ---- */

static const struct {
    const char *name, *oci;
    int resource;
} ulimits[] = {
    {"as", "RLIMIT_AS", RLIMIT_AS},
    {"core", "RLIMIT_CORE", RLIMIT_CORE},
    {"cpu", "RLIMIT_CPU", RLIMIT_CPU},
    {"data", "RLIMIT_DATA", RLIMIT_DATA},
    {"fsize", "RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"locks", "RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"memlock", "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"msgqueue", "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"nice", "RLIMIT_NICE", RLIMIT_NICE},
    {"nofile", "RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"nproc", "RLIMIT_NPROC", RLIMIT_NPROC},
    {"rss", "RLIMIT_RSS", RLIMIT_RSS},
    {"rtprio", "RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"rttime", "RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"sigpending", "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"stack", "RLIMIT_STACK", RLIMIT_STACK},
};

static int parse_ulimit_value(const char *text, uint64_t *value)
{
    if (text_equal(text, "-1") || text_equal(text, "unlimited")) {
        *value = UINT64_MAX;
        return 0;
    }
    return text_to_u64(text, UINT64_MAX - 1, value);
}

static int add_ulimit(struct request *r, const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals)
        return request_refuse("ulimit", word, "not NAME=SOFT[:HARD]");
    const char *name = arena_strndup(r->arena, word, (size_t)(equals - word));
    size_t n;
    char **values = text_split(r->arena, equals + 1, ':', &n);
    for (size_t i = 0; i < COUNT(ulimits); i++) {
        if (!text_equal(name, ulimits[i].name))
            continue;
        struct rlimit_config limit = {.resource = ulimits[i].resource, .name = ulimits[i].oci,
                                      .origin = request_origin(r, "ulimit", word)};
        if (n > 2 || parse_ulimit_value(values[0], &limit.soft) < 0 ||
            parse_ulimit_value(values[n - 1], &limit.hard) < 0)
            return request_refuse("ulimit", word, "values are numbers or unlimited");
        if (limit.soft > limit.hard)
            return request_refuse("ulimit", word, "the soft limit is above the hard one");
        *LIST_ADD(r->arena, &r->config->process.rlimits, &r->config->process.n_rlimits) = limit;
        return 0;
    }
    return request_refuse("ulimit", word, "unknown limit %s (nofile, nproc, core, memlock, stack, ...)",
                          name);
}

/* ---- signals and times ---- */

/* "RTMIN", "RTMIN+3", "RTMAX-1", as signal(7) has them: SIGRTMIN is 34 to programs of the C library. */
static bool real_time_signal(const char *name, int *number)
{
    enum { RTMIN = 34, RTMAX = 64 };
    bool low = strncasecmp(name, "RTMIN", 5) == 0;
    uint64_t offset = 0;
    if (!low && strncasecmp(name, "RTMAX", 5) != 0)
        return false;
    if (name[5] && (name[5] != (low ? '+' : '-') || text_to_u64(name + 6, RTMAX - RTMIN, &offset) < 0))
        return false;
    *number = low ? RTMIN + (int)offset : RTMAX - (int)offset;
    return true;
}

int signal_parse(const char *word, int *number)
{
    const char *name = strncasecmp(word, "SIG", 3) == 0 ? word + 3 : word;
    uint64_t value;
    if (text_to_u64(name, 64, &value) == 0 && value > 0) {
        *number = (int)value;
        return 0;
    }
    if (real_time_signal(name, number))
        return 0;
    for (int i = 1; i < 32; i++)
        if (sigabbrev_np(i) && strcasecmp(sigabbrev_np(i), name) == 0) {
            *number = i;
            return 0;
        }
    return -EINVAL;
}

int run_extra_parse(const struct run_options *o, struct run_extra *extra)
{
    extra->stop_ms = 10000;
    extra->stop_signal = SIGTERM;
    if (o->stop_signal && signal_parse(o->stop_signal, &extra->stop_signal) < 0)
        return request_refuse("stop-signal", o->stop_signal, "no such signal (SIGTERM, INT, 9, ...)");
    if (o->timeout && (text_to_ms(o->timeout, &extra->timeout_ms) < 0 || !extra->timeout_ms))
        return request_refuse("timeout", o->timeout, "not a time above zero (30, 500ms, 2m, 1h)");
    if (o->stop_timeout && text_to_ms(o->stop_timeout, &extra->stop_ms) < 0)
        return request_refuse("stop-timeout", o->stop_timeout, "not a time (10, 500ms, 2m)");
    return 0;
}

static int add_numbers(struct request *r)
{
    const struct run_options *o = r->options;
    struct process_config *process = &r->config->process;
    if (o->umask) {
        uint32_t mask = 0;
        bool valid = *o->umask && strlen(o->umask) <= 4 && strspn(o->umask, "01234567") == strlen(o->umask);
        for (const char *p = o->umask; valid && *p; p++)
            mask = mask * 8 + (uint32_t)(*p - '0');
        if (!valid || mask > 0777)
            return request_refuse("umask", o->umask, "not an octal mask of 0000 to 0777");
        process->user.has_umask = true;
        process->user.umask = mask;
    }
    int64_t score;
    if (o->oom_score_adj) {
        if (text_to_i64(o->oom_score_adj, &score) < 0 || score < -1000 || score > 1000)
            return request_refuse("oom-score-adj", o->oom_score_adj, "not a number from -1000 to 1000");
        process->has_oom_score_adj = true;
        process->oom_score_adj = (int32_t)score;
    }
    return 0;
}

static int add_hostname(struct request *r)
{
    const char *name = r->options->hostname;
    r->config->hostname = arena_strndup(r->arena, r->context->id, 12);
    r->config->hostname_origin = "default: the container's id";
    if (!name)
        return 0;
    if (!*name || strlen(name) > 63 || *name == '-' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") != strlen(name))
        return request_refuse("hostname", name, "a host name has 1 to 63 letters, digits, dots and dashes");
    r->config->hostname = name;
    r->config->hostname_origin = request_origin(r, "hostname", name);
    return 0;
}

int request_process(struct request *r)
{
    TRY(add_hostname(r));
    TRY(add_command(r));
    TRY(add_environment(r));
    TRY(add_user(r));
    TRY(add_groups(r));
    for (size_t i = 0; i < r->options->ulimits.count; i++)
        TRY(add_ulimit(r, r->options->ulimits.words[i]));
    TRY(add_numbers(r));
    note_health(r);
    TRY(run_extra_parse(r->options, r->extra));
    const struct image_config *image = r->context->image;
    if (image && image->stop_signal && !r->options->stop_signal && signal_parse(image->stop_signal, &r->extra->stop_signal) < 0)
        return refuse(-EINVAL, "the image's StopSignal %.40s: no such signal (--stop-signal SIGTERM)", image->stop_signal);
    return 0;
}
