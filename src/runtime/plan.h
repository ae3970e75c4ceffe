/* The plan: how a container is assembled, as data.
 *
 * A plan is an array of steps. plan_build() makes it from a configuration and facts, without a
 * system call; --explain, --dry-run and the golden tests print it; execute() walks it. HOST and
 * INIT walk the *same* array, each performing the steps that are its own and skipping the others;
 * JOINER stands between them only where a pid or time namespace has to be entered by a fork. There
 * is no control flow in a plan: what depends on the host was decided by the planner, what may fail
 * is declared in the step.
 *
 * Values born at run time (fds, mostly) live in slots, the only variables that a plan has. */
#pragma once

#include "runtime/facts.h"
#include "spec/config.h"

#include <stdio.h>

enum actor { HOST, JOINER, INIT };

enum phase { PREPARE, BIRTH, FILES, IDENTITY, COMMAND };

enum slot {
    SLOT_NONE,
    SLOT_CGROUP,  /* HOST: directory fd of the container's v2 cgroup, for CLONE_INTO_CGROUP */
    SLOT_SCOPE,   /* HOST: what holds the scope lives while this is open */
    SLOT_SHIM,    /* sealed memfd of bocal-init */
    SLOT_JOINER,  /* pidfd */
    SLOT_TARGET,  /* pidfd of a container's first process, whose namespaces are entered */
    SLOT_HOSTNET, /* HOST's own network namespace, to return to */
    SLOT_HOSTPID, /* HOST's own pid namespace, for those whom it bears later */
    SLOT_HOSTPROC, /* HOST's procfs: what has no path is named by it */
    SLOT_NETNS,   /* the container's, when HOST makes it, or moves devices there */
    SLOT_INIT,    /* pidfd */
    SLOT_USERNS,  /* the container's user namespace */
    SLOT_ROOT,    /* the mount that becomes / */
    SLOT_PROC,    /* a procfs of the container's pid namespace that nobody else can see */
    SLOT_NULL,    /* the host's /dev/null, verified */
    SLOT_EMPTY,   /* an empty read-only tmpfs, for masks; the first masked directory gets it itself */
    SLOT_FILES,   /* the tmpfs in which files are generated: /dev, or one of their own */
    SLOT_PTS,     /* the container's devpts */
    SLOT_START,   /* the listening socket on which INIT waits to be started */
    SLOT_NOTIFY,  /* the socket at which HOST hears what the command announces: sd_notify(3) */
    SLOT_LISTENER, /* the socket to who hears of the filter's notifications */
    SLOT_STATE,   /* the OCI state, "creating", as hooks read it */
    SLOT_CREATED, /* the same, "created" */
    SLOT_HOOK_OUT, /* the file that hooks' output is appended to */
    SLOT_HOOK_ERR, /* the same of their errors */
    SLOT_TTY,     /* INIT: the container's end of the terminal */
    SLOT_CONSOLE, /* HOST: the other end */
    SLOT_TASKS,   /* the first of MAX_TASKS: v1 `tasks` files */
    SLOT_MOUNT = SLOT_TASKS + 16, /* the first of MAX_MOUNTS: detached mounts made by HOST */
    SLOT_COUNT = SLOT_MOUNT + 64,
};
/* Below the configuration's notify_dir: what the container sees, and in it the socket. */
#define NOTIFY_INSIDE "inside"
#define NOTIFY_SOCKET_NAME NOTIFY_INSIDE "/notify"

enum { MAX_TASKS = 16, MAX_MOUNTS = 64 };

/* Flags of a birth: INIT has HOST's memory, which stands still until INIT executes or ends. vfork(2) */
#define SHARING ((uint64_t)(CLONE_VM | CLONE_VFORK))

/* What one actor tells another. Every token that is waited for is sent exactly once. */
enum token {
    TOKEN_NONE,
    TOKEN_IDS,       /* ids are mapped; HOST's mounts travel with it */
    TOKEN_INIT,      /* JOINER has borne INIT; its pidfd travels with it */
    TOKEN_BORN,      /* HOST has that pidfd, and can end what it begins */
    TOKEN_READY,     /* what HOST does beside INIT is done; bocal-init travels with it */
    TOKEN_NETWORK,   /* the network namespace travels with it, from who has made it */
    TOKEN_DEVICES,   /* the network devices are in it */
    TOKEN_TTY,       /* the terminal's host end travels with it */
    TOKEN_MOUNTED,   /* everything is mounted: the hooks may run */
    TOKEN_HOOKED,    /* HOST's hooks have run; the state, for INIT's, travels with it */
    TOKEN_ASSEMBLED, /* INIT has nothing left to do but the last few steps */
    TOKEN_EXPLAINED, /* HOST has printed the plan: go on */
    TOKEN_STARTED,   /* INIT to who starts it, over a connection of their own */
    TOKEN_RUNNING,   /* end of file: the command replaced INIT */
    TOKEN_COUNT,
};

