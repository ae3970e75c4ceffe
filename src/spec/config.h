/* The OCI runtime configuration (runtime-spec 1.3.0, config.md and config-linux.md) as C structs,
 * with what bocal adds to it. Both ways into bocal end here: the command line of `bocal run` and a
 * bundle's config.json. Everything lives in one arena; strings and lists are never NULL unless
 * their comment says so; lists of strings are NULL-terminated.
 *
 * ORIGIN, wherever it appears, is where the thing was asked for: a JSON pointer ("/mounts/3") or
 * the option as typed ("--volume /a:/b"). It becomes the step's `why`, so it is what errors and
 * --explain say. */
#pragma once

#include "base/arena.h"
#include "kernel/capability.h"
#include "kernel/device_bpf.h"
#include "kernel/seccomp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum ns_kind { NS_USER, NS_MOUNT, NS_PID, NS_NETWORK, NS_UTS, NS_IPC, NS_CGROUP, NS_TIME, NS_COUNT };

/* The words of config.json: "user" "mount" "pid" "network" "uts" "ipc" "cgroup" "time". */
extern const char *const ns_names[NS_COUNT];
/* CLONE_NEW* of each. */
extern const uint64_t ns_flags[NS_COUNT];
/* The names below /proc/PID/ns: "user" "mnt" "pid" "net" ... */
extern const char *const ns_proc_names[NS_COUNT];

struct ns_config {
    bool listed;        /* false: the caller's namespace is used */
    const char *path;   /* NULL: a new one; else the namespace to join, "/proc/N/ns/net" */
    const char *origin;
};

struct idmap {
    uint32_t inside, outside, count; /* containerID, hostID, size */
};

struct idmaps {
    struct idmap *list;
    size_t count;
};

struct mount_config {
    const char *destination;
    const char *type;      /* "bind" for binds, "remount" for those, whatever way they were spelled */
    const char *source;    /* NULL when there is none */
    char **options;        /* as in config.json; bind sources: "bind"/"rbind" included */
    struct idmaps uids, gids; /* empty: none of its own; with option "idmap" the container's */
    bool closed;           /* bocal: a bind of what nobody but the caller can reach, whatever ids the container has */
    const char *origin;
};

struct device_config {
    const char *path;
    const char *host_path; /* bocal: where it is on the host when not at path; may be NULL */
    char type; /* 'c' 'b' 'u' 'p' */
    uint32_t major, minor;
    bool has_mode, has_uid, has_gid;
    uint32_t mode, uid, gid;
    const char *origin;
};

struct rlimit_config {
    int resource;      /* RLIMIT_* */
    const char *name;  /* "RLIMIT_NOFILE" */
    uint64_t soft, hard; /* UINT64_MAX is unlimited */
    const char *origin;
};

struct key_value {
    const char *key, *value, *origin;
};

struct throttle {
    uint32_t major, minor;
    uint64_t rate;      /* bytes or operations a second; or a weight */
    const char *device; /* the path as given, for messages; may be NULL */
    const char *origin;
};

/* A limit is set when its origin is not NULL. DEFAULTED ones are left out where they cannot be
 * applied; the others are refused. */
struct limit {
    int64_t value;
    const char *origin;
    bool defaulted;
};

struct text_limit {
    const char *value, *origin;
};

struct huge_page_limit {
    const char *page_size; /* "2MB" */
    uint64_t limit;
    const char *origin;
};

struct rdma_limit {
    const char *device;
    int64_t handles, objects; /* -1: none given */
    const char *origin;
};

struct network_priority {
    const char *name;
    uint32_t priority;
    const char *origin;
};

struct resources {
    struct limit memory, memory_swap, memory_reservation, memory_swappiness;
    struct limit memory_kernel_tcp, oom_kill_disable;
    struct limit cpu_shares, cpu_quota, cpu_period, cpu_burst, cpu_idle, rt_runtime, rt_period;
    struct text_limit cpuset_cpus, cpuset_mems;
    struct limit pids, blkio_weight, class_id;
    struct throttle *read_bps, *write_bps, *read_iops, *write_iops, *weights;
    size_t n_read_bps, n_write_bps, n_read_iops, n_write_iops, n_weights;
    struct huge_page_limit *huge_pages;
    size_t n_huge_pages;
    struct rdma_limit *rdma;
    size_t n_rdma;
    struct network_priority *network_priorities;
    size_t n_network_priorities;
    struct device_rule *devices;
    size_t n_devices;
    struct key_value *unified;
    size_t n_unified;
    bool check_before_update; /* for update: no memory limit below what is used */
};

