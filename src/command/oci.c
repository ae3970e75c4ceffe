/* Two option sets a call: the global ones before the verb, the verb's after it. The names are those of runc's
 * command line, which Podman, Docker and containerd speak. What a caller passes and bocal cannot do is refused,
 * unless it asks for nothing. */
#include "command/oci.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_write.h"
#include "base/option_doc.h"
#include "base/text.h"
#include "engine/lifecycle.h"
#include "engine/run_config.h"

#include <fcntl.h>
#include <signal.h>

struct oci_options {
    /* before the verb */
    const char *root, *log, *rootless, *cgroup_manager;
    unsigned log_format;
    bool systemd_cgroup, debug, version;
    /* after it */
    const char *bundle, *pid_file, *console_socket;
    unsigned format;
    int preserve_fds;
    bool all, force, quiet, keep, no_pivot, no_new_keyring, detach;
};

static const char *const log_words[] = {"text", "json", NULL};
static const char *const list_words[] = {"table", "json", NULL};

#define FIELD(field)                                                                                          \
    .kind = _Generic(((struct oci_options *)0)->field, bool: OPTION_FLAG, const char *: OPTION_TEXT,          \
                     unsigned: OPTION_CHOICE, int: OPTION_NUMBER),                                             \
    .offset = offsetof(struct oci_options, field)

static const struct option global_options[] = {
    {.name = "root", FIELD(root), .metavar = "DIR", .value = VALUE_DIR, .help = "where containers are recorded"},
    {.name = "log", FIELD(log), .metavar = "FILE", .value = VALUE_FILE, .help = "write errors to FILE as well"},
    {.name = "log-format", FIELD(log_format), .metavar = "text|json", .words = log_words, .value = VALUE_WORDS,
     .help = "how they are written there"},
    {.name = "systemd-cgroup", FIELD(systemd_cgroup), .help = "let systemd make cgroups"},
    {.name = "cgroup-manager", FIELD(cgroup_manager), .metavar = "cgroupfs|systemd|disabled",
     .help = "who makes cgroups"},
    {.name = "debug", FIELD(debug), .help = "nothing more than without"},
    {.name = "rootless", FIELD(rootless), .metavar = "true|false|auto", .help = "decided by who calls"},
    {.name = "version", .letter = 'v', FIELD(version), .help = "print the version"},
};

static const struct option create_options[] = {
    {.name = "bundle", .letter = 'b', FIELD(bundle), .metavar = "DIR", .value = VALUE_DIR,
     .help = "the bundle, else the working directory"},
    {.name = "pid-file", FIELD(pid_file), .metavar = "FILE", .value = VALUE_FILE,
     .help = "write the first process's id to FILE"},
    {.name = "console-socket", FIELD(console_socket), .metavar = "FILE", .value = VALUE_FILE,
     .help = "send the terminal's end to the socket FILE"},
    {.name = "preserve-fds", FIELD(preserve_fds), .metavar = "NUMBER", .help = "pass on this many fds above 2"},
    {.name = "no-pivot", FIELD(no_pivot), .help = "do not use pivot_root"},
    {.name = "no-new-keyring", FIELD(no_new_keyring), .help = "keep the caller's session keyring"},
    {.name = "keep", FIELD(keep), .help = "run: leave the container when it has ended"},
    {.name = "detach", .letter = 'd', FIELD(detach), .help = "run: do not wait for its end"},
};
static const struct option delete_options[] = {
    {.name = "force", .letter = 'f', FIELD(force), .help = "end it first"},
};
static const struct option kill_options[] = {
    {.name = "all", .letter = 'a', FIELD(all), .help = "all its processes"},
};
static const struct option list_options[] = {
    {.name = "format", .letter = 'f', FIELD(format), .metavar = "table|json", .words = list_words,
     .value = VALUE_WORDS, .help = "how they are listed"},
    {.name = "quiet", .letter = 'q', FIELD(quiet), .help = "ids only"},
};

/* ---- the verbs ---- */

static struct create_options asked(const struct oci_options *o, char **words)
{
    return (struct create_options){.root = o->root, .bundle = o->bundle ? o->bundle : ".", .id = words[0],
                                   .pid_file = o->pid_file, .console_socket = o->console_socket};
}

static int check_create(const struct oci_options *o)
{
    if (o->preserve_fds)
        return refuse(-EOPNOTSUPP, "--preserve-fds: not built yet");
    if (o->no_pivot)
        return refuse(-EOPNOTSUPP, "--no-pivot: a root that can be left is not built");
    if (o->no_new_keyring)
        return refuse(-EOPNOTSUPP, "--no-new-keyring: not built yet");
    return 0;
}

static int verb_create(const struct oci_options *o, char **words)
{
    struct create_options create = asked(o, words);
    TRY(check_create(o));
    if (o->keep || o->detach)
        return refuse(-EINVAL, "create: --keep and --detach are options of run");
    return lifecycle_create(&create);
}

static int verb_run(const struct oci_options *o, char **words)
{
    struct create_options create = asked(o, words);
    TRY(check_create(o));
    if (!o->detach)
        return lifecycle_run(&create, o->keep);
    TRY(lifecycle_create(&create));
    return lifecycle_start(o->root, words[0]);
}

static int verb_start(const struct oci_options *o, char **words)
{
    return lifecycle_start(o->root, words[0]);
}