/* The kernel concepts of container set-up.
 *    X(id, word, text, journaled)
 * TEXT is what people read: {p}ath {s}ource {t}ext {f}lags {n}umber {m}ode {i}n {o}ut. JOURNALED
 * ops leave something behind outside the process: they are recorded before they are performed, and
 * have an undo. What performs an op is in execute.c, beside its undo. */
#define PLAN_OPS(X)                                                         \
    X(STATE, "state", "create {p}", true)                                   \
    X(LAYER, "layer", "create {p}{t}", true)                                \
    X(CGROUP_CREATE, "cgroup", "create {p}", true)                          \
    X(SCOPE, "scope", "create {p}: {t}", true)                              \
    X(SCOPE_SET, "scope", "{p}: {t}", false)                                \
    X(SCOPE_LEAVE, "scope", "INIT holds {p} from now on", false)            \
    X(CGROUP_ASIDE, "aside", "step into {p}", true)                         \
    X(CGROUP_SET, "limit", "{p} = {t}", false)                              \
    X(RDT_GROUP, "rdt", "create {p}", true)                                 \
    X(RDT_CLOS, "rdt", "create {p}, which stays", false)                    \
    X(RDT_SET, "rdt", "{p} = {t}", false)                                   \
    X(RDT_JOIN, "rdt", "INIT into {p}", false)                              \
    X(DEVICE_FILTER, "devices", "{n} rules on {p}", false)                  \
    X(OPEN, "open", "{p} as {o}", false)                                    \
    X(APPARMOR, "apparmor", "load {t} with {p}", false)                     \
    X(CONNECT, "connect", "{p} as {o}", false)                              \
    X(OUTER_PID, "pid", "INIT learns its number out here", false)           \
    X(LISTEN, "listen", "{p} as {o}", false)                                \
    X(NOTIFY_DIR, "notify", "create {p}{t}", false)                         \
    X(NOTIFY, "notify", "{p} as {o}", false)                                \
    X(TARGET, "open", "process {n} as {o}", false)                          \
    X(SHIM, "memfd", "sealed copy of bocal-init as {o}", false)             \
    X(CLONE, "clone", "{f}{t}", false)                                      \
    X(MAP_IDS, "idmap", "{t}", false)                                       \
    X(OPEN_USERNS, "open", "the new user namespace as {o}", false)          \
    X(COPY_LAYERS, "copy", "{s}{t} to {p}", false)                          \
    X(OVERLAY, "overlay", "{s} under {p} as {o}{t}", false)                 \
    X(BIND_OPEN, "bind", "{s} as {o}{t}", false)                            \
    X(PRLIMIT, "rlimit", "{t}", false)                                      \
    X(SCHEDULER, "sched", "{t}", false)                                     \
    X(AFFINITY, "cpus", "{t}", false)                                       \
    X(IO_PRIORITY, "ioprio", "{t}", false)                                  \
    X(SEND, "send", "{t}", false)                                           \
    X(WAIT, "wait", "until {t}", false)                                     \
    X(DIE_WITH, "signal", "SIGKILL me when bocal ends", false)              \
    X(CGROUP_JOIN, "cgroup", "join {p} by {i}", false)                      \
    X(HIDE, "privs", "not to be traced", false)                             \
    X(JOIN, "join", "{f} of {p}", false)                                    \
    X(ENTER, "join", "{f} {i}", false)                                      \
    X(UNSHARE, "unshare", "{f}", false)                                     \
    X(TIME_OFFSET, "time", "{t} starts at {n} s", false)                    \
    X(BECOME, "ids", "become {n} of the user namespace", false)             \
    X(PROPAGATION, "mount", "/ {t}, recursively", false)                    \
    X(PROC_OPEN, "procfs", "a private one{t} as {o}", false)                \
    X(ATTACH, "attach", "{i} at {p}", false)                                \
    X(TMPFS_OPEN, "tmpfs", "{t} as {o}", false)                             \
    X(MOUNT, "mount", "{s} at {p}{t}", false)                                 \
    X(BIND, "bind", "{s} at {p}{t}", false)                                 \
    X(REMOUNT, "remount", "{p}{t}", false)                                  \
    X(MOUNTPOINT, "open", "the mount at {p} as {o}", false)                 \
    X(UNMOUNT, "unmount", "{p}, {i}", false)                                \
    X(COPY_UP, "copy", "{p} into {i}", false)                               \
    X(CHOWN_TREE, "chown", "{p} to {t}", false)                             \
    X(WRITE, "write", "{p}, {n} bytes", false)                              \
    X(BIND_FILE, "bind", "{i}/{s} at {p}", false)                           \
    X(MKNOD, "mknod", "{p}{t}", false)                                      \
    X(MKDIR, "mkdir", "{p}, where it is missing", false)                    \
    X(VOLUME, "volume", "{p} can be written", false)                        \
    X(SYMLINK, "symlink", "{p} to {s}", false)                              \
    X(MASK, "mask", "{p}", false)                                           \
    X(READONLY, "readonly", "{p}", false)                                   \
    X(PIVOT, "pivot", "{i} becomes /{t}", false)         \
    X(ROOT_PROPAGATION, "mount", "the new / {t}", false)                    \
    X(SYSCTL, "sysctl", "{p} = {t}", false)                                 \
    X(HOSTNAME, "hostname", "{t}", false)                                   \
    X(DOMAINNAME, "domain", "{t}", false)                                   \
    X(LOOPBACK, "network", "lo up", false)                                  \
    X(NET_DEVICE, "network", "move {s} into {i} as {p}", false)             \
    X(KEYRING, "keyring", "a new session keyring", false)                   \
    X(SESSION, "session", "a new session{t}", false)                        \
    X(NULL_STDIO, "stdio", "{t} by the container's own /dev/null", false)   \
    X(TTY, "tty", "a pseudo-terminal as {o}", false)                        \
    X(CONSOLE, "bind", "{i} at {p}", false)                                 \
    X(OOM_SCORE, "oom", "score {n}", false)                                 \
    X(RLIMIT, "rlimit", "{t}", false)                                       \
    X(UMASK, "umask", "{m}", false)                                         \
    X(MEMORY_POLICY, "numa", "{t}", false)                                  \
    X(PERSONALITY, "uname", "{t}", false)                                   \
    X(USER, "user", "look up {t}", false)                                   \
    X(CLOSE, "close", "every other fd at exec{t}", false)                      \
    X(BOUNDING, "caps", "bounding set {t}", false)                          \
    X(IDS, "ids", "become {t}", false)                                      \
    X(CHDIR, "chdir", "{p}", false)                                         \
    X(CAPS, "caps", "{t}", false)                                           \
    X(NO_NEW_PRIVS, "privs", "no new privileges", false)                    \
    X(LABEL, "label", "{t}", false)                                         \
    X(FIND, "find", "{p} in PATH", false)                                   \
    X(HOOK_STATE, "state", "{t} as {o}", false)                             \
    X(HOOK, "hook", "{p}", false)                                           \
    X(START, "start", "wait at {i}", false)                                 \
    X(ANNOUNCE, "say", "running [{t}] as PID n", false)                     \
    X(SECCOMP, "seccomp", "{t}", false)                                     \
    X(EXEC, "exec", "{p}{t}", false)                                        \
    X(RESTORE, "restore", "{p} by {s} as {o}", false)                        \
    X(TIDY, "tidy", "{t}", false)

