/* A verb is an option table and a call. The names are those of runc's command line and, where it has more, crun's. What
 * a caller passes and bocal cannot do is refused, unless it asks for nothing. */
#include "command/oci_verbs.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/bundle.h"
#include "engine/control.h"
#include "engine/events.h"
#include "engine/matching.h"
#include "engine/mounts.h"
#include "engine/run_config.h"
#include "runtime/features.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>

static const char *const list_words[] = {"table", "json", NULL};

/* ---- the options ---- */

/* Of create, but for the last ones, and of run. */
enum { OF_RUN_ONLY = 2 };
static const struct option run_options[] = {
    {.name = "bundle", .letter = 'b', OCI_FIELD(bundle), .metavar = "DIR", .value = VALUE_DIR,
     .help = "the bundle, else the working directory"},
    {.name = "pid-file", OCI_FIELD(create.pid_file), .metavar = "FILE", .value = VALUE_FILE,
     .help = "write the first process's id to FILE"},
    {.name = "console-socket", OCI_FIELD(create.console_socket), .metavar = "FILE", .value = VALUE_FILE,
     .help = "send the terminal's end to the socket FILE"},
    {.name = "config", .letter = 'f', OCI_FIELD(create.config), .metavar = "FILE", .value = VALUE_FILE,
     .help = "the configuration, else the bundle's config.json"},
    {.name = "preserve-fds", OCI_FIELD(create.preserve_fds), .metavar = "NUMBER", .help = "pass on this many fds above 2"},
    {.name = "no-pivot", OCI_FIELD(create.no_pivot), .help = "do not use pivot_root"},
    {.name = "no-new-keyring", OCI_FIELD(create.no_new_keyring), .help = "keep the caller's session keyring"},
    {.name = "keep", OCI_FIELD(keep), .help = "leave the container when it has ended"},
    {.name = "detach", .letter = 'd', OCI_FIELD(detach), .help = "do not wait for its end"},
};
static const struct option delete_options[] = {
    {.name = "force", .letter = 'f', OCI_FIELD(force), .help = "end it first"},
    {.name = "regex", .letter = 'r', OCI_FIELD(regex), .help = "all containers whose ID has what the regular expression ID says"},
};
static const struct option kill_options[] = {
    {.name = "all", .letter = 'a', OCI_FIELD(all), .help = "all its processes"},
};
static const struct option list_options[] = {
    {.name = "format", .letter = 'f', OCI_FIELD(format), .metavar = "table|json", .words = list_words,
     .value = VALUE_WORDS, .help = "how they are listed"},
    {.name = "quiet", .letter = 'q', OCI_FIELD(quiet), .help = "ids only"},
};
static const struct option exec_options[] = {
    {.name = "process", .letter = 'p', OCI_FIELD(exec.process_file), .metavar = "FILE", .value = VALUE_FILE,
     .help = "the process, as in config.json"},
    {.name = "detach", .letter = 'd', OCI_FIELD(exec.detach), .help = "do not wait for its end"},
    {.name = "pid-file", OCI_FIELD(exec.pid_file), .metavar = "FILE", .value = VALUE_FILE,
     .help = "write the process's id to FILE"},
    {.name = "console-socket", OCI_FIELD(exec.console_socket), .metavar = "FILE", .value = VALUE_FILE,
     .help = "send the terminal's end to the socket FILE"},
    {.name = "tty", .letter = 't', OCI_FIELD(exec.tty), .help = "with a terminal"},
    {.name = "cwd", OCI_FIELD(exec.cwd), .metavar = "DIR", .help = "where it begins, in the container"},
    {.name = "env", .letter = 'e', OCI_WORDS(exec.env), .metavar = "NAME=VALUE", .help = "a variable more"},
    {.name = "user", .letter = 'u', OCI_FIELD(exec.user), .metavar = "USER[:GROUP]", .help = "who it is"},
    {.name = "additional-gids", .letter = 'g', OCI_WORDS(exec.gids), .metavar = "GID", .help = "a group more"},
    {.name = "cap", .letter = 'c', OCI_WORDS(exec.caps), .metavar = "CAPABILITY", .help = "a capability more"},
    {.name = "no-new-privs", OCI_FIELD(exec.no_new_privs), .help = "set-id programs gain nothing"},
    {.name = "apparmor", OCI_FIELD(exec.apparmor), .metavar = "PROFILE", .help = "its AppArmor profile"},
    {.name = "process-label", OCI_FIELD(exec.process_label), .metavar = "LABEL", .help = "its SELinux label"},
    {.name = "preserve-fds", OCI_FIELD(exec.preserve_fds), .metavar = "NUMBER", .help = "pass on this many fds above 2"},
    {.name = "cgroup", OCI_FIELD(exec.cgroup), .metavar = "PATH", .help = "a cgroup below the container's"},
    {.name = "ignore-paused", OCI_FIELD(exec.ignore_paused), .help = "wait where the container is paused"},
};
static const struct option update_options[] = {
    {.name = "resources", .letter = 'r', OCI_FIELD(update.resources), .metavar = "FILE|-", .value = VALUE_FILE,
     .help = "limits, as in config.json"},
    {.name = "blkio-weight", OCI_FIELD(update.blkio_weight), .metavar = "NUMBER", .help = "share of disks, 10 to 1000"},
    {.name = "cpu-period", OCI_FIELD(update.cpu_period), .metavar = "US", .help = "period of the quota"},
    {.name = "cpu-quota", OCI_FIELD(update.cpu_quota), .metavar = "US", .help = "time in a period; -1: all"},
    {.name = "cpu-burst", OCI_FIELD(update.cpu_burst), .metavar = "US", .help = "time saved up for a burst"},
    {.name = "cpu-share", .alias = "cpu-shares", OCI_FIELD(update.cpu_share), .metavar = "NUMBER", .help = "share of processors"},
    {.name = "cpu-idle", OCI_FIELD(update.cpu_idle), .metavar = "0|1", .help = "only what others leave"},
    {.name = "cpu-rt-period", OCI_FIELD(update.cpu_rt_period), .metavar = "US", .help = "period of real-time tasks"},
    {.name = "cpu-rt-runtime", OCI_FIELD(update.cpu_rt_runtime), .metavar = "US", .help = "their time in it"},
    {.name = "cpuset-cpus", OCI_FIELD(update.cpuset_cpus), .metavar = "LIST", .help = "processors, 0-2,7"},
    {.name = "cpuset-mems", OCI_FIELD(update.cpuset_mems), .metavar = "LIST", .help = "memory nodes"},
    {.name = "memory", OCI_FIELD(update.memory), .metavar = "BYTES", .help = "limit of memory"},
    {.name = "memory-reservation", OCI_FIELD(update.memory_reservation), .metavar = "BYTES", .help = "what it is left with"},
    {.name = "memory-swap", OCI_FIELD(update.memory_swap), .metavar = "BYTES", .help = "limit of memory and swap together"},
    {.name = "pids-limit", OCI_FIELD(update.pids_limit), .metavar = "NUMBER", .help = "how many processes"},
};
static const struct option ps_options[] = {
    {.name = "format", .letter = 'f', OCI_FIELD(format), .metavar = "table|json", .words = list_words,
     .value = VALUE_WORDS, .help = "how they are listed"},
};
static const struct option events_options[] = {
    {.name = "stats", OCI_FIELD(stats), .help = "what it uses, once"},
    {.name = "interval", OCI_FIELD(interval), .metavar = "DURATION", .help = "how often, 5s where nothing is said"},
};
static const struct option spec_options[] = {
    {.name = "bundle", .letter = 'b', OCI_FIELD(bundle), .metavar = "DIR", .value = VALUE_DIR,
     .help = "where to, else the working directory"},
    {.name = "rootless", OCI_FIELD(rootless_spec), .help = "for the caller, who is not root"},
};

