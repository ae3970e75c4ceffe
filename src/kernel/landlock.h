/* Landlock (Linux 5.13): a process gives up file system rights for good. Bare calls, no policy. */
#pragma once

#include <stddef.h>

enum landlock_rights {
    LANDLOCK_READS = 1,  /* files read, directories listed */
    LANDLOCK_WRITES = 2, /* regular files made, written, truncated, renamed within a directory, removed */
};

struct landlock_rule {
    int fd; /* a file, or a directory and all below it; may be O_PATH */
    unsigned rights;
};

/* From now on the calling thread, and what it starts, has only what RULES allow, binds no TCP port, and reaches no
 * abstract sockets and signals outside, as far as the kernel knows of each. Needs no_new_privs or CAP_SYS_ADMIN. 0; -ENOSYS where
 * there is no Landlock; -errno. No sentence. */
int landlock_confine(const struct landlock_rule *rules, size_t count);
