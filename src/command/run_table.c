/* The option table of `bocal run`. Names, letters and values are Docker's where Docker has them, so
 * that command lines can be carried over; help, manual and completion are made from it.
 *
 * The kind of an option is not written down: FIELD takes it from the type of the field, so a table
 * line cannot disagree with the struct. What the options mean is engine/run_config.c's business. */
#include "command/run_table.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "spec/reference.h"

#define FIELD(field)                                                                      \
    .kind = _Generic(((struct run_options *)0)->field,                                    \
        bool: OPTION_FLAG,                                                                \
        const char *: OPTION_TEXT,                                                        \
        struct word_list: OPTION_LIST,                                                    \
        unsigned: OPTION_CHOICE,                                                          \
        int: OPTION_NUMBER),                                                              \
    .offset = offsetof(struct run_options, field),                                        \
    .count_offset = offsetof(struct run_options, field) + offsetof(struct word_list, count)

#define WORDS(...) .value = VALUE_WORDS, .words = (const char *const[]){__VA_ARGS__, NULL}

_Static_assert(offsetof(struct word_list, words) == 0, "FIELD's offset is that of the words");

static const char *const upper_words[] = {[WRITES_WHERE_BEST] = "auto",
                                          [WRITES_DISK] = "disk",
                                          [WRITES_MEMORY] = "memory",
                                          [WRITES_COPY] = "copy",
                                          NULL};
static const char *const manager_words[] = {[MANAGER_CGROUPFS] = "cgroupfs", [MANAGER_SYSTEMD] = "systemd", NULL};
static const char *const explain_words[] = {
    [EXPLAIN_OFF] = "off", [EXPLAIN_TEXT] = "text", [EXPLAIN_JSON] = "json", NULL};

static const char *const pull_words[] = {[PULL_MISSING] = "missing", [PULL_ALWAYS] = "always", [PULL_NEVER] = "never",
                                          [PULL_NEWER] = "newer", NULL};
static const char *const dry_run_words[] = {[DRY_RUN_OFF] = "off",
                                            [DRY_RUN_PLAN] = "plan",
                                            [DRY_RUN_JSON] = "json",
                                            [DRY_RUN_OCI] = "oci",
                                            NULL};

static const char *const capability_words[] = {
    "ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF",
    "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
    "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE",
    "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE",
    "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
    "SYS_TTY_CONFIG", "WAKE_ALARM", NULL};

#define NAMESPACE WORDS("host", "private", "container:"), .metavar = "NS"

