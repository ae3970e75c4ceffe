/* What the decoders of manifests, indexes and image configs share. */
#pragma once

#include "base/json_read.h"

json_decoder image_read_word;   /* const char *: printable ASCII; NULL for "" */
json_decoder image_read_digest; /* const char *: valid (spec/digest.h) */

/* Rows for a struct platform at OFFSET of the struct that is read. */
#define PLATFORM_ROWS(offset)                                                   \
    {"os", image_read_word, (offset) + offsetof(struct platform, os)},          \
    {"architecture", image_read_word, (offset) + offsetof(struct platform, architecture)}, \
    {"variant", image_read_word, (offset) + offsetof(struct platform, variant)}, \
    {"os.version", image_read_word, (offset) + offsetof(struct platform, os_version)}

/* json_read_strict of a document of at most MAX bytes; -EFBIG with a sentence above. */
int image_read_document(struct arena *arena, const char *text, size_t length, size_t max, const char *name,
                        const struct json_field *fields, void *into);
