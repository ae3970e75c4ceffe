/* A blob on its way from the store into a registry (distribution-spec 1.1, "Pushing blobs"): looked for there, mounted from another
 * repository, or sent, whole or in parts; what has broken off is gone on with where the registry says that it has come to. */
#pragma once

#include "registry/origin.h"

enum upload_stage { UPLOAD_LOOK, UPLOAD_MOUNT, UPLOAD_OPEN, UPLOAD_STATUS, UPLOAD_SEND, UPLOAD_SEAL };

struct upload {
    struct request request; /* first: what http_next() returns is its exchange */

    /* the caller's */
    struct origin *origin;
    int store;              /* the directory that has it under its digits */
    const char *digest;     /* valid */
    const char *kind;       /* of events: "config", "layer" */
    uint64_t size;
    const char *source;     /* a repository of the registry that may have it; or NULL */
    uint64_t part;          /* bytes that are sent at once */

    /* upload.c's own */
    enum upload_stage stage;
    struct http_content content;
    int fd;
    uint64_t have;          /* bytes that the registry has */
    uint64_t reached;       /* where the tries were last counted anew */
    unsigned anew;          /* how often it was begun from the first byte */
    bool whole;             /* the registry takes no parts */
    bool resumed;           /* not all of it went in one go */
    bool sealing;           /* it may be there already, although nobody has said so */
    int64_t told;           /* ms, the last event */
};

/* Begins it. Ends with upload_close(), whatever happens. */
int upload_begin(struct upload *upload);

/* When its exchange has ended: 1 while it goes on, 0 when the registry has it, else -errno with a sentence. */
int upload_settle(struct upload *upload);

/* Ends what is under way, and has the registry forget what has come of a blob that is not there; when its exchange has ended, so has
 * that, whatever came of it. 1; 0 where there is nothing to forget. */
int upload_take_back(struct upload *upload);

void upload_close(struct upload *upload);
