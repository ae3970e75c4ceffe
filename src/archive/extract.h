/* The entries of a layer's tar onto disk. Everything in a tar is anybody's: names, links, sizes, ids, attributes. What is
 * written is written below one directory, by descriptors, and never through a link. */
#pragma once

#include "archive/body.h"
#include "archive/tree.h"

#include <stdint.h>

struct archive;
struct archive_entry;

struct extractor {
    struct tree tree;  /* its below and policy.flat are the caller's to set */
    bool skip_devices; /* the caller may make none: in a user namespace, or without root */
    uint64_t limit;    /* bytes that may be written */
    uint64_t most;     /* entries that there may be, and directories for the want of one */
    /* what was done */
    uint64_t entries, bytes, skipped_devices, skipped_attributes;
    struct bodies bodies; /* of the files with something in them */
    struct body body;     /* of the file that is being written */
};

/* Into the empty directory ROOT. -errno with a sentence, as all here. */
int extract_begin(struct extractor *extractor, int root);

/* One entry, with its data from ARCHIVE. */
int extract_entry(struct extractor *extractor, struct archive *archive, struct archive_entry *entry);

/* When there are no more. */
int extract_end(struct extractor *extractor);

void extract_free(struct extractor *extractor);
#define auto_extractor __attribute__((cleanup(extract_free))) struct extractor
