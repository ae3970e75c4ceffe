/* bocal-archive save: images of a store into one archive. */
#pragma once

#include "archive/blobs.h"
#include "archive/tar_write.h"

/* An image that is asked for. */
struct saved {
    const char *name; /* "": none */
    struct descriptor top;
};

struct save {
    struct arena *arena;
    struct blobs blobs;   /* STORE/images/blobs/sha256 */
    struct saved *images; /* sorted by name */
    size_t n_images;
    struct tar tar;
};

/* Write all of it but the archive's end: as an OCI layout, and with Docker's manifest.json. */
int save_oci(struct save *save);
int save_docker(struct save *save);

/* Options and NAME=sha256:HEX… in WORDS, the image layout at fd 3, archive at fd 1. 0 or -errno
 * with a sentence. */
int verb_save(char **words);
