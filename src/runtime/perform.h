/* What performs each op. 0 or more on success, -errno on failure. Those of HOST may leave a sentence;
 * those of INIT and JOINER neither allocate nor format. */
#pragma once

#include "runtime/execute.h"
#include "runtime/step_data.h"

typedef int performer(struct execution *x, const struct step *step);

extern performer *const performers_host[OP_COUNT];   /* perform_host.c */
extern performer *const performers_scope[OP_COUNT];  /* scope.c */
extern performer *const performers_restore[OP_COUNT]; /* perform_restore.c */
extern performer *const performers_mounts[OP_COUNT]; /* perform_mounts.c */
extern performer *const performers_files[OP_COUNT];  /* perform_files.c */
extern performer *const performers_process[OP_COUNT]; /* perform_process.c */

/* The channel: in execute.c. A message is {-token, 0} or, as a fault, {step, -errno}. */
int channel_send(struct execution *x, enum token token, const struct parcel *parcel);
int channel_wait(struct execution *x, enum token token, const struct parcel *parcel);

/* In execute.c: bears a process by clone3(2); in the child, runs ACTOR from the step after. */
int execute_clone(struct execution *x, const struct step *step);

/* In perform_user.c: looks up "name[:group]" in the container's files. */
int user_look_up(struct execution *x, const struct ids_spec *ids);

/* In perform_mounts.c: the attributes of SPEC, of MOUNT alone and of all below it. */
int mount_apply(int mount, const struct mount_spec *spec);

/* In perform_copy.c: OP_COPY_LAYERS. */
int copy_layers(struct execution *x, const struct step *step);

/* In perform_overlay.c: OP_OVERLAY. */
int mount_overlay(struct execution *x, const struct step *step);

/* In perform_overlay.c: "/proc/self/fd/N" into OUT, of FD_NAME_SIZE bytes. Returns its end. */
enum { FD_NAME_SIZE = 32 };
char *mount_name_fd(char *out, int fd);

/* In perform_mounts.c: unmounts what X's steps from FROM to the one that has failed have mounted, the last first. */
void mounts_take_back(struct execution *x, size_t from);

/* In perform_host.c: the OCI state of X's container as hooks of CONFIG read it, an fd, the caller's. */
int hook_state(const struct execution *x, const struct config *config, const char *status, int64_t pid);

/* What diagnoses a failed step for people: in remedies.c. Adds remedies to the recorded sentence. */
void remedies_add(const struct execution *x, const struct step *step, int error);
