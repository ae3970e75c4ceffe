/* How far things have come, for people: on a terminal a line each that is redrawn, else a line when something begins and one when
 * it is done; on standard error, so that results can be read from standard output. */
#pragma once

#include "image/registry.h"

#include <stdbool.h>
#include <stdint.h>

enum progress_mode { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_QUIET };

/* Their words, for option tables. */
extern const char *const progress_words[];

struct progress_row {
    const char *name;  /* what people know it by: twelve digits of a digest */
    const char *state; /* "downloading", "unpacking", "done" */
    uint64_t read, size;
    int64_t begun_ms;
};

struct progress {
    struct arena *arena;
    enum progress_mode mode;
    bool terminal;
    struct progress_row *rows;
    size_t count, drawn;
    int64_t drawn_ms;
};

void progress_begin(struct progress *progress, struct arena *arena, enum progress_mode mode);

/* NAME has come to READ of SIZE bytes in STATE. */
void progress_update(struct progress *progress, const char *name, const char *state, uint64_t read, uint64_t size, bool done);

/* The same for what bocal-registry tells, DATA is the progress. */
void progress_blob(const struct blob_event *event, void *data);

/* A sentence for people, above what is drawn. */
void progress_notice(struct progress *progress, const char *sentence);

/* Draws what is left to be drawn. */
void progress_end(struct progress *progress);

/* "1.5 MB": decimal, as registries and df -H count. */
const char *size_text(struct arena *arena, uint64_t bytes);
