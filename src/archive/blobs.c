#include "archive/blobs.h"

#include "archive/digest.h"
#include "archive/source.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PIECE = 1 << 20,      /* bytes read at a time */
    JSON_MAX = 256 << 20, /* bytes of JSON parsed in one run, */
    EACH = 4096,          /* a small one as if it had so many */
    RATIO_FROM = 16 << 20,
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b); /* a blob begins with its hex */
}

struct blob *blobs_find(struct blobs *blobs, const char *hex)
{
    struct blob **found = tfind(hex, &blobs->tree, compare);
    if (found)
        return *found;
    struct stat st;
    if (fstatat(blobs->dir, hex, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return NULL;
    auto_free struct blob *blob = calloc(1, sizeof *blob);
    if (!blob)
        return NULL;
    memcpy(blob->hex, hex, DIGEST_HEX);
    blob->size = (uint64_t)st.st_size;
    return tsearch(blob, &blobs->tree, compare) ? take_ptr(&blob) : NULL;
}

struct visit {
    blob_visitor *each;
    void *data;
    int result;
};

static void visit(const void *node, VISIT which, void *data)
{
    struct visit *visit = data;
    struct blob *blob = *(struct blob *const *)node;
    if ((which == postorder || which == leaf) && blob->kept && visit->result >= 0)
        visit->result = visit->each(blob, visit->data);
}

int blobs_each_kept(struct blobs *blobs, blob_visitor *each, void *data)
{
    struct visit all = {.each = each, .data = data};
    twalk_r(blobs->tree, visit, &all);
    return all.result;
}

void blobs_free(struct blobs *blobs)
{
    tdestroy(blobs->tree, free);
    blobs->tree = NULL;
}

int limits_allow(const struct limits *limits, const char *what, uint64_t unpacked, uint64_t packed)
{
    if (unpacked > limits->bytes)
        return remedy(refuse(-EFBIG, "%s: more than %llu bytes when unpacked", what,
                             (unsigned long long)limits->bytes),
                      REMEDY_UNPACKED);
    if (unpacked > RATIO_FROM && unpacked / limits->ratio > packed)
        return remedy(refuse(-EFBIG, "%s: unpacks to more than %llu times its size", what,
                             (unsigned long long)limits->ratio),
                      REMEDY_RATIO);
    return 0;
}

int blobs_digits(struct digest *digest, char hex[HEX_SIZE])
{
    char text[DIGEST_TEXT];
    if (digest_text(digest, text) < 0)
        return refuse(-EIO, "libcrypto: SHA-256 failed");
    memcpy(hex, digest_hex(text), HEX_SIZE);
    return 0;
}

static int digits_of_text(const char *text, size_t length, char hex[HEX_SIZE])
{
    auto_digest digest = {0};
    TRY(digest_begin(&digest));
    digest_add(&digest, text, length);
    return blobs_digits(&digest, hex);
}

static int verify(const struct blobs *blobs, const struct blob *blob, const char *hex)
{
    if (strcmp(hex, blob->hex) == 0)
        return 0;
    return refuse(-EBADMSG, "blob sha256:%s of %s is damaged: its digest is sha256:%s", blob->hex,
                  blobs->place, hex);
}

int blobs_text(struct blobs *blobs, struct arena *arena, struct blob *blob, const char *what,
               const char **text, size_t *length)
{
    if (blob->size > DOCUMENT_MAX)
        return refuse(-EFBIG, "%s: larger than %d bytes", what, DOCUMENT_MAX);
    blobs->json += blob->size + EACH;
    if (blobs->json > JSON_MAX)
        return refuse(-EFBIG, "%s: more than %d MiB of manifests and configs", blobs->place,
                      JSON_MAX >> 20);
    auto_free char *bytes = NULL;
    ssize_t n = file_read(blobs->dir, blob->hex, DOCUMENT_MAX, &bytes);
    TRY((int)n);
    char hex[HEX_SIZE];
    TRY(digits_of_text(bytes, (size_t)n, hex));
    TRY(verify(blobs, blob, hex));
    *text = arena_strndup(arena, bytes, (size_t)n);
    *length = (size_t)n;
    return 0;
}

int blobs_put(struct blobs *blobs, const char *text, size_t length, struct blob **blob)
{
    char hex[HEX_SIZE];
    TRY(digits_of_text(text, length, hex));
    auto_fd fd =
        openat(blobs->dir, hex, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    int r = fd < 0 ? -errno : fd_write_all(fd, text, length);
    if (r < 0)
        return fail(r, "write blob sha256:%s", hex);
    *blob = blobs_find(blobs, hex);
    return *blob ? 0 : fail(-ENOMEM, "write blob sha256:%s", hex);
}

/* ---- streaming ---- */

/* How BLOB is packed, by its first bytes, as source.h tells it; and what that does not know. */
static int packing_of(int fd, struct blob *blob)
{
    static const struct {
        const char *magic;
        size_t skipped, length;
        enum media_packing packing;
        const char *refused;
    } known[] = {
        {"\x1f\x8b", 0, 2, PACKING_GZIP, NULL},
        {"\x28\xb5\x2f\xfd", 0, 4, PACKING_ZSTD, NULL},
        {"\x2a\x4d\x18", 1, 3, PACKING_ZSTD, NULL}, /* a skippable frame */
        {"BZh", 0, 3, PACKING_NONE, "bzip2"},
        {"\xfd"
         "7zXZ",
         0, 5, PACKING_NONE, "xz"},
    };
    char start[8] = "";
    ssize_t n = pread(fd, start, sizeof start, 0);
    if (n < 0)
        return fail(-errno, "read blob sha256:%s", blob->hex);
    blob->packing = PACKING_NONE;
    for (size_t i = 0; i < COUNT(known); i++) {
        if ((size_t)n < known[i].skipped + known[i].length ||
            memcmp(start + known[i].skipped, known[i].magic, known[i].length) != 0)
            continue;
        if (known[i].refused)
            return refuse(-ENOTSUP, "a layer is compressed with %s: only gzip and zstd are known",
                          known[i].refused);
        blob->packing = known[i].packing;
    }
    return 0;
}

static int blob_open(const struct blobs *blobs, const struct blob *blob)
{
    int fd = openat(blobs->dir, blob->hex, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(-errno, "open blob sha256:%s", blob->hex);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return fd;
}

static int stream_as_it_is(struct blobs *blobs, struct blob *blob, blob_reader *each, void *data)
{
    char hex[HEX_SIZE];
    auto_digest digest = {0};
    auto_fd fd = blob_open(blobs, blob);
    TRY(fd);
    auto_free char *piece = malloc(PIECE);
    if (!piece)
        return fail(-ENOMEM, "read blob sha256:%s", blob->hex);
    TRY(digest_begin(&digest));
    for (ssize_t n; (n = read(fd, piece, PIECE)) != 0;) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(-errno, "read blob sha256:%s", blob->hex);
        digest_add(&digest, piece, (size_t)n);
        TRY(each(piece, (size_t)n, data));
    }
    TRY(blobs_digits(&digest, hex));
    return verify(blobs, blob, hex);
}

/* Notes what BLOB was found to be. */
static int note(struct blobs *blobs, struct blob *blob, const struct source_sums *sums)
{
    TRY(verify(blobs, blob, digest_hex(sums->packed)));
    memcpy(blob->content, digest_hex(sums->plain), HEX_SIZE);
    blob->content_size = sums->plain_size;
    blob->unpacked = true;
    return 0;
}

static void cleanup_source(struct source **source)
{
    source_free(*source);
}

static int stream_unpacked(struct blobs *blobs, struct blob *blob, blob_reader *each, void *data)
{
    __attribute__((cleanup(cleanup_source))) struct source *source = NULL;
    struct source_limits limits = {.size = blob->size, .unpacked = blobs->limits.bytes - blobs->content,
                                   .ratio = blobs->limits.ratio};
    struct source_sums sums;
    const void *bytes;
    ssize_t n;
    auto_fd fd = blob_open(blobs, blob);
    TRY(fd);
    TRY(packing_of(fd, blob));
    TRY(source_start(&source, fd, &limits));
    while ((n = source_next(source, &bytes)) > 0) {
        blobs->content += (uint64_t)n;
        if (each)
            TRY(each(bytes, (size_t)n, data));
    }
    int r = n < 0 ? (int)n : source_finish(source, &sums);
    return r < 0 ? because(r, "blob sha256:%s", blob->hex) : note(blobs, blob, &sums);
}

/* What is not packed need not be read: its digest is its content's. */
int blobs_unpack(struct blobs *blobs, struct blob *blob)
{
    if (blob->unpacked)
        return 0;
    auto_fd fd = blob_open(blobs, blob);
    TRY(fd);
    TRY(packing_of(fd, blob));
    if (blob->packing != PACKING_NONE)
        return stream_unpacked(blobs, blob, NULL, NULL);
    memcpy(blob->content, blob->hex, HEX_SIZE);
    blob->content_size = blob->size;
    blob->unpacked = true;
    return 0;
}

int blobs_stream(struct blobs *blobs, struct blob *blob, bool unpacked, blob_reader *each,
                 void *data)
{
    return unpacked ? stream_unpacked(blobs, blob, each, data)
                    : stream_as_it_is(blobs, blob, each, data);
}
