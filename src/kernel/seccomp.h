/* seccomp(2): installing a compiled filter. Compiling one is seccomp_compile.h. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
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

/* Whether any verdict of the filter is somebody else's: seccomp_unotify(2). */
bool seccomp_notifies(const struct seccomp_program *program);

/* The same for such a filter. Its listener goes to SOCKET with the message TEXT, of COUNT pieces; not one system call
 * is made under the filter before it has. -errno. INIT's, which must have but one thread. */
struct iovec;
int seccomp_install_listened(const struct seccomp_program *program, int socket, const struct iovec *text, size_t count);
