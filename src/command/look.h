/* The image that a word means, for who reads its documents and blobs: one of the store, or an archive's, a layout's, or of standard
 * input, which is taken apart and verified as for loading, into a store of its own below the ingest, and is gone when it is closed. */
#pragma once

#include "base/option_doc.h"
#include "image/store.h"

struct look {
    struct store store; /* which has the image; owned */
    struct image image;
    const char *other;  /* what the archive calls it, where that is no reference; or NULL */
    struct store home;  /* of an archive: the caller's store; owned */
    struct ingest ingest;
    int adding;         /* which is not collected meanwhile; owned */
};

/* Finds WORD for LOOK, a NO_LOOK, to be closed whatever happens. All lives in ARENA. -ENOENT where it is not here; -errno, with a sentence. */
int look_at(struct arena *arena, const char *word, struct look *look);
void look_close(struct look *look);
#define auto_look __attribute__((cleanup(look_close))) struct look
#define NO_LOOK ((struct look){.store = {.fd = -1, .blobs = -1}, .home = {.fd = -1, .blobs = -1}, .ingest = {.fd = -1}, .adding = -1})

/* What the manual says of such words. */
extern const struct option_prose look_prose;

/* Whether WORD means an image that is no store's. */
bool look_is_foreign(struct arena *arena, const char *word);
