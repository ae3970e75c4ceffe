/* The blobs in one directory, each under its hexadecimal SHA-256, and what is known of each. What a
 * digest names is looked for there and nowhere else. All that is spent on them is counted, so that
 * no archive of a few MiB costs hours by naming one blob a thousand times. */
#pragma once

#include "base/arena.h"
#include "spec/digest.h"
#include "spec/manifest.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEX_SIZE = DIGEST_HEX + 1 };

struct limits {
    uint64_t bytes; /* unpacked, all together */
    uint64_t ratio; /* unpacked / compressed, from 16 MiB on */
};

struct blob {
    char hex[HEX_SIZE];
    uint64_t size;
    bool kept;
    void *owner;   /* whatever the caller has made of it; NULL at first */
    bool unpacked; /* blobs_unpack() has found out: */
    enum media_packing packing;
    char content[HEX_SIZE]; /* the digest of what it is when unpacked: a layer's diffID */
    uint64_t content_size;
};

struct blobs {
    int dir;           /* borrowed */
    const char *place; /* "the archive", for messages */
    struct limits limits;
    uint64_t content; /* bytes that were unpacked */
    uint64_t json;    /* bytes that were parsed */
    void *tree;       /* of struct blob, tsearch(3) */
};

struct digest;

/* Ends DIGEST: its digits alone. -EIO with a sentence. */
int blobs_digits(struct digest *digest, char hex[HEX_SIZE]);

/* The blob HEX, or NULL where there is no regular file of that name. Lives as long as BLOBS. */
struct blob *blobs_find(struct blobs *blobs, const char *hex);

/* The JSON text of BLOB, at most DOCUMENT_MAX bytes, in ARENA, verified against its digest; *LENGTH
 * bytes and a NUL. WHAT is for messages. -EFBIG, -EBADMSG, with a sentence. */
int blobs_text(struct blobs *blobs, struct arena *arena, struct blob *blob, const char *what,
               const char **text, size_t *length);

/* Makes a blob of TEXT. */
int blobs_put(struct blobs *blobs, const char *text, size_t length, struct blob **blob);

/* Finds out what BLOB is when it is unpacked, once. A packed one is read and verified; one that is not is taken at its
 * digest, which whoever writes or reads it verifies. */
int blobs_unpack(struct blobs *blobs, struct blob *blob);

/* Gives EACH all of BLOB, as it is or UNPACKED (after blobs_unpack()), at most a MiB at a time, and
 * verifies it. A negative result of EACH ends it. */
typedef int blob_reader(const void *bytes, size_t size, void *data);
int blobs_stream(struct blobs *blobs, struct blob *blob, bool unpacked, blob_reader *each,
                 void *data);

/* Calls EACH for all blobs that are kept, in the order of their digests, until it fails. */
typedef int blob_visitor(struct blob *blob, void *data);
int blobs_each_kept(struct blobs *blobs, blob_visitor *each, void *data);

/* Whether UNPACKED bytes from PACKED ones are within LIMITS; else -EFBIG with a sentence about
 * WHAT. */
int limits_allow(const struct limits *limits, const char *what, uint64_t unpacked, uint64_t packed);

void blobs_free(struct blobs *blobs);
#define auto_blobs __attribute__((cleanup(blobs_free))) struct blobs
