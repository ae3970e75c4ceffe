/* Giving up what a parser of hostile bytes has no need of, before it reads the first: capabilities, Landlock (Linux 5.19,
 * where the kernel has it), system calls. */
#pragma once

#include <stddef.h>

struct confinement {
    int write;       /* the directory below which everything may be made and removed; -1: none */
    const int *read; /* directories below which files may be read */
    size_t reads;
};

/* For the calling thread and those that it will make; so before the first. Files that are open stay so. -errno with a
 * sentence. In sanitized builds it does nothing, for sanitizers look around. */
int confine(const struct confinement *confinement);