enum op {
#define X(id, word, text, journaled) OP_##id,
    PLAN_OPS(X)
#undef X
    OP_COUNT,
};

/* Characters and no pointers: what the loader need not relocate costs no start a page. */
struct op_info {
    char id[20], word[12], text[40];
    bool journaled;
};
extern const struct op_info op_infos[OP_COUNT];

/* What an op may fail with and the container be none the worse. */
struct errset {
    short numbers[4]; /* positive errno values, 0 ends */
};

struct step {
    enum op op;
    enum actor by;
    enum phase phase;
    const char *path, *source, *text; /* for {p} {s} {t}; .text also carries values */
    uint64_t flags;                   /* CLONE_NEW* for {f}; others by op */
    int64_t number;
    unsigned mode;
    enum slot in, out;
    enum token token;
    const void *data;                 /* what the op needs beyond that, by op: step_data.h */
    const char *why;                  /* origin in the configuration, or a short reason */
    struct errset tolerate;
};

struct plan {
    struct arena *arena;
    const char *id;
    struct step *steps;
    size_t count;
    const char *memory_cgroup; /* where to ask for OOM kills, or NULL */
    struct idmaps uids, gids; /* of a new user namespace; empty: none */
    bool default_pids;        /* the default limit of processes can be applied */
    bool visits;              /* INIT enters a container that goes on, executes nothing, and takes back what it has mounted
                               * where a later step fails */
    char **notes; /* what was left out and why, for people */
    size_t n_notes;
};