#define CHECKPOINT_OPTIONS                                                                                              \
    {.name = "image-path", OCI_FIELD(checkpoint.images), .metavar = "DIR", .value = VALUE_DIR,                          \
     .help = "where the images are, else ./checkpoint"},                                                                \
    {.name = "work-path", OCI_FIELD(checkpoint.work), .metavar = "DIR", .value = VALUE_DIR,                             \
     .help = "where criu's log goes, else to the images"},                                                              \
    {.name = "tcp-established", OCI_FIELD(checkpoint.tcp_established), .help = "with open TCP connections"},            \
    {.name = "ext-unix-sk", OCI_FIELD(checkpoint.unix_sockets), .help = "with unix sockets to the outside"},            \
    {.name = "shell-job", OCI_FIELD(checkpoint.shell_job), .help = "with the caller's terminal"},                       \
    {.name = "file-locks", OCI_FIELD(checkpoint.file_locks), .help = "with file locks"},                                \
    {.name = "empty-ns", OCI_FIELD(checkpoint.empty_namespace), .metavar = "network",                                   \
     .help = "leave what is in the network namespace to a hook"},                                                       \
    {.name = "auto-dedup", OCI_FIELD(checkpoint.auto_dedup), .help = "drop memory from earlier images"},                \
    {.name = "manage-cgroups-mode", OCI_FIELD(checkpoint.cgroups), .metavar = "ignore|soft|full|strict",                \
     .words = checkpoint_cgroup_words, .value = VALUE_WORDS, .help = "ignore: bocal makes cgroups, and criu does not"}
