/* SHA-256 of a stream, over libcrypto, which has the processor's own instructions for it. */
#pragma once

#include "spec/digest.h"

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_TEXT = DIGEST_LENGTH + 1 }; /* with the NUL */

struct digest {
    void *state;   /* EVP_MD_CTX *; the digest's own */
    uint64_t size; /* bytes so far */
};

/* Call it before confinement: libcrypto finds its algorithms. -ENOMEM with a sentence. */
int digest_begin(struct digest *digest);

/* Cannot fail: SHA-256 has no errors of its own, and what a broken libcrypto would answer, digest_text() does. */
void digest_add(struct digest *digest, const void *bytes, size_t size);

/* Another stream, in place of the first. -ENOMEM with a sentence. */
int digest_again(struct digest *digest);

/* The 32 bytes of all that was added; digest_again() begins the next. -EIO without a sentence. */
int digest_value(struct digest *digest, unsigned char out[DIGEST_HEX / 2]);

/* "sha256:HEX" of all that was added; the digest is ended. -EIO without a sentence: it may be a thread that asks. */
int digest_text(struct digest *digest, char out[DIGEST_TEXT]);

void digest_free(struct digest *digest);
#define auto_digest __attribute__((cleanup(digest_free))) struct digest

/* Whether TEXT is "sha256:" and 64 lowercase hexadecimal digits: the only form that names a file safely. -EINVAL with a
 * sentence about WHAT. */
int digest_check(const char *what, const char *text);

/* The verb: the digest of standard input as a line of JSON; with --layer that of the tar in it as well. */
int verb_digest(char **words);
