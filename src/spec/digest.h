/* Digests as descriptors have them (image-spec, descriptor.md, "Digests"): "sha256:" and 64 lower-case hexadecimal
 * digits. It is the only algorithm that bocal computes: sha512, which the specification also registers, is refused by
 * name, and so is everything else. A digest names files in the store, so that nothing but those 71 characters passes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    DIGEST_HEX = 64,                    /* digits */
    DIGEST_LENGTH = 7 + DIGEST_HEX,     /* with "sha256:", without a NUL */
};

/* What is wrong with the LENGTH bytes at TEXT as a digest, as a half sentence for messages ("expected …"), or NULL. */
const char *digest_fault(const char *text, size_t length);

/* Whether TEXT is a digest, and nothing behind it. False for NULL. */
bool digest_valid(const char *text);

/* Whether TEXT is the 64 digits alone. */
bool digest_is_hex(const char *text);

/* The 64 digits of a valid digest: the name of its blob below blobs/sha256. Borrowed from it. */
static inline const char *digest_hex(const char *digest)
{
    return digest + DIGEST_LENGTH - DIGEST_HEX;
}