static const struct option options[] = {
    {.group = "Process",
     .name = "interactive", .letter = 'i', FIELD(interactive),
     .help = "connect standard input to the command"},
    {.name = "tty", .letter = 't', FIELD(tty),
     .help = "give the command a terminal of its own"},
    {.name = "user", .letter = 'u', FIELD(user), .metavar = "USER[:GROUP]",
     .help = "run as this user, a name of the container's files or a number"},
    {.name = "group-add", FIELD(group_add), .metavar = "GROUP",
     .help = "be a member of this group as well"},
    {.name = "workdir", .letter = 'w', FIELD(workdir), .metavar = "DIR",
     .help = "start in this directory of the container"},
    {.name = "env", .letter = 'e', FIELD(env), .metavar = "NAME[=VALUE]",
     .help = "set an environment variable; without =VALUE, take it from the caller's"},
    {.name = "env-file", FIELD(env_files), .metavar = "FILE", .value = VALUE_FILE,
     .help = "set the variables of a file, one NAME=VALUE a line"},
    {.name = "entrypoint", FIELD(entrypoint), .metavar = "COMMAND",
     .help = "run this command, with the words of the command line as its arguments"},
    {.name = "init", .inverted = true, FIELD(no_init),
     .help = "run a small init as PID 1, which reaps and forwards signals (on by default); with "
             "--no-init the command is PID 1"},
    {.name = "sig-proxy", .inverted = true, FIELD(no_sig_proxy),
     .help = "pass signals that bocal gets on to the command (on by default)"},
    {.name = "stop-signal", FIELD(stop_signal), .metavar = "SIGNAL",
     WORDS("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGWINCH"),
     .help = "the signal that asks the command to end"},
    {.name = "stop-timeout", FIELD(stop_timeout), .metavar = "TIME",
     .help = "how long the command may take to end before it is killed"},
    {.name = "timeout", FIELD(timeout), .metavar = "TIME",
     .help = "stop the container after this time: seconds, or a number with ms, s, m, h"},
    {.name = "no-healthcheck", FIELD(no_healthcheck),
     .help = "leave the image's health check out, and say nothing of it: it is never run in the foreground"},
    {.name = "umask", FIELD(umask), .metavar = "MASK",
     .help = "the mask of permissions for new files, octal"},
    {.name = "oom-score-adj", FIELD(oom_score_adj), .metavar = "NUMBER",
     .help = "how soon the kernel kills the command when memory runs out, -1000 to 1000"},

    {.group = "Container",
     .name = "name", FIELD(name), .metavar = "NAME",
     .help = "a name for the container"},
    {.name = "hostname", .letter = 'h', FIELD(hostname), .metavar = "NAME",
     .help = "the container's host name"},
    {.name = "domainname", FIELD(domainname), .metavar = "NAME",
     .help = "the container's NIS domain name"},
    {.name = "annotation", FIELD(annotations), .metavar = "KEY=VALUE",
     .help = "note something in the container's configuration"},
    {.name = "rm", FIELD(rm),
     .help = "remove the container at its end: in this version that is always so"},

    {.group = "Files",
     .name = "bundle", FIELD(bundle), .metavar = "DIR", .value = VALUE_DIR,
     .help = "run the OCI bundle in DIR: its config.json says everything, and no other option is taken "
             "but those that look, wait or end"},
    {.name = "pull", FIELD(pull), .metavar = "missing|always|newer|never", .words = pull_words, .value = VALUE_WORDS,
     .help = "when to ask the registry for the image; newer: always, but what is here will do where it cannot be reached"},
    {.name = "platform", FIELD(platform), .metavar = "OS/ARCH[/VARIANT]",
     .help = "which of the image's platforms, in place of this machine's; another machine's runs where "
             "binfmt_misc has an emulator for it"},
    {.name = "rootfs", FIELD(rootfs), .metavar = "DIR[:O]", .value = VALUE_DIR,
     .help = "use this directory as root file system; with :O, an overlay over it, thrown away "
             "at the end"},
    {.name = "volume", .letter = 'v', FIELD(volumes), .metavar = "HOST:DIR[:OPT,...]",
     .value = VALUE_FILE, .help = "show a file or directory of the host at DIR"},
    {.name = "mount", FIELD(mounts), .metavar = "type=TYPE,KEY=VALUE,...",
     WORDS("type=bind,source=", "type=tmpfs,destination="),
     .help = "attach a file system"},
    {.name = "tmpfs", FIELD(tmpfs), .metavar = "DIR[:OPT,...]",
     .help = "an empty directory in memory at DIR"},
    {.name = "upper", FIELD(upper), .metavar = "auto|disk|memory|copy", .words = upper_words,
     .value = VALUE_WORDS,
     .help = "where the overlay keeps what the container writes until its end; auto is memory for the "
             "embedded image without --memory, and else disk; copy does without an overlay, and copies the image"},
    {.name = "read-only", FIELD(read_only), .help = "nothing of the root file system can change"},
    {.name = "device", FIELD(devices), .metavar = "HOST[:PATH[:rwm]]", .value = VALUE_FILE,
     .help = "give access to a device of the host"},
    {.name = "shm-size", FIELD(shm_size), .metavar = "BYTES", .help = "the size of /dev/shm"},

    {.group = "Namespaces",
     .name = "network", .alias = "net", FIELD(network), .metavar = "NS",
     WORDS("none", "host", "private", "container:"),
     .help = "the network: none, host, private or container:PID"},
    {.name = "pid", FIELD(pid), NAMESPACE,
     .help = "the processes that it sees: host, private or container:PID"},
    {.name = "ipc", FIELD(ipc), NAMESPACE,
     .help = "message queues and shared memory: host, private or container:PID"},
    {.name = "uts", FIELD(uts), NAMESPACE,
     .help = "the host name: host, private or container:PID"},
    {.name = "cgroupns", FIELD(cgroupns), NAMESPACE,
     .help = "the view of cgroups: host, private or container:PID"},
    {.name = "userns", FIELD(userns), NAMESPACE,
     .help = "the users: host, private or container:PID"},
    {.name = "uidmap", FIELD(uid_maps), .metavar = "INSIDE:OUTSIDE:COUNT",
     .help = "which users of the host the container's users are"},
    {.name = "gidmap", FIELD(gid_maps), .metavar = "INSIDE:OUTSIDE:COUNT",
     .help = "the same for groups"},
    {.name = "uptime", FIELD(uptime), .help = "count the container's uptime from its own start"},
    {.name = "add-host", FIELD(add_hosts), .metavar = "NAME:ADDRESS",
     .help = "a line for /etc/hosts"},
    {.name = "dns", FIELD(dns), .metavar = "ADDRESS", .help = "a name server"},
    {.name = "dns-search", FIELD(dns_search), .metavar = "DOMAIN",
     .help = "a domain to look names up in"},
    {.name = "dns-option", .alias = "dns-opt", FIELD(dns_options), .metavar = "OPTION",
     .help = "an option of the resolver, see resolv.conf(5)"},

    {.group = "Limits",
     .name = "memory", .letter = 'm', FIELD(memory), .metavar = "BYTES",
     .help = "memory: a number with b, k, m or g"},
    {.name = "memory-swap", FIELD(memory_swap), .metavar = "BYTES",
     .help = "memory and swap together; -1 is unlimited"},
    {.name = "memory-reservation", FIELD(memory_reservation), .metavar = "BYTES",
     .help = "memory that is left to it while the host is short of it"},
    {.name = "memory-swappiness", FIELD(memory_swappiness), .metavar = "NUMBER",
     .help = "how willingly its memory is swapped, 0 to 100"},
    {.name = "cpus", FIELD(cpus), .metavar = "NUMBER", .help = "processors' worth of time: 1.5"},
    {.name = "cpu-shares", .letter = 'c', FIELD(cpu_shares), .metavar = "NUMBER",
     .help = "its weight against other containers, 1024 is usual"},
    {.name = "cpu-period", FIELD(cpu_period), .metavar = "MICROSECONDS",
     .help = "the period that --cpu-quota refers to"},
    {.name = "cpu-quota", FIELD(cpu_quota), .metavar = "MICROSECONDS",
     .help = "processor time in each period"},
    {.name = "cpuset-cpus", FIELD(cpuset_cpus), .metavar = "LIST",
     .help = "the processors that it may use: 0-2,5"},
    {.name = "cpuset-mems", FIELD(cpuset_mems), .metavar = "LIST",
     .help = "the memory nodes that it may use"},
    {.name = "pids-limit", FIELD(pids_limit), .metavar = "NUMBER",
     .help = "processes and threads (2048 unless told); -1 is unlimited"},
    {.name = "blkio-weight", FIELD(blkio_weight), .metavar = "NUMBER",
     .help = "its weight at block devices, 10 to 1000"},
    {.name = "device-read-bps", FIELD(device_read_bps), .metavar = "DEVICE:BYTES",
     .value = VALUE_FILE, .help = "bytes a second read from a block device"},
    {.name = "device-write-bps", FIELD(device_write_bps), .metavar = "DEVICE:BYTES",
     .value = VALUE_FILE, .help = "bytes a second written to a block device"},
    {.name = "device-read-iops", FIELD(device_read_iops), .metavar = "DEVICE:NUMBER",
     .value = VALUE_FILE, .help = "reads a second from a block device"},
    {.name = "device-write-iops", FIELD(device_write_iops), .metavar = "DEVICE:NUMBER",
     .value = VALUE_FILE, .help = "writes a second to a block device"},
    {.name = "ulimit", FIELD(ulimits), .metavar = "NAME=SOFT[:HARD]",
     WORDS("as=", "core=", "cpu=", "data=", "fsize=", "locks=", "memlock=", "msgqueue=", "nice=",
           "nofile=", "nproc=", "rss=", "rtprio=", "rttime=", "sigpending=", "stack="),
     .help = "a limit of each process, see getrlimit(2)"},
    {.name = "sysctl", FIELD(sysctls), .metavar = "NAME=VALUE",
     .help = "a kernel setting of the container's own namespaces"},
    {.name = "cgroup-parent", FIELD(cgroup_parent), .metavar = "PATH",
     .help = "the cgroup in which the container's is created; a slice, where systemd makes it"},
    {.name = "cgroup-manager", FIELD(cgroup_manager), .metavar = "cgroupfs|systemd", .words = manager_words,
     .value = VALUE_WORDS, .help = "who makes it; by systemd, an ordinary user can have limits, too"},

    {.group = "Protections",
     .name = "cap-add", FIELD(cap_add), .metavar = "CAPABILITY",
     .value = VALUE_WORDS, .words = capability_words,
     .help = "allow a capability, see capabilities(7), or ALL"},
    {.name = "cap-drop", FIELD(cap_drop), .metavar = "CAPABILITY",
     .value = VALUE_WORDS, .words = capability_words, .help = "take a capability away, or ALL"},
    {.name = "security-opt", FIELD(security_opt), .metavar = "OPTION",
     WORDS("apparmor=", "apparmor=unconfined", "label=disable", "no-new-privileges",
           "no-new-privileges=false", "seccomp=", "seccomp=unconfined"),
     .help = "change a protection: seccomp, AppArmor, SELinux, no-new-privileges"},
    {.name = "privileged", FIELD(privileged),
     .help = "all capabilities and devices, no protections: for what you trust like yourself"},

    {.group = "See into it",
     .name = "explain", FIELD(explain), .metavar = "text|json", .words = explain_words,
     .value = VALUE_WORDS, .bare = EXPLAIN_TEXT,
     .help = "print each step of the container's birth as it is performed, its reason and time"},
    {.name = "dry-run", FIELD(dry_run), .metavar = "plan|json|oci", .words = dry_run_words,
     .value = VALUE_WORDS, .bare = DRY_RUN_PLAN,
     .help = "print the steps without performing them; oci: as config.json for other runtimes"},
    {.name = "verbose", FIELD(announce),
     .help = "print \"running COMMAND as PID n\" outside and inside"},
    {.name = "facts", .hidden = true, FIELD(facts), .metavar = "FILE", .value = VALUE_FILE,
     .help = "plan for the host that this file describes"},
#ifdef BOCAL_FAULT
    {.name = "fail-at", .hidden = true, FIELD(fail_at), .metavar = "STEP",
     .help = "make this step fail"},
    {.name = "kill-at", .hidden = true, FIELD(kill_at), .metavar = "STEP",
     .help = "kill bocal at this step"},
#endif
};