static const struct option checkpoint_options[] = {
    CHECKPOINT_OPTIONS,
    {.name = "leave-running", OCI_FIELD(checkpoint.leave_running), .help = "let the container go on"},
    {.name = "pre-dump", OCI_FIELD(checkpoint.pre_dump), .help = "memory only, and let it go on"},
    {.name = "parent-path", OCI_FIELD(checkpoint.parent), .metavar = "DIR", .value = VALUE_DIR,
     .help = "earlier images, relative to these"},
    {.name = "tcp-skip-in-flight", OCI_FIELD(checkpoint.tcp_in_flight), .help = "without TCP connections being made"},
};
static const struct option restore_options[] = {
    CHECKPOINT_OPTIONS,
    {.name = "bundle", .letter = 'b', OCI_FIELD(bundle), .metavar = "DIR", .value = VALUE_DIR,
     .help = "the bundle, else the working directory"},
    {.name = "console-socket", OCI_FIELD(create.console_socket), .metavar = "FILE", .value = VALUE_FILE,
     .help = "send the terminal's end to the socket FILE"},
    {.name = "detach", .letter = 'd', OCI_FIELD(detach), .help = "do not wait for its end"},
    {.name = "pid-file", OCI_FIELD(create.pid_file), .metavar = "FILE", .value = VALUE_FILE,
     .help = "write the first process's id to FILE"},
    {.name = "lsm-profile", OCI_FIELD(checkpoint.lsm_profile), .metavar = "TYPE:NAME", .help = "another AppArmor or SELinux profile"},
    {.name = "lsm-mount-context", OCI_FIELD(checkpoint.lsm_mount_context), .metavar = "LABEL", .help = "another label of mounts"},
    {.name = "no-pivot", OCI_FIELD(create.no_pivot), .help = "accepted; criu decides"},
    {.name = "no-subreaper", OCI_FIELD(no_subreaper), .help = "accepted; bocal-runtime never is one"},
};

/* ---- the verbs ---- */

static struct create_options asked(const struct oci_options *o, char **words)
{
    struct create_options create = o->create;
    create.root = o->root;
    create.cgroup_manager = o->systemd_cgroup ? MANAGER_SYSTEMD : o->cgroup_manager;
    create.bundle = o->bundle ? o->bundle : ".";
    create.id = words[0];
    return create;
}

static int verb_create(const struct oci_options *o, char **words)
{
    struct create_options create = asked(o, words);
    return lifecycle_create(&create);
}

static int verb_run(const struct oci_options *o, char **words)
{
    struct create_options create = asked(o, words);
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
    return control_kill(o->root, words[0], number, o->all);
}

static int verb_delete(const struct oci_options *o, char **words)
{
    return o->regex ? matching_delete(o->root, words[0], o->force) : lifecycle_delete(o->root, words[0], o->force);
}

static int verb_list(const struct oci_options *o, char **words)
{
    (void)words;
    return lifecycle_list(o->root, o->format == 1, o->quiet, stdout);
}

static int verb_exec(const struct oci_options *o, char **words)
{
    struct exec_options exec = o->exec;
    exec.root = o->root;
    exec.id = words[0];
    exec.args = words + 1;
    return exec_run(&exec);
}

static int verb_pause(const struct oci_options *o, char **words)
{
    return control_freeze(o->root, words[0], true);
}

static int verb_resume(const struct oci_options *o, char **words)
{
    return control_freeze(o->root, words[0], false);
}

static int verb_ps(const struct oci_options *o, char **words)
{
    return control_ps(o->root, words[0], o->format == 1, words + 1, stdout);
}