/* "0-3,7": processors or memory nodes. */
struct bit_list {
    const char *text; /* NULL: none given */
    unsigned long bits[16];
};

struct scheduler_config {
    const char *origin;   /* NULL: not asked for */
    const char *name;     /* "SCHED_BATCH" */
    uint64_t policy, flags; /* SCHED_*, SCHED_FLAG_* */
    int64_t nice, priority;
    uint64_t runtime, deadline, period; /* nanoseconds */
};

struct io_priority_config {
    const char *origin;   /* NULL: not asked for */
    const char *name;     /* "IOPRIO_CLASS_BE" */
    uint64_t class;
    int64_t priority;
};

/* Of set_mempolicy(2), which older headers lack. */
enum { CONFIG_PREFERRED_MANY = 5, CONFIG_WEIGHTED_INTERLEAVE = 6 };

struct memory_policy_config {
    const char *origin;   /* NULL: not asked for */
    const char *name;     /* "MPOL_BIND" */
    uint64_t mode, flags; /* MPOL_*, MPOL_F_* */
    struct bit_list nodes;
};

struct personality_config {
    const char *origin;   /* NULL: not asked for */
    const char *name;     /* "LINUX32" */
    uint64_t domain;      /* PER_* */
};

struct user_config {
    const char *name;   /* bocal: "name[:group]" to look up in the container's files, or NULL */
    uint32_t uid, gid;
    uint32_t *groups;   /* additionalGids */
    size_t n_groups;
    char **group_names; /* bocal: --group-add by name; NULL-terminated or NULL */
    bool has_umask;
    uint32_t umask;
    const char *origin; /* NULL: nobody asked, it is 0:0 */
};

struct process_config {
    bool terminal;
    uint16_t rows, columns;
    struct user_config user;
    char **args;
    char **env;
    const char *cwd;
    bool make_cwd; /* where it is missing */
    const char *args_origin, *cwd_origin;
    struct capabilities caps;
    const char *caps_origin;
    struct rlimit_config *rlimits;
    size_t n_rlimits;
    bool no_new_privileges;
    const char *apparmor_profile; /* NULL: none */
    bool apparmor_defaulted;      /* nobody asked for it: left out where the host cannot */
    const char *selinux_label;    /* NULL: none */
    bool has_oom_score_adj;
    int32_t oom_score_adj;
    struct scheduler_config scheduler;
    struct io_priority_config io_priority;
    struct bit_list affinity_initial, affinity_final; /* execCPUAffinity: of exec's processes only */
};

/* Where an overlay keeps what is written: on disk, or in a tmpfs that nobody else sees. */
enum upper_choice {
    UPPER_NONE, UPPER_DISK, UPPER_MEMORY,
    UPPER_AUTO,    /* in memory where that can be, else on disk */
    UPPER_FITTING, /* on disk where its file system can, else in memory */
    UPPER_COPY,    /* on disk, and all of the layers with it: no overlay */
    UPPER_COUNT,
};
extern const char *const upper_names[UPPER_COUNT]; /* NULL, "disk", "memory", "auto" */

/* Where the root file system comes from. */
struct root_config {
    const char *path;     /* the directory, when not an overlay */
    bool readonly;
    const char **lowers;  /* overlay: lower directories, topmost first; NULL when not an overlay */
    const char *model;    /* overlay: the one of these that the root directory itself is like; NULL: mode 0755, and root's */
    const char *container; /* overlay: the host directory that holds upper/ and work/ when on disk */
    enum upper_choice upper;
    const char *upper_origin;
    const char *origin;
};

/* Programs of the caller's, by when they run: runtime-spec config.md. */
enum hook_kind {
    HOOK_PRESTART, HOOK_CREATE_RUNTIME, HOOK_CREATE_CONTAINER, HOOK_START_CONTAINER, HOOK_POSTSTART, HOOK_POSTSTOP,
    HOOK_KINDS,
};

enum hook_output { HOOK_STDOUT, HOOK_STDERR, HOOK_OUTPUTS };

struct hook_config {
    const char *path;    /* absolute */
    char **args, **env;  /* NULL: the path alone; the caller's environment */
    int64_t timeout;     /* seconds; 0: none */
    const char *origin;
};

struct hook_list {
    struct hook_config *list;
    size_t count;
};

/* intelRdt: shares of caches and of memory bandwidth. */
struct rdt_config {
    const char *origin;   /* NULL: not asked for */
    const char *clos_id;  /* NULL: a group of the container's own; "/" the default one */
    const char *l3, *memory;
    char **schemata;      /* further lines; NULL: none */
    bool monitoring;
};

