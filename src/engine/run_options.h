/* What `bocal run` was asked for, word for word: the option table of command/run.c fills this and
 * engine/run_config.c turns it into a struct config. Strings point into argv (never NULL in lists);
 * a NULL string is an option that was not given. */
#pragma once

#include "base/option.h"
#include "spec/config.h"

#include <stdbool.h>
#include <stddef.h>

enum explain_mode { EXPLAIN_OFF, EXPLAIN_TEXT, EXPLAIN_JSON };
enum upper_mode { WRITES_WHERE_BEST, WRITES_DISK, WRITES_MEMORY, WRITES_COPY };
enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER, PULL_NEWER };
enum dry_run_mode { DRY_RUN_OFF, DRY_RUN_PLAN, DRY_RUN_JSON, DRY_RUN_OCI };

struct run_options {
    /* what to run */
    const char *bundle; /* DIR with a config.json that says everything */
    const char *rootfs; /* DIR, or DIR:O for an overlay over it */
    const char *image;  /* NULL: the embedded image */
    const char *platform; /* OS/ARCH[/VARIANT] of it; NULL: this machine's */
    enum pull_policy pull;
    const char **command; /* NULL-terminated, may be empty */
    const char *name, *entrypoint, *workdir, *user, *hostname, *domainname;
    struct word_list env, env_files, group_add;
    bool interactive, tty, rm, no_init, announce, read_only, privileged, uptime;
    bool no_sig_proxy, no_healthcheck;
    const char *stop_signal, *stop_timeout, *timeout, *umask, *oom_score_adj, *detach_keys;
    /* namespaces: host | private | container:PID | none (network) */
    const char *pid, *ipc, *uts, *network, *userns, *cgroupns;
    struct word_list uid_maps, gid_maps;
    /* files */
    enum upper_mode upper;
    struct word_list volumes, mounts, tmpfs, devices;
    const char *shm_size;
    struct word_list add_hosts, dns, dns_search, dns_options;
    /* limits */
    const char *memory, *memory_swap, *memory_reservation, *memory_swappiness;
    const char *cpus, *cpu_shares, *cpu_period, *cpu_quota, *cpuset_cpus, *cpuset_mems;
    const char *pids_limit, *blkio_weight, *cgroup_parent;
    enum cgroup_manager cgroup_manager;
    struct word_list device_read_bps, device_write_bps, device_read_iops, device_write_iops;
    struct word_list ulimits, sysctls;
    /* protections */
    struct word_list cap_add, cap_drop, security_opt, annotations;
    /* see into it */
    enum explain_mode explain;
    enum dry_run_mode dry_run;
    const char *facts;   /* --facts FILE: plan for another host (with --dry-run) */
    int fail_at, kill_at; /* test builds: step number, 0 is none */
};
