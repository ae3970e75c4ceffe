/* The host, probed once. plan_build() decides everything from a configuration and these facts and
 * makes no system call, so a plan can be built for any host: --facts FILE reads them from JSON,
 * which is how the golden tests see kernels and set-ups that this machine is not. */
#pragma once

#include "kernel/cgroup.h"
#include "spec/config.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

struct source_fact {
    const char *path;
    const char *fs;          /* "ext4" */
    bool idmap;              /* takes id-mapped mounts */
    uint32_t uid;            /* its owner */
    const char *link;        /* with copy-symlink: what it is a link to; NULL: it is none */
};

/* The resctrl file system, where the configuration wants shares. */
struct rdt_facts {
    const char *mount;    /* NULL: not mounted */
    bool exists;          /* the group that closID names is there */
    const char *schemata; /* what it has in its file of that name; or NULL */
};

/* Systemd, where the configuration wants it to make the container's cgroup. */
struct systemd_facts {
    const char *run, *control; /* systemd-run(1), systemctl(1): absolute paths, or NULL */
    const char *root;          /* the cgroup of the caller's manager, as a directory; NULL: systemd does not run here */
    uint32_t controllers;      /* bit per controller that it has */
    bool user;                 /* it is the caller's own manager, not the machine's */
};

struct facts {
    uint32_t uid, gid;       /* effective, of the caller */
    const char *user;        /* login name, or the decimal uid */
    uint64_t capabilities;   /* effective, in the caller's user namespace */
    bool in_userns;          /* the caller is not in the initial user namespace */
    struct idmaps own_ids;   /* what the caller's user namespace has; .outside is its parent's */
    unsigned kernel;         /* major << 16 | minor */

    uint64_t max_userns;     /* user.max_user_namespaces; 0 forbids */
    bool userns_restricted;  /* kernel.apparmor_restrict_unprivileged_userns=1 */
    bool userns_clone;       /* kernel.unprivileged_userns_clone is absent or 1 */
    bool idmap_root;         /* the root's file system takes id-mapped mounts */
    const char *root_fs;     /* its name: "ext4" */
    bool overlay;            /* the kernel has overlayfs, and on this file system */
    bool tmpfs_xattr;        /* tmpfs keeps user.* attributes, which overlayfs needs in a user namespace */
    bool proc_masked;        /* something is mounted over parts of the caller's /proc */

    struct source_fact *sources; /* what binds come from */
    size_t n_sources;

    struct idmaps subuid, subgid;  /* ranges of the caller; .inside is unused */
    const char *newuidmap, *newgidmap; /* absolute path, or NULL */

    bool apparmor, selinux;      /* the former only where the configuration names a profile */
    bool apparmor_loaded;        /* the kernel has the default profile */
    bool apparmor_hidden;        /* no securityfs: profiles can be neither listed nor loaded */
    const char *apparmor_parser; /* absolute path where the caller may load it, or NULL */
    bool time_ns;
    bool setid_dumpable;         /* fs.suid_dumpable=1: a change of ids leaves a process open to tracers */
    unsigned null_stdio;         /* bit per standard fd of the caller's that is the null device */
    unsigned own_namespaces;     /* bit per ns_kind whose path in the configuration is the caller's own */
    struct rlimit limits[RLIM_NLIMITS]; /* the caller's; those that the configuration sets */
    char **huge_pages;       /* sizes, "2MB", where the configuration limits any; or NULL */
    struct rdt_facts rdt;
    struct systemd_facts systemd;
    struct cgroup_facts cgroup;
    const char *state_dir;   /* /run/bocal or $XDG_RUNTIME_DIR/bocal */
};

#define KERNEL(major, minor) ((unsigned)(major) << 16 | (unsigned)(minor))

/* This host's, as KERNEL(). */
unsigned facts_kernel(void);

/* Overlayfs takes layers by fd, and they need not be attached anywhere (clone_private_mount()). */
#define DETACHED_LAYERS KERNEL(6, 15)

/* Probes this host for what CONFIG touches: its root and the sources of its binds. Strings live in
 * the configuration's arena. -errno with a sentence. */
int facts_probe(const struct config *config, struct facts *facts);

/* Only who the caller is, and which ids he has ranges of. */
void facts_probe_user(struct arena *arena, struct facts *facts);

/* The maps that the file PATH has, such as /proc/1/uid_map; none where it cannot be read. */
struct idmaps facts_idmaps(struct arena *arena, const char *path);

/* Only what plan_exec() and plan_add_mounts() ask about: CONFIG is of a container that exists already. */
int facts_probe_exec(const struct config *config, struct facts *facts);

/* Reads facts from JSON (docs/architecture.md, "Facts"). NAME is for messages. */
int facts_decode(struct arena *arena, const char *text, size_t length, const char *name,
                 struct facts *facts);

/* Whether what a container writes can lie on the file system that its layers are on: overlayfs takes as upper none that is
 * another overlay, and none that others change. */
bool facts_upper_fits(const struct facts *facts);

/* May the caller create user namespaces? If not, records why and the remedy, and returns -EPERM. */
int facts_userns(const struct facts *facts);