static int verb_state(const struct oci_options *o, char **words)
{
    return lifecycle_state(o->root, words[0], stdout);
}

static int verb_kill(const struct oci_options *o, char **words)
{
    int number = SIGTERM;
    if (words[1] && signal_parse(words[1], &number) < 0)
        return refuse(-EINVAL, "kill: no such signal: %.64s (SIGTERM, INT, 9, ...)", words[1]);
    return lifecycle_kill(o->root, words[0], number, o->all);
}

static int verb_delete(const struct oci_options *o, char **words)
{
    return lifecycle_delete(o->root, words[0], o->force);
}

static int verb_list(const struct oci_options *o, char **words)
{
    (void)words;
    return lifecycle_list(o->root, o->format == 1, o->quiet, stdout);
}

#define OPTIONS(verb) verb##_options, COUNT(verb##_options)
static const struct {
    const char *name, *synopsis, *summary;
    int (*run)(const struct oci_options *options, char **words);
    size_t least, most; /* operands */
    const struct option *options;
    size_t count;
} verbs[] = {
    {"create", "ID", "make a container, whose command waits", verb_create, 1, 1, OPTIONS(create)},
    {"start", "ID", "let the command of a created container run", verb_start, 1, 1, NULL, 0},
    {"state", "ID", "print the state of a container", verb_state, 1, 1, NULL, 0},
    {"kill", "ID [SIGNAL]", "send a signal to a container", verb_kill, 1, 2, OPTIONS(kill)},
    {"delete", "ID", "remove a container that has ended", verb_delete, 1, 1, OPTIONS(delete)},
    {"run", "ID", "create, start, wait and delete", verb_run, 1, 1, OPTIONS(create)},
    {"list", "", "list containers", verb_list, 0, 0, OPTIONS(list)},
};

static void usage(FILE *out)
{
    fputs("Usage: bocal-runtime [OPTION...] VERB [OPTION...] [ID]\n\n", out);
    for (size_t i = 0; i < COUNT(verbs); i++)
        fprintf(out, "  %-12s%s\n", verbs[i].name, verbs[i].summary);
    fputs("\nNot built yet: exec, ps, pause, resume, update, events, features, spec, checkpoint, restore.\n", out);
}

static int call_verb(struct arena *arena, struct oci_options *o, char **words)
{
    for (size_t i = 0; i < COUNT(verbs); i++) {
        if (!text_equal(verbs[i].name, words[0]))
            continue;
        const struct option_set set = {.program = "bocal-runtime", .verb = verbs[i].name,
                                       .synopsis = verbs[i].synopsis, .summary = verbs[i].summary,
                                       .options = verbs[i].options, .count = verbs[i].count};
        bool help;
        size_t n = 0;
        int used = option_parse(&set, arena, words + 1, o, &help);
        TRY(used);
        char **operands = words + 1 + used;
        if (help) {
            option_help(stdout, &set, 80);
            return 0;
        }
        while (operands[n])
            n++;
        if (n < verbs[i].least || n > verbs[i].most)
            return refuse(-EINVAL, "usage: bocal-runtime %s [OPTION...] %s", verbs[i].name, verbs[i].synopsis);
        return verbs[i].run(o, operands);
    }
    return refuse(-ENOSYS, "%.64s: no verb of this version (see bocal-runtime --help)", words[0]);
}

/* ---- the whole ---- */

/* As containerd's shim and conmon read it. A log that cannot be written does not hide the error. */
static void write_log(const struct oci_options *o)
{
    auto_file log = o->log && *error_text() ? fopen(o->log, "ae") : NULL;
    char now[TEXT_NOW_SIZE];
    if (!log)
        return;
    text_now(now);
    if (o->log_format == 0) {
        fprintf(log, "time=\"%s\" level=error msg=\"%s\"\n", now, error_text());
        return;
    }
    struct json_writer json = json_writer_compact(log);
    json_begin_object(&json, NULL);
    json_put_string(&json, "level", "error");
    json_put_string(&json, "msg", error_text());
    json_put_string(&json, "time", now);
    json_end_object(&json);
    putc('\n', log);
}

static const char *default_root(struct arena *arena)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    return geteuid() == 0 || !runtime ? "/run/bocal-runtime" : arena_printf(arena, "%s/bocal-runtime", runtime);
}

static int check_globals(const struct oci_options *o)
{
    bool systemd = o->systemd_cgroup || text_equal(o->cgroup_manager, "systemd");
    return systemd ? refuse(-EOPNOTSUPP, "--systemd-cgroup: not built yet (use the cgroupfs manager)") : 0;
}

int oci_run(char **words)
{
    static const struct option_set set = {.program = "bocal-runtime", .verb = "", .synopsis = "VERB",
                                          .summary = "an OCI runtime", .options = global_options,
                                          .count = COUNT(global_options)};
    auto_arena arena = {0};
    struct oci_options o = {.root = default_root(&arena)};
    bool help;
    int used = option_parse(&set, &arena, words, &o, &help);
    TRY(used);
    if (o.version) {
        puts("bocal-runtime " BOCAL_VERSION "\nspec: 1.3.0");
        return 0;
    }
    if (help || !words[used]) {
        usage(stdout);
        return 0;
    }
    int r = check_globals(&o);
    if (r == 0)
        r = call_verb(&arena, &o, words + used);
    write_log(&o);
    return r;
}
