/* A layer's tar, from its source onto disk. */
#pragma once

#include "archive/extract.h"
#include "archive/source.h"

/* Called now and then, with how much of the blob has been read. */
typedef void layer_progress(uint64_t read, void *data);

/* All entries, and what EXTRACTOR, which has begun, owes its directories in the end. What the bytes were is known when SOURCE has
 * been finished; PROGRESS may be NULL. -errno with a sentence. */
int extract_layer(struct extractor *extractor, struct source *source, layer_progress *progress, void *data);
