/* A digest over a whole tree: names, types, modes, owners, times, sizes, devices, links and their targets, extended attributes, and
 * what is in files. It finds what has been changed since; it is none against whoever can change what it is compared with. */
#pragma once

#include "archive/body.h"

#include <stdbool.h>

struct seal {
    char digest[DIGEST_TEXT];
    uint64_t entries;
};

/* Of the directory ROOT. FLAT: it was unpacked with one id, and owners on disk say nothing. BODIES: what is known of its files, which
 * are not read then; or NULL. digest_begin() was called before confinement. -errno with a sentence. */
int seal_tree(int root, bool flat, struct bodies *bodies, struct seal *seal);

/* The verb: the seal of descriptor 3 as a line of JSON. */
int verb_seal(char **words);
