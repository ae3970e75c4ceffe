/* What tools/embed-image makes of busybox at build time. */
#pragma once

#include <sys/types.h>

/* A directory, a symlink (TARGET), or a file (CONTENT). */
struct embedded_entry {
    const char *path, *target, *content;
    mode_t mode;
};

extern const struct embedded_entry embedded_entries[]; /* ends with path NULL */
extern const char embedded_digest_text[];
extern const char embedded_busybox_start[], embedded_busybox_end[];
