/* bocal-archive load: an archive of images into a directory of blobs. */
#pragma once

#include "archive/blobs.h"
#include "archive/members.h"

struct load {
    struct arena *arena;
    struct arena *scratch; /* as long as one image is looked at */
    struct blobs blobs;    /* in fd 3 */
    struct members members;
    uint64_t images; /* told */
    const char *only; /* the name of the one that is wanted; NULL: all */
    char **seen;      /* names that are not wanted, the first few, NULL-terminated */
    size_t n_seen;
};

/* Whether an image called NAME (NULL: no) is wanted: word for word, or as a reference that means it. Notes one that is not. */
bool load_wants(struct load *load, const char *name);

/* -ENOENT with a sentence: none is, and what there is. */
int load_nothing_wanted(const struct load *load);

/* The images of an OCI layout (index.json), and of Docker's manifest.json. Each is checked, what
 * belongs to it is kept, and one line is written to standard output. */
int load_oci(struct load *load);
int load_docker(struct load *load);

/* Its line. NAMES is NULL-terminated; ABSENT counts manifests that its index names and that are not
 * there. */
void load_tell(struct load *load, char *const *names, const struct descriptor *top,
               uint64_t absent);

/* The options --limit and --ratio in WORDS, of VERB, or what is allowed without them; with ONLY that one, too. -errno with a sentence. */
int limits_read(const char *verb, char **words, struct limits *limits, const char **only);

/* Options in WORDS, archive at fd 0, directory at fd 3. 0 or -errno with a sentence. */
int verb_load(char **words);
