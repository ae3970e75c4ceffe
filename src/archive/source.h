/* A blob as the tar that it is: read, checked and decompressed by a thread of its own, beside the one that acts on it. gzip,
 * zstd or nothing is told by its first bytes. It may be a file that somebody still writes to its end. Both sides are hashed to their ends: what lies behind the end of the
 * compressed stream, or of the tar, is part of the digest as well. */
#pragma once

#include "archive/digest.h"

#include <stdint.h>
#include <sys/types.h>

#define SOURCE_UNKNOWN UINT64_MAX /* no size to hold it to */

/* What people can do who trust what they unpack. */
#define REMEDY_UNPACKED "\"unpackLimit\", bytes, in bocal's config.json allows more"
#define REMEDY_ENTRIES "\"unpackEntries\" in bocal's config.json allows more"
#define REMEDY_RATIO "\"unpackRatio\" in bocal's config.json allows more"

struct source_limits {
    uint64_t size;     /* more compressed bytes than these are refused at once; or SOURCE_UNKNOWN */
    uint64_t unpacked; /* and more bytes of tar than these */
    uint64_t ratio;    /* tar to compressed bytes, heeded from 16 MiB of tar on */
    int grows;         /* an eventfd to which is added what the file has grown by, up to SIZE; 0: all of it is there */
};

struct source_sums {
    char packed[DIGEST_TEXT], plain[DIGEST_TEXT];
    uint64_t packed_size, plain_size;
};

struct source;

/* Starts to read FD, which stays the caller's and open. *SOURCE is the caller's, for source_free(). Confinement comes before.
 * -errno with a sentence. */
int source_start(struct source **source, int fd, const struct source_limits *limits);

/* The next bytes of the tar, the source's own until the next call. 0 at the end, -errno with a sentence. */
ssize_t source_next(struct source *source, const void **bytes);

/* How many compressed bytes were read so far. */
uint64_t source_progress(const struct source *source);

/* Reads what is left, and says what it all was. -errno with a sentence. */
int source_finish(struct source *source, struct source_sums *sums);

/* Ends the thread, whatever it waits for. NULL is nothing. */
void source_free(struct source *source);