static int verb_update(const struct oci_options *o, char **words)
{
    struct update_options update = o->update;
    update.root = o->root;
    update.id = words[0];
    return update_run(&update);
}

static int verb_mounts(const struct oci_options *o, char **words)
{
    bool remove = text_equal(words[0], "remove");
    if (!remove && !text_equal(words[0], "add"))
        return refuse(-EINVAL, "mounts %.64s: expected add or remove", words[0]);
    return mounts_run(o->root, words[1], words[2], remove);
}

static int verb_events(const struct oci_options *o, char **words)
{
    uint64_t interval = 5000;
    if (o->interval && (text_to_ms(o->interval, &interval) < 0 || !interval))
        return refuse(-EINVAL, "--interval %.64s: expected a duration above 0 (500ms, 5s, 1m)", o->interval);
    return events_run(o->root, words[0], o->stats ? 0 : interval, stdout);
}

static int verb_checkpoint(const struct oci_options *o, char **words)
{
    TRY(checkpoint_run(o->root, words[0], &o->checkpoint));
    return o->checkpoint.leave_running || o->checkpoint.pre_dump ? 0 : lifecycle_delete(o->root, words[0], true);
}

static int verb_restore(const struct oci_options *o, char **words)
{
    struct create_options create = asked(o, words);
    create.checkpoint = &o->checkpoint;
    return lifecycle_restore(&create, o->detach);
}

static int verb_spec(const struct oci_options *o, char **words)
{
    (void)words;
    return bundle_begin(o->bundle ? o->bundle : ".", o->rootless_spec);
}

static int verb_features(const struct oci_options *o, char **words)
{
    (void)o;
    (void)words;
    features_print(stdout);
    return 0;
}

#define OPTIONS(verb) verb##_options, COUNT(verb##_options)
static const struct oci_verb verbs[] = {
    {"create", "ID", "make a container, whose command waits", verb_create, 1, 1, run_options,
     COUNT(run_options) - OF_RUN_ONLY},
    {"start", "ID", "let the command of a created container run", verb_start, 1, 1, NULL, 0},
    {"run", "ID", "create, start, wait and delete", verb_run, 1, 1, OPTIONS(run)},
    {"exec", "ID [COMMAND [ARGUMENT...]]", "run a further process in a container", verb_exec, 1, SIZE_MAX, OPTIONS(exec)},
    {"state", "ID", "print the state of a container", verb_state, 1, 1, NULL, 0},
    {"list", "", "list containers", verb_list, 0, 0, OPTIONS(list)},
    {"ps", "ID [PS-OPTION...]", "list the processes of a container", verb_ps, 1, SIZE_MAX, OPTIONS(ps)},
    {"kill", "ID [SIGNAL]", "send a signal to a container", verb_kill, 1, 2, OPTIONS(kill)},
    {"pause", "ID", "let all processes of a container rest", verb_pause, 1, 1, NULL, 0},
    {"resume", "ID", "let the processes of a paused container go on", verb_resume, 1, 1, NULL, 0},
    {"events", "ID", "tell what a container uses, and when memory was wanting", verb_events, 1, 1, OPTIONS(events)},
    {"update", "ID", "change the limits of a container", verb_update, 1, 1, OPTIONS(update)},
    {"mounts", "add|remove ID FILE|-", "mount in a container that runs, or unmount", verb_mounts, 3, 3, NULL, 0},
    {"checkpoint", "ID", "dump the processes of a container, by criu", verb_checkpoint, 1, 1, OPTIONS(checkpoint)},
    {"restore", "ID", "make a container of what was dumped", verb_restore, 1, 1, OPTIONS(restore)},
    {"delete", "ID", "remove a container that has ended", verb_delete, 1, 1, OPTIONS(delete)},
    {"spec", "", "write the config.json that a bundle begins with", verb_spec, 0, 0, OPTIONS(spec)},
    {"features", "", "print what this runtime can", verb_features, 0, 0, NULL, 0},
};

size_t oci_verb_count(void)
{
    return COUNT(verbs);
}

const struct oci_verb *oci_verb_at(size_t i)
{
    return &verbs[i];
}

struct option_set oci_verb_set(const struct oci_verb *verb)
{
    return (struct option_set){.program = "bocal-runtime", .verb = verb->name, .synopsis = verb->synopsis,
                               .summary = verb->summary, .options = verb->options, .count = verb->count,
                               .in_order = true};
}
