/* A blob on its way into the ingest directory: HEX.partial, which grows, is hashed while it does, and becomes HEX when it
 * is complete and right; not on disk yet. What a broken try left is gone on with. */
#pragma once

#include "registry/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob {
    /* the caller's */
    int ingest;         /* directory */
    const char *digest; /* valid (spec/digest.h), "sha256:HEX" */
    const char *kind;   /* of events: "config", "layer" */
    uint64_t size;

    bool ours;          /* a failure is this machine's (a full disk), and no other server would do better */

    /* blob.c's own */
    int fd;
    struct evp_md_ctx_st *hash;
    char *buffer;       /* what was hashed and is not written yet */
    size_t waiting;
    uint64_t have;      /* hashed */
    uint64_t flushing;  /* handed to the disk */
    bool resumed;       /* not all of it is from one answer */
    bool again;         /* it has been begun anew once */
    int64_t told;       /* ms, the last event */
    char name[80];      /* HEX.partial */
};

/* Opens HEX.partial, and hashes what is there. */
int blob_open(struct blob *blob);
void blob_close(struct blob *blob);

/* Takes an exchange's body (registry/http.h); data is the blob. Ends with HEX in place. */
extern const struct http_sink blob_sink;

/* Whether DIRECTORY has a file named by DIGEST with SIZE bytes; verified when it was put there. */
bool blob_exists(int directory, const char *digest, uint64_t size);

/* The same of the ingest directory, where an earlier pull may have left it, perhaps before a power cut: verified here. */
bool blob_is_left(int directory, const char *digest, uint64_t size);

/* What is in that file, at most MOST bytes, as the caller's; verified here. -ENOENT without a sentence: it is not there, or is
 * not right. */
int blob_read(int directory, const char *digest, size_t most, char **text, size_t *size);

/* Writes SIZE bytes, whose digest it is, as HEX, in one go. */
int blob_write(int ingest, const char *digest, const void *bytes, size_t size);

/* "sha256:HEX" of SIZE bytes. */
enum { BLOB_DIGEST_SIZE = 72 };
int blob_digest(const void *bytes, size_t size, char digest[BLOB_DIGEST_SIZE]);
/* The same of all that the file FD has. */
int blob_digest_of(int fd, char digest[BLOB_DIGEST_SIZE]);
