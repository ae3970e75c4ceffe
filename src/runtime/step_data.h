/* What a step's `data` points to, op by op. Written by the planner, read by the executor, both
 * actors in their own copy of the same memory. */
#pragma once

#include "runtime/criu.h"
#include "runtime/hook.h"
#include "spec/config.h"
#include "runtime/plan.h"

/* MOUNT, BIND, BIND_OPEN, ATTACH, OVERLAY: the mount options of one mount, parsed. */
struct mount_spec {
    const char *type;
    uint64_t set, clear;         /* MOUNT_ATTR_* of this mount */
    uint64_t set_all, clear_all; /* MOUNT_ATTR_* of it and all below it */
    uint64_t propagation;        /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE or 0 */
    bool propagate_all;
    bool recursive;              /* rbind */
    bool copy_up;                /* tmpcopyup */
    bool idmap;                  /* through SLOT_USERNS, or UIDS and GIDS */
    bool idmap_all;              /* ... and what is mounted below it */
    bool chown;                  /* U */
    bool src_nofollow;           /* the source is the link itself */
    bool dest_nofollow;          /* and so is what is mounted over */
    bool copy_link;              /* copy-symlink */
    const char **unknown;        /* words that are no option of a bind; NULL-terminated, or NULL */
    bool create_file;            /* the missing target of a bind: decided by the source */
    bool strict;                 /* the target's path must be free of symlinks: /proc, /sys */
    const char **settings;       /* fsconfig keys and values in pairs, NULL-terminated; value NULL is a flag */
    const struct idmaps *uids, *gids; /* an idmap of its own */
};

/* TARGET: a process that PIDFD, the caller's, is known to be of; or, where that is -1, who began at START_TIME. */
struct target_spec {
    uint64_t start_time;
    int pidfd;
};

/* As many as overlayfs takes: OVL_MAX_STACK. */
enum { MAX_LAYERS = 500 };

/* How overlayfs is told of its layers, by kernel version. */
enum layer_api {
    LAYERS_JOINED, /* by mount(2), which takes all options in one page: MAX_JOINED names in /proc/self/fd */
    LAYERS_NAMED,  /* lowerdir+ since 6.7: a string each */
    LAYERS_FDS,    /* since 6.13; detached ones since 6.15 */
};
enum { MAX_JOINED = 200 };

struct overlay_spec {
    const char *base;       /* the one directory that all lowers lie below, without its slash; NULL: they are opened one by one */
    const char **lowers;     /* topmost first */
    int model;               /* which of them the root directory has mode, owner and time of; or -1 */
    enum layer_api api;
    const char *container;   /* holds upper/ and work/; NULL: a tmpfs, made with the overlay */
    uint32_t owner;          /* of that tmpfs' directories, as the maker sees ids */
    bool idmapped;           /* lowers through SLOT_USERNS */
    bool userxattr;
    bool readonly;
    bool nodev;
};

/* COPY_LAYERS */
struct copy_spec {
    const char **lowers;   /* topmost first */
    int model;             /* as above */
    const char *container; /* holds upper/, which becomes the root, and work/ */
    const char *opaque;    /* the attribute by which directories hide what lies below */
};

/* MAP_IDS */
struct map_spec {
    struct idmaps uids, gids;
    const char *newuidmap, *newgidmap; /* NULL: written directly */
    bool deny_setgroups;
    enum slot process;                 /* SLOT_INIT or SLOT_JOINER */
};

/* SEND, WAIT: the slots whose fds travel along, SLOT_NONE ends. */
struct parcel {
    enum slot slots[MAX_MOUNTS + 4];
};

enum { SHIM_WORDS = 5 };

/* BECOME, step.mode: setgroups(2) is denied in single-id namespaces, and a joined one may be such. */
enum { MAY_BE_DENIED = 2 };

/* LAYER, step.flags: INIT is somebody else than HOST. */
enum { PASSABLE = 1 };

/* CLOSE, step.flags: at once, for INIT waits, and others may look at its fds meanwhile. */
enum { CLOSE_NOW = 1 };

/* SYMLINK, step.flags: one that is there already and says the same will do. */
enum { SAME_LINK = 1 };

/* PIVOT, step.flags: the old root stays below the new one. */
enum { COVER = 1 };

/* SECCOMP, step.flags: no_new_privs is not set, so that the filter needs CAP_SYS_ADMIN. */
enum { WITH_CAPS = 1 };

/* USER, IDS */
struct ids_spec {
    const struct user_config *user;
    bool setgroups; /* false in a single-id namespace, where it is denied */
    bool own_stdio; /* the standard fds become the user's */
    bool joined;    /* a namespace that may be such a one */
};

/* SECCOMP. NOTICE, for who listens: between its pieces comes INIT's number. */
enum { NOTICE_PIECES = 3 };
struct filter_spec {
    const struct seccomp_program *program;
    const char *notice[NOTICE_PIECES];
};

/* SCOPE, SCOPE_SET */
struct scope_spec {
    const char *run, *control;  /* systemd-run(1), systemctl(1) */
    const char *unit, *slice;
    char **properties;          /* "NAME=VALUE", NULL-terminated */
    bool user;                  /* the caller's own manager */
};

/* HOOK */
struct hook_spec {
    const struct hook_config *hook;
    struct hook_limits limits; /* without caps: the caller's program, with the runtime's rights */
    enum slot output[HOOK_OUTPUTS]; /* SLOT_NONE: kept for the sentence of its failure */
};

/* HOOK_STATE: what the state says but for the pid. */
struct state_spec {
    const struct config *config;
    const char *status;
};

/* RESTORE */
struct restore_spec {
    struct criu_request request;
    const struct config *config;         /* its hooks, and what they are told */
    const struct criu_pair *namespaces;  /* somebody's, which criu inherits: its name for it and the file */
    size_t n_namespaces;
    const char *work;                    /* where its log is, for people */
};

struct exec_spec {
    char **shim_argv; /* bocal-init's own five words, then the command's */
    char **env;       /* has room for one more: HOME */
    size_t n_env;
    bool has_home;
    const char *path; /* PATH of env, for FIND */
    bool stay;        /* bocal-init stays as PID 1 */
};
