/* What an OCI runtime does to containers: runtime-spec runtime.md, "Operations". Each returns 0, or -errno with
 * a sentence. ROOT is the directory of all containers. */
#pragma once

#include "engine/checkpoint.h"
#include "spec/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct create_options {
    const char *root, *bundle, *id;
    const char *config;         /* NULL: BUNDLE/config.json */
    const char *pid_file;       /* NULL: none */
    const char *console_socket; /* NULL: none */
    int preserve_fds;           /* how many above 2 the command inherits; not negative */
    enum cgroup_manager cgroup_manager;
    bool no_pivot, no_new_keyring;
    const struct checkpoint_options *checkpoint; /* of a restore; NULL: it is a new container */
};

int lifecycle_create(const struct create_options *options);
int lifecycle_start(const char *root, const char *id);
/* With FORCE a running one is ended first, and one that does not exist is no failure. */
int lifecycle_delete(const char *root, const char *id, bool force);
/* Create, start, wait, delete, in the foreground. Returns the command's exit status. */
int lifecycle_run(const struct create_options *options, bool keep);
/* A container that goes on where OPTIONS' checkpoint was; unless DETACHed its end is waited for, and it is deleted, and
 * its exit status returned. */
int lifecycle_restore(const struct create_options *options, bool detach);
int lifecycle_state(const char *root, const char *id, FILE *out);
/* Ids only when QUIET; one JSON array when JSON; else a table. */
int lifecycle_list(const char *root, bool json, bool quiet, FILE *out);
