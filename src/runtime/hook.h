/* Hooks: programs of the caller's that are run on the way. runtime-spec config.md, "POSIX-platform Hooks". */
#pragma once

#include "spec/config.h"

enum { HOOK_OUTPUT = 512 };

struct hook_result {
    int32_t status;            /* as wait(2) has it */
    char output[HOOK_OUTPUT];  /* the beginning of what it wrote, NUL-terminated */
};

/* What a hook of the container's may do, whose program is the container's: no more than its command. */
struct hook_limits {
    const struct capabilities *caps;
    const struct seccomp_program *filter; /* NULL: none */
};

/* What a hook reads and writes: fds. The state is a file. Without one for its output or its errors (-1) the beginning of
 * that is kept. */
struct hook_fds {
    int state, output[HOOK_OUTPUTS];
};

/* Opens the file PATH to append what hooks say; the caller owns the fd. Bare: -errno. */
int hook_open_output(const char *path);

/* Runs HOOK with FDS, within LIMITS unless that is NULL, and waits for its end or its time-out. 0, -EPROTO when it
 * failed (see RESULT), -ETIMEDOUT when it was killed, or the reason why it could not be executed. Neither allocates nor
 * formats nor leaves a sentence: HOST's and INIT's. */
int hook_run(const struct hook_config *hook, const struct hook_limits *limits, const struct hook_fds *fds,
             struct hook_result *result);

/* The sentence of such a failure. */
int hook_describe(const struct hook_config *hook, const struct hook_result *result, int error);
