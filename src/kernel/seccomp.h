/* seccomp(2): installing a compiled filter. Compiling one is seccomp_compile.h. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/* What seccomp(2) takes, and what --explain says about it. */
struct seccomp_program {
    const struct sock_filter *instructions;
    size_t count;
    uint32_t flags;      /* SECCOMP_FILTER_FLAG_* */
    const char *profile; /* "default profile", a path, "/linux/seccomp" */
    unsigned allowed, refused, checks; /* system calls by verdict; with checked arguments */
};

/* Installs the filter on the calling thread. Needs no_new_privs or CAP_SYS_ADMIN. -errno. INIT's. */
int seccomp_install(const struct seccomp_program *program);
