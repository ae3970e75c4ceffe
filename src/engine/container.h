/* A container of bocal-runtime, as it is on disk: ROOT/ID/ holds
 *
 *     journal      what delete undoes; locked while the container is being made
 *     state.json   written when it is created: the OCI state, and what tells its process from a later one
 *     status       a link to it: crun's name for what it keeps, and so where its friends look
 *     notify/      the socket to which it announces what it has to (engine/notify.h), where its maker had one
 *     start        the socket at which its command waits, until it is started
 *
 * Its status is never stored: it is what the process and these files say now. runtime-spec runtime.md, "State". */
#pragma once

#include "base/arena.h"
#include "spec/config.h"
#include "spec/state.h"

#include <stdint.h>
#include <stdio.h>

struct container {
    struct arena *arena;
    const char *id, *dir; /* ROOT/ID */
    const char *oci_version, *bundle;
    int64_t pid;
    uint64_t start_time; /* of the process: proc_pid_stat(5), field 22 */
    const char *created; /* RFC 3339 */
    uint64_t owner;      /* uid of who created it */
    struct key_value *annotations;
    size_t n_annotations;
    bool systemd;        /* its cgroup is a scope of systemd's */
    bool late_hooks;     /* it has hooks for after its start, or its end */
};

enum container_status { CONTAINER_CREATING, CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_PAUSED, CONTAINER_STOPPED };
extern const char *const container_status_names[];

/* Ids name directories and cgroups: letters, digits and _+-. of at most 1024; those that begin with "." are
 * nobody's, as `list` has it. */
int container_check_id(const char *id);

/* ROOT/ID into CONTAINER. -ENOENT with a sentence when there is none; one without state.json is being created,
 * or was left so. */
int container_load(struct arena *arena, const char *root, const char *id, struct container *container);
/* Writes state.json, and CONFIG, the text of its configuration, beside it: what follows needs both. */
int container_save(const struct container *container, const char *config);

/* That configuration, into CONFIG and the container's arena. */
int container_config(const struct container *container, struct config *config);

/* Where its cgroups are: a path below the top, or what names a scope of systemd's; WANTED is what its configuration says,
 * or NULL. One that is relative is so to the top. */
const char *container_cgroups_path(struct arena *arena, const char *id, const char *wanted, enum cgroup_manager manager);

/* The directories of its cgroups, one a hierarchy, NULL-terminated, as the journal tells. */
int container_cgroups(const struct container *container, char ***dirs);

/* Its processes, N at *PIDS, as its cgroup tells; -EOPNOTSUPP with a sentence when it has none. */
int container_pids(const struct container *container, int64_t **pids, size_t *n);

enum container_status container_status(const struct container *container);
/* The same, and what it was seen by: PIDFD of its process, owned by the caller, or -1; and CGROUPS, or NULL. */
enum container_status container_look(const struct container *container, int *pidfd, char ***cgroups);

/* Those of its process that are not the caller's and can be entered, as CLONE_NEW*; CONFIG is what it was made with. */
int container_namespaces(const struct container *container, const struct config *config, uint64_t *namespaces);

/* Its process's id, or 0 when it has none in the state STATUS. */
int64_t container_live_pid(const struct container *container, enum container_status status);

/* The OCI state, which borrows from CONTAINER. */
struct oci_state container_state(const struct container *container, const char *status, int64_t pid);

/* The same, as it is now, as JSON. */
void container_print(const struct container *container, FILE *out);

/* A pidfd of its process, owned by the caller; -ESRCH without a sentence when it has ended: a pid that
 * somebody else has now is not it. */
int container_pidfd(const struct container *container);
