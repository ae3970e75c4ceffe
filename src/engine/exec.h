/* `bocal-runtime exec`: a further process in a container that runs. */
#pragma once

#include "base/option.h"

struct exec_options {
    const char *root, *id;
    const char *process_file;       /* a process as JSON; NULL: the container's own, with what follows changed */
    char **args;                    /* the command, NULL-terminated; empty with a process file */
    const char *cwd, *user, *apparmor, *process_label;
    struct word_list env, caps, gids;
    bool tty, no_new_privs;
    bool detach, ignore_paused;
    const char *pid_file, *console_socket;
    const char *cgroup;             /* "[CONTROLLER,...:]PATH" below the container's own */
    int preserve_fds;               /* how many above 2 it inherits; not negative */
};

/* Returns the process's exit status, 0 at once when detached, or -errno with a sentence. */
int exec_run(const struct exec_options *options);
