/* A tar that is the same byte for byte whenever the same is written: no times, no owners, no names
 * of users. */
#pragma once

#include "archive/blobs.h"

struct archive;

struct tar {
    struct archive *archive;
    const char *what; /* "standard output", for messages */
};

/* Begins an archive on the fd OUT, packed as a whole. */
int tar_open(struct tar *tar, int out, enum media_packing packing);

int tar_directory(struct tar *tar, const char *name);
int tar_text(struct tar *tar, const char *name, const char *text, size_t length);

/* A blob as a file, verified while it is written; UNPACKED after blobs_unpack() only, for a tar has
 * sizes in front. */
int tar_blob(struct tar *tar, const char *name, struct blobs *blobs, struct blob *blob,
             bool unpacked);

/* Ends it: what was written is complete only when this returns 0. */
int tar_finish(struct tar *tar);

void tar_free(struct tar *tar);
#define auto_tar __attribute__((cleanup(tar_free))) struct tar
