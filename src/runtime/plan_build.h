/* Between the files of the planner only: the builder, and the parts of the assembly in their order. */
#pragma once

#include "runtime/plan.h"
#include "runtime/step_data.h"

/* How the container's ids come about. */
struct ids {
    bool fresh;          /* a new user namespace */
    bool joined;         /* somebody else's */
    bool single;         /* one id only: setgroups is denied, there is nobody else to become */
    uint32_t inside_uid, inside_gid; /* what INIT becomes while it assembles */
    struct map_spec map;
    bool idmapped_root;  /* the root's files keep their ids on disk, mounts map them */
    bool host_overlay;   /* HOST makes the overlay (Linux 6.15 takes detached layers) */
};

/* A directory that the container has in one hierarchy. */
struct cgroup_dir {
    const char *directory, *name;
    bool v2;
    enum slot slot;
};

struct builder {
    struct arena *arena;
    const struct config *config;
    const struct facts *facts;
    const char *id;
    struct plan *plan;
    struct ids ids;
    uint64_t born;       /* CLONE_NEW* that the birth itself makes */
    bool joins;          /* there is a JOINER */
    bool host_network;   /* HOST makes the network namespace */
    const struct parcel *ready;       /* what travels with TOKEN_READY, or NULL */
    const struct step *device_filter; /* HOST attaches it while INIT works; or NULL */
    const char *apparmor; /* the profile that INIT takes on, or NULL */
    bool exec;           /* a further process of a container that runs */
    const struct exec_target *target; /* of which one; or NULL */
    enum actor opener;   /* who opens the sources of binds for INIT */
    bool listened;       /* the filter has notifications */
    bool clone_into;     /* SLOT_CGROUP is where INIT is born */
    bool copied;         /* the layers are copied: there is no overlay */
    bool memory_upper;   /* what is written into the overlay is kept in a tmpfs */
    bool devices;        /* /dev is the container's own tmpfs */
    bool host_dev;       /* HOST makes it */
    bool devices_made;   /* and has its nodes */
    bool generated;      /* /etc/hosts and its like are there */
    bool masks_open;     /* SLOT_EMPTY and SLOT_NULL are there */
    bool userns_open;    /* SLOT_USERNS is there for a mount's sake */
    enum slot lowers;    /* the id-mapped layers, where INIT attaches them */
    size_t n_mounts;     /* slots of SLOT_MOUNT used so far */
    enum slot *mount_slots; /* per config mount: the slot of its detached source, or SLOT_NONE */
    const struct mount_config *readonly_cgroup; /* v1: made read-only after the last mount */
    char *state;         /* the container's directory below facts->state_dir */
    uint32_t controllers;      /* bit per enum controller that something needs */
    const char *scope;         /* the directory of systemd's scope, or NULL: bocal makes the cgroups */
    struct scope_spec *scope_spec;
    struct cgroup_dir *cgroups;
    size_t n_cgroups;
    struct step *cgroup_sets;  /* written once the directories are there */
    size_t n_cgroup_sets;
    struct parcel *parcel; /* what travels with TOKEN_IDS */
    size_t n_parcel;
};

