/* One context a stream. libcrypto would read its configuration file, which is nothing of ours, and which a confined process
 * cannot: it is told not to. */
#include "archive/digest.h"

#include "archive/confine.h"
#include "archive/source.h"
#include "archive/verb.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

int digest_begin(struct digest *digest)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    *digest = (struct digest){.state = EVP_MD_CTX_new()};
    if (!digest->state || !EVP_DigestInit_ex(digest->state, EVP_sha256(), NULL)) {
        digest_free(digest);
        return fail(-ENOMEM, "libcrypto: SHA-256");
    }
    return 0;
}

void digest_add(struct digest *digest, const void *bytes, size_t size)
{
    if (digest->state && !EVP_DigestUpdate(digest->state, bytes, size))
        digest_free(digest);
    digest->size += size;
}

int digest_again(struct digest *digest)
{
    digest->size = 0;
    return EVP_DigestInit_ex(digest->state, NULL, NULL) ? 0 : fail(-ENOMEM, "libcrypto: SHA-256");
}

int digest_value(struct digest *digest, unsigned char out[DIGEST_HEX / 2])
{
    return digest->state && EVP_DigestFinal_ex(digest->state, out, NULL) ? 0 : -EIO;
}

int digest_text(struct digest *digest, char out[DIGEST_TEXT])
{
    unsigned char value[DIGEST_HEX / 2];
    TRY(digest_value(digest, value));
    digest_free(digest);
    text_hex(value, DIGEST_HEX / 2, stpcpy(out, "sha256:"));
    return 0;
}

void digest_free(struct digest *digest)
{
    EVP_MD_CTX_free(digest->state);
    digest->state = NULL;
}

int digest_check(const char *what, const char *text)
{
    if (!digest_valid(text))
        return refuse(-EINVAL, "%s %.80s: wanted is sha256: and 64 lowercase hexadecimal digits", what, text ? text : "is missing");
    return 0;
}

static int read_all(struct digest *digest)
{
    static char bytes[1 << 18];
    for (ssize_t n; (n = read(STDIN_FILENO, bytes, sizeof bytes)) != 0;) {
        if (n < 0 && errno != EINTR)
            return fail(-errno, "read standard input");
        digest_add(digest, bytes, n < 0 ? 0 : (size_t)n);
    }
    return 0;
}

/* PLAIN: of the tar in it, or NULL. */
static void print_digest(const char *text, uint64_t size, const char *plain)
{
    struct json_writer json = json_writer_compact(stdout);
    json_begin_object(&json, NULL);
    json_put_string(&json, "digest", text);
    json_put_u64(&json, "size", size);
    if (plain)
        json_put_string(&json, "diffID", plain);
    json_end_object(&json);
    putchar('\n');
}

static int digest_blob(void)
{
    char text[DIGEST_TEXT];
    auto_digest digest = {0};
    TRY(digest_begin(&digest));
    TRY(confine(&(struct confinement){.write = -1}));
    TRY(read_all(&digest));
    uint64_t size = digest.size;
    if (digest_text(&digest, text) < 0)
        return refuse(-EIO, "libcrypto: SHA-256 failed");
    print_digest(text, size, NULL);
    return 0;
}

/* Without limits: it is of the store, where it has come within those of who loaded it, and nothing is written. */
static int digest_layer(void)
{
    const struct source_limits limits = {.size = SOURCE_UNKNOWN, .unpacked = UINT64_MAX, .ratio = UINT64_MAX};
    struct source_sums sums;
    struct source *source = NULL;
    auto_digest first = {0};
    TRY(digest_begin(&first)); /* libcrypto looks around at the first */
    TRY(confine(&(struct confinement){.write = -1}));
    int r = source_start(&source, STDIN_FILENO, &limits);
    if (r == 0)
        r = source_finish(source, &sums);
    source_free(source);
    TRY(r);
    print_digest(sums.packed, sums.packed_size, sums.plain);
    return 0;
}

int verb_digest(char **words)
{
    bool layer = text_equal(*words, "--layer");
    TRY(words_none(words + layer));
    return layer ? digest_layer() : digest_blob();
}