const struct option_set run_set = {
    .program = "bocal",
    .verb = "run",
    .synopsis = "[IMAGE] [COMMAND [ARGUMENT...]]",
    .summary = "run a command in a new container",
    .options = options,
    .count = COUNT(options),
    .in_order = true,
};

/* The words after the options. An image reference cannot begin with '/': such a first word is a
 * command of the embedded image. */
static int take_command(struct run_options *run, char **words)
{
    run->command = (const char **)words;
    if (!*words || run->rootfs || run->bundle || **words == '/')
        return 0;
    if (!**words)
        return refuse(-EINVAL, "the command is empty (see bocal run --help)");
    if (!reference_possible(*words))
        return refuse(-EINVAL, "%.200s: not an image (a directory is given by --rootfs DIR, a command begins with /)", *words);
    const char *directory = text_after(*words, "dir:");
    if (directory)
        run->rootfs = directory;
    else
        run->image = *words;
    run->command = (const char **)words + 1;
    return 0;
}

static int parse_words(struct arena *arena, char **words, struct run_options *run, bool *help)
{
    int used = option_parse(&run_set, arena, words, run, help);
    TRY(used);
    return *help ? 0 : take_command(run, words + used);
}

int run_parse(struct arena *arena, char **words, bool seed, bool terminal,
              struct run_options *run, bool *help)
{
    const struct run_options usual = {
        .rm = true, .announce = seed, .interactive = seed, .tty = seed && terminal};
    *run = usual;
    TRY(parse_words(arena, words, run, help));
    if (*help)
        return 0;
    if (!*run->command && terminal) {
        /* A person who typed `bocal run` wants to be in a shell. Parsed again, so that these are
         * defaults which the options have had their say about. */
        *run = usual;
        run->interactive = run->tty = true;
        TRY(parse_words(arena, words, run, help));
    }
    if (!run->rm) {
        refuse(-ENOSYS, "--rm=false: keeping containers after their end is not built yet");
        return remedy(-ENOSYS, "leave it out");
    }
    return 0;
}