/* Appends STEP and returns it, for the optional fields. */
struct step *plan_add(struct builder *b, struct step step);
void plan_note(struct builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *plan_text(struct builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The slot's fd travels to INIT with TOKEN_IDS. */
void plan_parcel(struct builder *b, enum slot slot);

int plan_choose_ids(struct builder *b);          /* plan_ids.c */
struct builder plan_begin(const struct config *config, const struct facts *facts, const char *id,
                          struct plan *plan);    /* plan_build.c */
int plan_prepare(struct builder *b);             /* plan_birth.c */
int plan_apparmor(struct builder *b);            /* plan_birth.c: the default profile where the host can */
void plan_shim(struct builder *b);               /* plan_birth.c */
void plan_clone(struct builder *b, enum actor by, uint64_t flags, enum slot out); /* plan_birth.c */
void plan_die_with(struct builder *b, enum actor by);   /* plan_birth.c */
void plan_own_values(struct builder *b);         /* plan_birth.c: by who is born first */
void plan_hide(struct builder *b);               /* plan_birth.c: who joins, from those whom it joins */
void plan_become(struct builder *b, enum actor by);     /* plan_birth.c */
void plan_bear(struct builder *b);               /* plan_birth.c: INIT, by JOINER */
int plan_birth(struct builder *b);               /* plan_birth.c */
void plan_network_enter(struct builder *b);      /* plan_network.c: INIT takes over what HOST has made */
int plan_cgroup_prepare(struct builder *b);      /* plan_cgroup.c */
bool plan_cgroup_on_v2(const struct builder *b, enum controller controller); /* plan_cgroup.c */
/* plan_cgroup.c: why no limit of CONTROLLER can be applied; NULL where it can. */
const char *plan_cgroup_why_not(struct builder *b, enum controller controller);
/* plan_cgroup.c: the container's directory for CONTROLLER, marked as needed; or a refusal. */
int plan_cgroup_need(struct builder *b, enum controller controller, const char *origin, const char **directory);
/* plan_cgroup.c: VALUE is written to FILE there once all directories are made. */
void plan_cgroup_set(struct builder *b, const char *directory, const char *file, const char *value, const char *why);
int plan_limits(struct builder *b);              /* plan_limits.c */
int plan_scope(struct builder *b);               /* plan_scope.c: its name and place */
int plan_scope_add(struct builder *b);           /* plan_scope.c: of b->cgroup_sets, once all are known */
int plan_scope_set(struct builder *b);           /* plan_scope.c: systemd is told of them */
void plan_scope_leave(struct builder *b);        /* plan_scope.c: INIT is in it */
bool plan_cgroup_can(struct builder *b, enum controller controller); /* plan_cgroup.c: a limit of it can be applied */
void plan_cgroup_open(struct builder *b);        /* plan_cgroup.c: of b->cgroups */
void plan_cgroup_join(struct builder *b, enum actor by); /* plan_cgroup.c */
int plan_mount_sources(struct builder *b);       /* plan_files.c: what HOST opens for INIT */
int plan_mount_slot(struct builder *b, const char *origin, enum slot *slot); /* plan_files.c: a free one */
/* plan_files.c: b->opener opens what MOUNT binds, where INIT cannot, or it is for a container that runs. */
int plan_bind_source(struct builder *b, const struct mount_config *mount, enum slot *slot);
const struct source_fact *plan_source(const struct facts *facts, const char *path); /* plan_mounts.c: or NULL */
/* plan_mounts.c: its options, and the container's label. */
int plan_mount_parse(struct builder *b, const struct mount_config *mount, struct mount_spec *spec);
/* plan_mounts.c: what SPEC, of MOUNT, cannot have; warns of what is left out of it. */
int plan_mount_check(struct builder *b, const struct mount_config *mount, const struct mount_spec *spec);
/* plan_mounts.c: the source is a link, and its text is wanted in place of a mount. */
bool plan_link(struct builder *b, const struct mount_config *mount, const struct mount_spec *spec);
void plan_copy_link(struct builder *b, const struct mount_config *mount); /* plan_mounts.c */
enum slot plan_covers_root(const struct mount_config *mount); /* plan_mounts.c: SLOT_ROOT where it becomes the root */
bool plan_forbids_devices(const struct builder *b); /* plan_files.c: what is a device in what the container is given, is none */
int plan_root_sources(struct builder *b);        /* plan_root.c: what HOST opens */
int plan_root(struct builder *b);                /* plan_root.c */
void plan_volumes(struct builder *b); /* plan_mounts.c: the directories of the root that are to be there */
bool plan_is_dev(const struct mount_config *mount);   /* plan_devices.c: the mount of the container's /dev */
int plan_host_dev(struct builder *b, const struct mount_config *mount); /* plan_devices.c: HOST makes it, if it can */
void plan_devices(struct builder *b, bool last); /* plan_devices.c: what INIT makes in it; LAST: no mount is to come */
int plan_namespace_values(struct builder *b);   /* plan_files.c */
int plan_files(struct builder *b);               /* plan_files.c */
void plan_terminal(struct builder *b);           /* plan_files.c */
int plan_cgroup_mount(struct builder *b, const struct mount_config *mount); /* plan_cgroup.c */
int plan_sysctls(struct builder *b);             /* plan_sysctl.c */
void plan_ready(struct builder *b);              /* plan_identity.c: INIT waits for what HOST does beside it */
void plan_hooks_output(struct builder *b);       /* plan_hooks.c: where what they say goes */
void plan_hooks(struct builder *b);              /* plan_hooks.c: those before the pivot */
void plan_hooks_of_start(struct builder *b, const struct capabilities *caps);     /* plan_hooks.c: those before the command */
int plan_identity(struct builder *b);            /* plan_identity.c */
int plan_rdt(struct builder *b);                 /* plan_rdt.c: groups of the resctrl file system */
void plan_rdt_join(struct builder *b);           /* plan_rdt.c: HOST puts INIT into them */
int plan_net_check(struct builder *b);           /* plan_network.c: whether devices can be moved */
void plan_net_host(struct builder *b);           /* plan_network.c: HOST makes the network namespace */
void plan_net_devices(struct builder *b);        /* plan_network.c: HOST moves devices into another's */
void plan_affinity(struct builder *b, const struct bit_list *cpus, enum slot of, const char *name); /* plan_schedule.c */
void plan_notify(struct builder *b);             /* plan_notify.c: where the command announces that it is ready */
int plan_listener(struct builder *b);            /* plan_seccomp.c: HOST connects to who listens */
void plan_outer_pid(struct builder *b);          /* plan_seccomp.c: INIT learns its number */
void plan_filter(struct builder *b);             /* plan_seccomp.c */
void plan_init_values(struct builder *b);        /* plan_schedule.c: what HOST sets on INIT, once that is born */
bool plan_is_raised(const struct builder *b, const struct rlimit_config *limit); /* above the caller's: HOST sets it */
const char *plan_limit_text(struct builder *b, const struct rlimit_config *limit);
int plan_own_schedule(struct builder *b);        /* plan_schedule.c: what INIT sets on itself */
