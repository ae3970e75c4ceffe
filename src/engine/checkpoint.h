/* Dumping a container with criu(8), and what such a dump tells of it. Beside criu's images lie two lists of strings as
 * JSON: descriptors.json, what the standard fds were, as runc and crun write it; and external-mounts.json, of
 * each mount that came from the host its place and what the configuration calls that. */
#pragma once

#include "runtime/criu.h"
#include "runtime/plan.h"
#include "spec/config.h"

/* Of a checkpoint and of a restore alike. */
struct checkpoint_options {
    const char *images;   /* the directory; NULL: "checkpoint", where the caller is */
    const char *work;     /* for logs; NULL: IMAGES */
    const char *parent;   /* earlier images, relative to IMAGES; or NULL */
    const char *lsm_profile, *lsm_mount_context; /* restore: others than it had */
    const char *empty_namespace;                 /* "network": it comes without its devices; or NULL */
    unsigned cgroups;     /* of checkpoint_cgroup_words */
    bool leave_running, pre_dump, tcp_established, tcp_in_flight, unix_sockets, shell_job, file_locks, auto_dedup;
};
extern const char *const checkpoint_cgroup_words[]; /* NULL-terminated; the first is the default */

/* Dumps the container ID, which has ended then unless it is to go on. -errno with a sentence; then it goes on as before. */
int checkpoint_run(const char *root, const char *id, const struct checkpoint_options *options);

/* What a restore is asked for: with the fds of REQUEST its owner is the caller, who closes them. */
struct checkpoint_images {
    struct criu_request request;
    struct restore_source source;
};

/* Opens images and reads their lists, into CONFIG's arena. */
int checkpoint_open(const struct checkpoint_options *options, const struct config *config, struct checkpoint_images *images);
void checkpoint_close(struct checkpoint_images *images);
