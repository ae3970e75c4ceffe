/* The image store: an OCI image layout that other tools can read, with the unpacked layers beside it.
 *
 *     images/                   oci-layout, index.json, blobs/sha256/HEX (image-spec image-layout.md)
 *     layers/HEX/fs             a layer's files, HEX is its chainID; beside them layer.json
 *     ingest/KIND-…             what is being made, flock(2)ed by who makes it
 *     lock                      held while index.json is replaced
 *     users                     held, shared, by who adds blobs and layers; collecting takes it for itself
 *
 * A blob or a layer gets its final name when it is complete, verified and synced. A name in index.json is the last thing
 * that appears, so a power cut leaves an ingest entry, or a blob that nobody names: collecting removes both.
 * Its directories are closed to everybody else: what is in layers has set-id bits, and their names are known
 * (CVE-2021-41091). */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct store {
    struct arena *arena;
    const char *dir;          /* STORE, absolute */
    int fd, blobs;            /* it, and images/blobs/sha256; owned */
    const struct ingest *incoming; /* where blobs are looked for before that, for who is fetching them; NULL: nowhere */
};

/* An entry of index.json. */
struct image {
    const char *name;         /* NULL: without one */
    const char *digest;       /* valid, of its manifest or its index of manifests */
    const char *media_type;
    uint64_t size;
    const char *created;      /* as its config says, and the size of all its blobs: kept in the index, so that listing reads */
    uint64_t total;           /* nothing else; NULL and 0 where another tool has written the entry */
    bool by_digest;           /* it was found by digits of its digest */
};

/* A name, or NULL, and whose it is to be. */
struct naming {
    const char *name;
    const struct image *image;
};

/* Opens the store at DIR, and makes what is missing of it. */
int store_open(struct arena *arena, const char *dir, struct store *store);
/* The same without making anything: -ENOENT without a sentence where there is no store. */
int store_look(struct arena *arena, const char *dir, struct store *store);
void store_close(struct store *store);
#define auto_store __attribute__((cleanup(store_close))) struct store

/* The entries of index.json, in its order. */
int store_images(const struct store *store, struct image **images, size_t *count);

/* The image that WORD names: a reference, or six or more digits, maybe behind "sha256:", that one digest alone begins with. A name without a host
 * also finds the one image that has it behind a host. -ENOENT with a sentence. */
int store_find(const struct store *store, const char *word, struct image *image);

/* Gives names, all at once: who had one before loses it. With NULL for a name the image is in the index without one, if it is not
 * there already. -EFBIG with a sentence where the index would be larger than it may be. */
int store_name(const struct store *store, const struct naming *names, size_t count);
/* Takes the name away; what was its image stays until it is collected. -ENOENT without a sentence when it is nobody's. */
int store_unname(const struct store *store, const char *name);
/* Takes these entries away, by their names, or that without a name of their image. */
int store_take(const struct store *store, const struct naming *entries, size_t count);
/* Takes all names of IMAGE away. */
int store_forget(const struct store *store, const struct image *image);

/* The blob's text, of at most DOCUMENT_MAX bytes, which the caller frees, and its length. */
int store_document(const struct store *store, const char *digest, char **text);
/* The blob, opened for reading; owned by the caller. */
int store_blob(const struct store *store, const char *digest);

/* What is being made: a new directory ingest/KIND-…, locked. */
struct ingest {
    const struct store *store;
    char name[64];
    int fd;
};
int ingest_begin(const struct store *store, const char *kind, struct ingest *ingest);
/* The same for KEY: one maker after the other; what a killed one left is removed. */
int ingest_begin_for(const struct store *store, const char *kind, const char *key, struct ingest *ingest);
/* The same, but what is in it stays: who made it was interrupted, and this goes on. Waits for another who is at it; without WAIT
 * -EBUSY, without a sentence. Nothing but age, or store_collect() after ingest_drop(), removes such a one of the kind "pull". */
int ingest_resume(const struct store *store, const char *kind, const char *key, bool wait, struct ingest *ingest);
/* Leaves what is in it to the next ingest_resume(), where that is worth it, else removes it. Whether it was worth it. */
bool ingest_leave(struct ingest *ingest);
/* Removes what interrupted pulls have left for the next, and adds its bytes to *FREED. */
int ingest_drop(const struct store *store, uint64_t *freed);
/* Whether NAME in DIR, the ingest, is what a pull has left and not so old that nobody will go on with it. */
bool ingest_is_awaited(int dir, const char *name);
/* Removes it, unless it has been kept. */
void ingest_end(struct ingest *ingest);
#define auto_ingest __attribute__((cleanup(ingest_end))) struct ingest
/* Makes each file of it whose name is a digest's a blob. */
int ingest_keep_blobs(struct ingest *ingest);
/* All of its file system is on disk afterwards. */
int ingest_sync(const struct ingest *ingest);
/* Makes it DIRECTORY/NAME of the store, once it was synced; that name is on disk after store_sync(). */
int ingest_keep_as(struct ingest *ingest, const char *directory, const char *name);
int store_sync(const struct store *store, const char *directory);

/* Removes what killed makers have left of what they made; who adds begins with it. */
int ingest_sweep(const struct store *store);

/* Takes part in adding (shared), or waits until nobody does (exclusive; with NOW: -EBUSY instead). Owned by the caller. */
int store_hold(const struct store *store, bool exclusive, bool now);

/* Removes blobs and layers that no name leads to and nobody uses, and what killed makers left. Sets *FREED to bytes. -EBUSY
 * without a sentence while something is being added, saved or verified. An image that cannot be read ends it before anything is
 * removed. A sentence that is there already stays. */
int store_collect(const struct store *store, uint64_t *freed);