/* A network device of the host's that becomes the container's. */
struct net_device {
    const char *name;
    const char *inside; /* its name there, or a template that ends in "%d" */
    const char *origin;
};

struct hosts_files { /* bocal: generated files, content or NULL for none */
    const char *hosts, *hostname, *resolv_conf;
};

/* Who makes the container's cgroups: bocal, systemd (a scope), or nobody, so that it stays in its caller's. */
enum cgroup_manager { MANAGER_CGROUPFS, MANAGER_SYSTEMD, MANAGER_DISABLED, MANAGER_COUNT };
extern const char *const cgroup_manager_names[MANAGER_COUNT + 1]; /* NULL-terminated */

struct config {
    struct arena *arena;
    const char *oci_version;
    const char *text;     /* the JSON that it was read from, or NULL */
    struct root_config root;
    struct process_config process;
    const char *hostname, *hostname_origin; /* NULL: none */
    const char *domainname;
    struct mount_config *mounts;
    size_t n_mounts;
    struct ns_config namespaces[NS_COUNT];
    struct idmaps uid_mappings, gid_mappings;
    struct device_config *devices;
    size_t n_devices;
    const char *cgroups_path; /* NULL: chosen by bocal */
    struct resources resources;
    struct key_value *sysctls;
    size_t n_sysctls;
    struct key_value *annotations;
    size_t n_annotations;
    struct rdt_config rdt;
    struct net_device *net_devices;
    size_t n_net_devices;
    char **masked_paths, **readonly_paths;
    const char *rootfs_propagation; /* NULL: "rslave" seen from the host, "private" for bocal */
    const char *mount_label;        /* NULL: none */
    struct seccomp_program *seccomp; /* NULL: unconfined */
    const char *seccomp_text;        /* /linux/seccomp as JSON, before it is compiled; or NULL */
    const char *seccomp_listener;    /* the socket of who hears of SCMP_ACT_NOTIFY; NULL: nobody */
    const char *seccomp_metadata;    /* what it is told beside; or NULL */
    bool time_offset;                /* --uptime: the container's boot time is its start */
    int64_t boottime_offset;         /* nanoseconds */
    bool has_monotonic_offset;
    int64_t monotonic_offset;        /* nanoseconds */
    struct memory_policy_config memory_policy;
    struct personality_config personality;

    /* what bocal adds */
    bool init;            /* PID 1 is src/init */
    bool announce;        /* print the seed's line on both sides */
    bool explain_pause;   /* hold the command until the explanation is printed */
    const char *explain_origin;
    bool auto_userns;     /* no --userns was given: the planner chooses the maps from the facts */
    bool find_home;       /* HOME comes from the container's /etc/passwd */
    bool privileged;
    bool outlives;        /* the container, or the further process, goes on when who made it ends */
    bool recorded;        /* the container has a directory of its own, where those who drive the runtime find it */
    bool waits;           /* its command waits to be started */
    enum cgroup_manager cgroup_manager;
    bool same_keyring;    /* it keeps the caller's session keyring */
    bool no_pivot;        /* for a root that cannot be pivoted from: an initramfs */
    bool own_stdio;       /* pipes and sockets that it has as its standard fds become its user's */
    unsigned preserve_fds; /* how many above 2 the command inherits */
    bool keep_groups;     /* it keeps the caller's supplementary groups */
    const char *notify_dir; /* where the socket for what it announces is made (engine/notify.h); NULL: none */
    bool known_calls;     /* a filter with a system call that libseccomp does not know is an error */
    const char *hooks_output[HOOK_OUTPUTS]; /* files that hooks' standard output and error are appended to; or NULL */
    struct hosts_files files;
    struct hook_list hooks[HOOK_KINDS];
    char **volumes;       /* directories of the root that are there, and can be written even where the root cannot; or NULL */
    char **notes;         /* what was left out before there was a plan, for people; or NULL */
    const char *bundle;   /* the directory that it came from, for hooks; or NULL */
};

/* What MAPS make of the id INSIDE, or -1 where they have no such id. */
int64_t idmaps_outside(const struct idmaps *maps, uint32_t inside);

/* runtime-spec config-linux.md "Default Devices": the nodes that every container has (those that CONFIG lists
 * itself stay as they are), and rules to use them and the pseudo-terminals and to make nodes. */
void config_add_default_devices(struct config *config);
/* Whether DEVICE is one of these, by its numbers. */
bool config_is_default_device(const struct device_config *device);