/* Makes the plan of CONFIG for the container ID on a host of FACTS. Pure: no system call. Everything
 * it points to lives in CONFIG's arena. -errno with a sentence where the host cannot do what was
 * asked for. */
int plan_build(const struct config *config, const struct facts *facts, const char *id,
               struct plan *plan);

/* The container that a further process is for. */
struct exec_target {
    const char *bundle;   /* where it came from */
    int64_t pid;          /* its first process */
    uint64_t start_time;  /* which tells it from a later one of that number */
    int pidfd;            /* the same process, known to be it; or -1 */
    uint64_t namespaces;  /* CLONE_NEW*: those of it that are not the caller's */
    bool may_trace;       /* its processes, or this one, have CAP_SYS_PTRACE, maybe over the host's user namespace */
    const char *v2_cgroup;  /* a directory, or NULL */
    char **v1_cgroups;      /* NULL-terminated */
};

/* Makes the plan of a further process, CONFIG.process, in the container TARGET, of which CONFIG is. */
int plan_exec(const struct config *config, const struct facts *facts, const struct exec_target *target,
              const char *id, struct plan *plan);

/* Makes the plan that mounts CONFIG.mounts in the container TARGET, of which CONFIG is otherwise; all of them or none. */
int plan_add_mounts(const struct config *config, const struct facts *facts, const struct exec_target *target,
                    const char *id, struct plan *plan);

/* Makes the plan that unmounts what is mounted at the destinations of CONFIG.mounts, the last first. */
int plan_remove_mounts(const struct config *config, const struct facts *facts, const struct exec_target *target,
                       const char *id, struct plan *plan);

/* What a container is restored from, and how criu(8) is to do it. */
struct criu_request;
struct restore_source {
    const char *criu;            /* the program */
    const char *images, *work;   /* directories, for people: the fds are in REQUEST */
    const struct criu_request *request; /* what the caller's options say */
    char *const *external;       /* of each mount of the host's its place and its destination, NULL-terminated */
    char *const *descriptors;    /* what the standard fds were, NULL-terminated */
};

/* Makes the plan of a container that goes on where criu(8) has dumped it, with CONFIG as it was then. */
int plan_restore(const struct config *config, const struct facts *facts, const struct restore_source *source,
                 const char *id, struct plan *plan);

/* What criu calls somebody's namespace of KIND, when it dumps it and when it inherits it; NULL where it does neither. */
const char *plan_restore_namespace(enum ns_kind kind);

/* Makes the plan of new limits, CONFIG.resources, for a container of which the cgroups are DIRS, NULL-terminated. */
int plan_update(const struct config *config, const struct facts *facts, char *const *dirs, const char *id,
                struct plan *plan);

/* Only what a configuration for others has to know: PLAN's ids, and whether the default limit applies. A limit
 * that was asked for and is not to be had here is no failure. */
int plan_preview(const struct config *config, const struct facts *facts, const char *id, struct plan *plan);

/* Proves the ordering rules of the file plan_check.c; -EINVAL with a sentence that names the step. */
int plan_check(const struct plan *plan);

/* One line: "mount proc at /proc, nosuid". The text of step N without number, actor and reason. */
int step_describe(const struct step *step, char *out, size_t size);
const char *actor_name(enum actor actor);
const char *slot_name(enum slot slot, char buffer[16]);

/* When a step was performed: nanoseconds of CLOCK_MONOTONIC. */
struct step_time {
    uint64_t begin, took;
};

/* Prints steps [FROM, TO). TIMES has one for each, or is NULL before they were performed. */
void plan_print(const struct plan *plan, FILE *out, const struct step_time *times, size_t from,
                size_t to);
void plan_print_json(const struct plan *plan, FILE *out, const struct step_time *times);
