/* What tools/embed-image makes of busybox at build time. */
#pragma once

#include <sys/types.h>

/* A directory, a symlink (TARGET), or a file (CONTENT, from 1). Characters and no pointers, as there are hundreds: what
 * the loader need not relocate costs no start a page. */
struct embedded_entry {
    char path[32], target[16];
    unsigned content;
    mode_t mode;
};

extern const struct embedded_entry embedded_entries[]; /* ends with an empty path */
extern const char *const embedded_contents[];
extern const char embedded_digest_text[];
extern const char embedded_busybox_start[], embedded_busybox_end[];
