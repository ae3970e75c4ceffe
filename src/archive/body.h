/* What is in a file, as a digest: its bytes without the blocks that are all zeros, for whether
 * those are on disk says nothing about a file. While a layer is unpacked that of each file is taken
 * from what is written, so that no file has to be read again for the seal. */
#pragma once

#include "archive/digest.h"

#include <stdbool.h>
#include <sys/stat.h>

enum { BODY_BLOCK = 4096, BODY_VALUE = DIGEST_HEX / 2 };

/* One file at a time. */
struct body {
    struct digest digest;
    uint64_t at; /* the block that is next */
    size_t used; /* bytes of it that are known */
    bool run;    /* the one before it was no zeros */
    char block[BODY_BLOCK];
};

/* A new file; BODY is all zeros, or was used for another. -ENOMEM with a sentence. */
int body_begin(struct body *body);

/* SIZE bytes of it from AT on, which is not before the end of those of the last call; what lies
 * between is a hole. */
void body_add(struct body *body, const void *bytes, size_t size, uint64_t at);

/* The file has SIZE bytes. -EIO with a sentence. */
int body_end(struct body *body, uint64_t size, unsigned char value[BODY_VALUE]);

void body_free(struct body *body);

/* Those of many files, by inode. All zeros is an empty one. */
struct bodies {
    struct known_body *list;
    size_t count, room;
    bool gone, sorted;
};

/* Notes that of the file that ST is of; NULL: it is not known, whatever was noted of this inode
 * before. Where there is no more memory for them, or there are too many, none is known any more. */
void bodies_add(struct bodies *bodies, const struct stat *st,
                const unsigned char value[BODY_VALUE]);

/* That of the file that ST is of, BODIES' own; NULL where it is not known. */
const unsigned char *bodies_find(struct bodies *bodies, const struct stat *st);

void bodies_free(struct bodies *bodies);
