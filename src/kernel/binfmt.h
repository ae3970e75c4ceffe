/* binfmt_misc: programs that run those of other machines (Documentation/admin-guide/binfmt-misc.rst). */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

#define BINFMT_DIRECTORY "/proc/sys/fs/binfmt_misc"

struct binfmt_handler {
    const char *name, *interpreter;
    bool fixed; /* flag F: the interpreter is open already, and need not be in a container */
};

/* The enabled handler of DIRECTORY that Linux would give a program of ARCHITECTURE (Go's word) to. -ENOENT without a sentence
 * where there is none, or no binfmt_misc; -errno with one. */
int binfmt_find(struct arena *arena, const char *directory, const char *architecture, struct binfmt_handler *handler);
