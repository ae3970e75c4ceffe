/* Two option sets a call: the global ones before the verb, the verb's after it. The names are those of runc's
 * command line, which Podman, Docker and containerd speak. What a caller passes and bocal cannot do is refused,
 * unless it asks for nothing. */
#include "command/oci.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_write.h"
#include "base/option_doc.h"
#include "base/process.h"
#include "base/text.h"
#include "command/oci_man.h"
#include "command/oci_verbs.h"

/* In crun's words, which scripts look for: what is compiled in, whether or not this host has it. Docker looks for "version". */
#define FEATURES "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +CRIU +JSON_C"

static const char *const log_words[] = {"text", "json", NULL};

static const struct option global_options[] = {
    {.name = "root", OCI_FIELD(root), .metavar = "DIR", .value = VALUE_DIR, .help = "where containers are recorded"},
    {.name = "log", OCI_FIELD(log), .metavar = "FILE", .value = VALUE_FILE, .help = "write errors to FILE as well, and warnings to FILE alone"},
    {.name = "log-format", OCI_FIELD(log_format), .metavar = "text|json", .words = log_words, .value = VALUE_WORDS,
     .help = "how they are written there"},
    {.name = "systemd-cgroup", OCI_FIELD(systemd_cgroup), .help = "let systemd make cgroups"},
    {.name = "cgroup-manager", OCI_FIELD(cgroup_manager), .metavar = "cgroupfs|systemd|disabled", .words = cgroup_manager_names,
     .value = VALUE_WORDS, .help = "who makes cgroups"},
    {.name = "debug", OCI_FIELD(debug), .help = "accepted; says no more"},
    {.name = "rootless", OCI_FIELD(rootless), .metavar = "true|false|auto", .help = "accepted; who calls decides"},
    {.name = "man", .hidden = true, OCI_FIELD(man), .help = "print the manual page as scdoc source"},
    {.name = "version", .letter = 'v', OCI_FIELD(version), .help = "print the version"},
};

enum { HELP_COLUMNS = 80 };

static void usage(FILE *out, const struct option_set *global)
{
    fputs("Usage: bocal-runtime [OPTION...] VERB [OPTION...] [ID]\n\n", out);
    for (size_t i = 0; i < oci_verb_count(); i++)
        fprintf(out, "  %-12s%s\n", oci_verb_at(i)->name, oci_verb_at(i)->summary);
    option_help_list(out, global, HELP_COLUMNS);
    fputs("\nOptions of a verb: bocal-runtime VERB --help\n", out);
}

static int call_one(struct arena *arena, const struct oci_verb *verb, struct oci_options *o, char **words)
{
    const struct option_set set = oci_verb_set(verb);
    bool help;
    size_t n = 0;
    int used = option_parse(&set, arena, words, o, &help);
    TRY(used);
    if (help) {
        option_help(stdout, &set, HELP_COLUMNS);
        return 0;
    }
    while (words[used + (int)n])
        n++;
    if (n < verb->least || n > verb->most)
        return refuse(-EINVAL, "usage: bocal-runtime %s [OPTION...] %s", verb->name, verb->synopsis);
    return verb->run(o, words + used);
}

static int call_verb(struct arena *arena, struct oci_options *o, char **words)
{
    for (size_t i = 0; i < oci_verb_count(); i++)
        if (text_equal(oci_verb_at(i)->name, words[0]))
            return call_one(arena, oci_verb_at(i), o, words + 1);
    return refuse(-ENOSYS, "%.64s: no verb of this version (see bocal-runtime --help)", words[0]);
}

/* ---- the whole ---- */

/* As containerd's shim and conmon read it. A log that cannot be written does not hide the error. */
static void write_log(const struct oci_options *o, const char *level, const char *sentence)
{
    const char *name = o->log && text_after(o->log, "file:") ? text_after(o->log, "file:") : o->log;
    auto_file log = name && *sentence ? fopen(name, "ae") : NULL;
    char now[TEXT_NOW_SIZE];
    if (!log)
        return;
    text_now(now);
    if (o->log_format == 0) {
        fprintf(log, "time=\"%s\" level=%s msg=\"%s\"\n", now, level, sentence);
        return;
    }
    struct json_writer json = json_writer_compact(log);
    json_begin_object(&json, NULL);
    json_put_string(&json, "level", level);
    json_put_string(&json, "msg", sentence);
    json_put_string(&json, "time", now);
    json_end_object(&json);
    putc('\n', log);
}

/* Who has a log does not read standard error, which is the container's. */
static void tell_warning(const char *sentence, void *options)
{
    if (((const struct oci_options *)options)->log)
        write_log(options, "warning", sentence);
    else
        fprintf(stderr, "bocal-runtime: warning: %s\n", sentence);
}

/* Root of a user namespace of its own, as rootless engines make it, is nobody to the host's /run. */
static const char *default_root(struct arena *arena)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    bool host_root = geteuid() == 0 && !process_in_userns();
    return !runtime || *runtime != '/' || host_root ? "/run/bocal-runtime" : arena_printf(arena, "%s/bocal-runtime", runtime);
}

static int check_globals(const struct oci_options *o)
{
    const char *colon = o->log ? strchr(o->log, ':') : NULL, *slash = o->log ? strchr(o->log, '/') : NULL;
    if (colon && (!slash || colon < slash) && !text_after(o->log, "file:"))
        return refuse(-EINVAL, "--log %.200s: a file is what it is written to, and nothing else", o->log);
    return 0;
}

int oci_run(char **words)
{
    static const struct option_set set = {.program = "bocal-runtime", .verb = "", .synopsis = "VERB",
                                          .summary = "an OCI runtime", .options = global_options,
                                          .count = COUNT(global_options), .in_order = true};
    auto_arena arena = {0};
    struct oci_options o = {.root = default_root(&arena)};
    bool help;
    int used = option_parse(&set, &arena, words, &o, &help);
    TRY(used);
    if (o.version) {
        puts("bocal-runtime version " BOCAL_VERSION "\nspec: 1.3.0\n" FEATURES);
        return 0;
    }
    if (o.man) {
        oci_man(stdout, &set);
        return 0;
    }
    if (help || !words[used]) {
        usage(stdout, &set);
        return 0;
    }
    warnings_to(tell_warning, &o);
    int r = check_globals(&o);
    if (r == 0)
        r = call_verb(&arena, &o, words + used);
    warnings_tell();
    warnings_to(NULL, NULL); /* O ends here */
    write_log(&o, "error", error_text());
    return r;
}
