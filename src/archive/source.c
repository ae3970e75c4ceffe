/* A ring of chunks between three threads: the reader reads, hashes what it has read, and decompresses it into chunks; the hasher hashes
 * those; the caller takes one at a time. A chunk is filled again when both have done with it. The
 * reader has no part in the record of errors, which is one for the process: it leaves its sentence in the source, and
 * source_next() records it.
 *
 * Decompression is ISA-L's for gzip (gunzip.h), else libarchive's, with the one filter that the first bytes ask for: left to guess it would also take off what
 * is compressed twice, and the tar would not be the one that the diffID is of. */
#include "archive/source.h"

#include "archive/gunzip.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <archive.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>

enum { CHUNK = 1 << 18, CHUNKS = 8, MAGIC = 4, RATIO_FROM = 16 << 20 };

struct source {
    pthread_t thread, hasher;
    pthread_mutex_t mutex;
    pthread_cond_t filled, freed; /* a chunk was, for the caller and the hasher; by one of these, for the reader */
    /* under the mutex */
    unsigned made, taken, hashed; /* chunks; the caller reads number `taken` */
    bool ended;           /* the reader has */
    _Atomic bool left;    /* the caller wants no more; set under the mutex */
    /* the reader's, until it has ended */
    int fd, wake; /* the latter can be read when the caller wants no more */
    struct source_limits limits;
    struct digest packed;
    uint64_t plain_size;
    _Atomic uint64_t progress;
    bool compressed;
    size_t in_used; /* of the bytes read to tell what it is; of those that are still to be unpacked */
    const char *packed_at; /* the latter */
    uint64_t there; /* bytes of a file that grows, not read yet */
    int error;
    char fault[256];
    /* the hasher's, likewise */
    struct digest plain;
    /* the caller's */
    bool holds; /* chunk `taken` is in his hands */
    size_t sizes[CHUNKS];
    char in[CHUNK], chunks[CHUNKS][CHUNK];
};

/* ---- the reader's errors ---- */

static int fault(struct source *source, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fault(struct source *source, int err, const char *format, ...)
{
    if (!source->error) {
        va_list args;
        va_start(args, format);
        vsnprintf(source->fault, sizeof source->fault, format, args);
        va_end(args);
        source->error = err;
    }
    return err;
}

/* ---- compressed bytes ---- */

/* At most SIZE bytes of FD; there may be none for long, while the caller wants no more. */
static ssize_t read_from(const struct source *source, int fd, void *to, size_t size)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = source->wake, .events = POLLIN}};
        ssize_t n = ppoll(fds, COUNT(fds), NULL, NULL);
        if (n > 0 && fds[1].revents)
            return -ECANCELED;
        if (n > 0)
            n = read(fd, to, size);
        if (n >= 0 || errno != EINTR)
            return n < 0 ? -errno : n;
    }
}

/* Of a file that grows, what is there by now. It ends where it was said to; earlier it has only been begun anew. */
static ssize_t read_some(struct source *source, char *to, size_t size)
{
    const struct source_limits *limits = &source->limits;
    if (!limits->grows)
        return read_from(source, source->fd, to, size);
    if (source->packed.size >= limits->size)
        return 0;
    while (!source->there) {
        ssize_t n = read_from(source, limits->grows, &source->there, sizeof source->there);
        if (n < 0)
            return n;
    }
    ssize_t n = read_from(source, source->fd, to, size < source->there ? size : (size_t)source->there);
    if (n > 0)
        source->there -= (uint64_t)n;
    return n == 0 ? -ENODATA : n;
}

/* At most SIZE bytes of the blob into TO, hashed. 0 at its end. */
static ssize_t read_packed(struct source *source, char *to, size_t size)
{
    ssize_t n = read_some(source, to, size);
    if (n < 0)
        return fault(source, (int)n, "read the layer: %s", strerror((int)-n));
    digest_add(&source->packed, to, (size_t)n);
    atomic_store_explicit(&source->progress, source->packed.size, memory_order_relaxed);
    if (source->packed.size > source->limits.size)
        return fault(source, -EFBIG, "the layer is larger than the %" PRIu64 " bytes that it should have",
                     source->limits.size);
    return n;
}

/* SIZE bytes more of the tar. */
static int count_plain(struct source *source, size_t size)
{
    uint64_t plain = source->plain_size += size;
    if (plain > source->limits.unpacked)
        return fault(source, -EFBIG, "the layer unpacks to more than %" PRIu64 " bytes (" REMEDY_UNPACKED ")", source->limits.unpacked);
    if (plain >= RATIO_FROM && plain / source->limits.ratio > source->packed.size)
        return fault(source, -EFBIG, "the layer unpacks to more than %" PRIu64 " times its size, as a bomb would (" REMEDY_RATIO ")",
                     source->limits.ratio);
    return 0;
}

/* ---- the ring ---- */

/* The next chunk to fill; NULL when the caller wants no more. */
static char *ring_room(struct source *source)
{
    pthread_mutex_lock(&source->mutex);
    while ((source->made - source->taken == CHUNKS || source->made - source->hashed == CHUNKS) && !source->left)
        pthread_cond_wait(&source->freed, &source->mutex);
    char *chunk = source->left ? NULL : source->chunks[source->made % CHUNKS];
    pthread_mutex_unlock(&source->mutex);
    return chunk;
}

static void ring_put(struct source *source, size_t size)
{
    pthread_mutex_lock(&source->mutex);
    source->sizes[source->made++ % CHUNKS] = size;
    pthread_cond_broadcast(&source->filled);
    pthread_mutex_unlock(&source->mutex);
}

/* ---- the reader ---- */

/* Reads the first bytes; FILTER is 0 for none. */
static int tell_format(struct source *source, int *filter)
{
    static const struct {
        unsigned char mask[MAGIC], magic[MAGIC];
        int filter;
    } formats[] = {
        {{0xff, 0xff}, {0x1f, 0x8b}, ARCHIVE_FILTER_GZIP},
        {{0xff, 0xff, 0xff, 0xff}, {0x28, 0xb5, 0x2f, 0xfd}, ARCHIVE_FILTER_ZSTD},
        {{0xf0, 0xff, 0xff, 0xff}, {0x50, 0x2a, 0x4d, 0x18}, ARCHIVE_FILTER_ZSTD}, /* begins with a skippable frame */
    };
    for (ssize_t n = 1; n > 0 && source->in_used < MAGIC; source->in_used += (size_t)n) {
        n = read_packed(source, source->in + source->in_used, CHUNK - source->in_used);
        TRY((int)n);
    }
    *filter = 0;
    for (size_t i = 0; i < COUNT(formats) && source->in_used >= MAGIC; i++) {
        bool same = true;
        for (size_t k = 0; k < MAGIC; k++)
            same = same && ((unsigned char)source->in[k] & formats[i].mask[k]) == formats[i].magic[k];
        if (same)
            *filter = formats[i].filter;
    }
    return 0;
}

static int read_plain(struct source *source)
{
    for (char *chunk; (chunk = ring_room(source));) {
        ssize_t n = (ssize_t)source->in_used;
        if (n)
            memcpy(chunk, source->in, (size_t)n);
        else
            n = read_packed(source, chunk, CHUNK);
        source->in_used = 0;
        if (n <= 0)
            return (int)n;
        TRY(count_plain(source, (size_t)n));
        ring_put(source, (size_t)n);
    }
    return 0;
}

static la_ssize_t give_packed(struct archive *archive, void *data, const void **bytes)
{
    struct source *source = data;
    *bytes = source->in;
    ssize_t n = (ssize_t)source->in_used;
    source->in_used = 0;
    if (n == 0)
        n = read_packed(source, source->in, CHUNK);
    if (n < 0)
        archive_set_error(archive, (int)-n, "read");
    return n < 0 ? -1 : n;
}

/* libarchive allocates; what fails leaves its words. */
static int decompress(struct source *source, struct archive *archive, int filter)
{
    struct archive_entry *entry;
    if (archive_read_append_filter(archive, filter) != ARCHIVE_OK || archive_read_support_format_raw(archive) != ARCHIVE_OK ||
        archive_read_support_format_empty(archive) != ARCHIVE_OK ||
        archive_read_open(archive, source, NULL, give_packed, NULL) != ARCHIVE_OK)
        return -EIO;
    if (archive_errno(archive)) /* cut off within its first pieces: it would be taken for empty */
        return -EIO;
    int r = archive_read_next_header(archive, &entry);
    if (r != ARCHIVE_OK)
        return r == ARCHIVE_EOF ? 0 : -EIO;
    for (char *chunk; (chunk = ring_room(source));) {
        la_ssize_t n = archive_read_data(archive, chunk, CHUNK);
        if (n <= 0)
            return n < 0 ? -EIO : 0;
        TRY(count_plain(source, (size_t)n));
        ring_put(source, (size_t)n);
    }
    return 0;
}

/* Fills CHUNK, unless the stream ends: 1. */
static int gunzip_chunk(struct source *source, struct gunzip *gunzip, char *chunk, size_t *used)
{
    for (int r = 0; *used < CHUNK && r == 0;) {
        size_t made;
        r = gunzip_step(gunzip, &source->packed_at, &source->in_used, chunk + *used, CHUNK - *used, &made);
        *used += made;
        if (r < 0)
            return fault(source, r, "decompress the layer: its gzip is damaged");
        if (r > 0 || made || source->in_used)
            continue;
        ssize_t n = read_packed(source, source->in, CHUNK);
        TRY((int)n);
        if (n == 0)
            return gunzip_is_whole(gunzip) ? 1 : fault(source, -EBADMSG, "decompress the layer: its gzip ends too early");
        source->packed_at = source->in;
        source->in_used = (size_t)n;
    }
    return *used < CHUNK;
}

static int read_gzip(struct source *source, struct gunzip *gunzip)
{
    source->packed_at = source->in;
    for (char *chunk; (chunk = ring_room(source));) {
        size_t used = 0;
        int r = gunzip_chunk(source, gunzip, chunk, &used);
        TRY(r);
        if (used) {
            TRY(count_plain(source, used));
            ring_put(source, used);
        }
        if (r == 1)
            return 0;
    }
    return 0;
}

static int read_filtered(struct source *source, int filter)
{
    struct archive *archive = archive_read_new();
    int r = archive ? decompress(source, archive, filter) : -ENOMEM;
    if (r < 0)
        fault(source, r, "decompress the layer: %s", archive && archive_error_string(archive) ? archive_error_string(archive) : "failed");
    archive_read_free(archive);
    return r;
}

static int read_compressed(struct source *source, int filter)
{
    struct gunzip *gunzip = filter == ARCHIVE_FILTER_GZIP ? gunzip_new() : NULL;
    int r = gunzip ? read_gzip(source, gunzip) : read_filtered(source, filter);
    gunzip_free(gunzip);
    ssize_t n = r;
    while (n >= 0 && !source->left && (n = read_packed(source, source->in, CHUNK)) > 0)
        ;
    return n < 0 ? (int)n : 0;
}

static void *run_reader(void *data)
{
    struct source *source = data;
    int filter = 0;
    if (tell_format(source, &filter) == 0) {
        source->compressed = filter != 0;
        if (filter)
            read_compressed(source, filter);
        else
            read_plain(source);
    }
    pthread_mutex_lock(&source->mutex);
    source->ended = true;
    pthread_cond_broadcast(&source->filled);
    pthread_mutex_unlock(&source->mutex);
    return NULL;
}

/* ---- the hasher ---- */

/* What was not compressed has been hashed as it was read. */
static void *run_hasher(void *data)
{
    struct source *source = data;
    pthread_mutex_lock(&source->mutex);
    while (!source->left && (source->hashed != source->made || !source->ended)) {
        if (source->hashed == source->made) {
            pthread_cond_wait(&source->filled, &source->mutex);
            continue;
        }
        unsigned chunk = source->hashed % CHUNKS;
        pthread_mutex_unlock(&source->mutex);
        if (source->compressed)
            digest_add(&source->plain, source->chunks[chunk], source->sizes[chunk]);
        pthread_mutex_lock(&source->mutex);
        source->hashed++;
        pthread_cond_broadcast(&source->freed); /* source_finish() may wait for that as well */
    }
    pthread_mutex_unlock(&source->mutex);
    return NULL;
}

/* ---- the caller ---- */

static void release(struct source *source)
{
    pthread_mutex_destroy(&source->mutex);
    pthread_cond_destroy(&source->filled);
    pthread_cond_destroy(&source->freed);
    digest_free(&source->packed);
    digest_free(&source->plain);
    cleanup_fd(&source->wake);
    free(source);
}

/* Ends those that run: they wait for nothing any more. */
static void leave(struct source *source)
{
    pthread_mutex_lock(&source->mutex);
    source->left = true;
    pthread_cond_broadcast(&source->freed);
    pthread_cond_broadcast(&source->filled);
    pthread_mutex_unlock(&source->mutex);
    if (eventfd_write(source->wake, 1) < 0)
        abort(); /* the counter is at most one */
    pthread_join(source->thread, NULL);
}

static int start_threads(struct source *source)
{
    int error = pthread_create(&source->thread, NULL, run_reader, source);
    if (error)
        return fail(-error, "start a thread");
    error = pthread_create(&source->hasher, NULL, run_hasher, source);
    if (error)
        leave(source);
    return error ? fail(-error, "start a thread") : 0;
}

int source_start(struct source **made, int fd, const struct source_limits *limits)
{
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return fail(-ENOMEM, "read the layer");
    source->fd = fd;
    source->limits = *limits;
    pthread_mutex_init(&source->mutex, NULL);
    pthread_cond_init(&source->filled, NULL);
    pthread_cond_init(&source->freed, NULL);
    source->wake = eventfd(0, EFD_CLOEXEC);
    int r = source->wake < 0 ? fail(-errno, "eventfd") : digest_begin(&source->packed);
    if (r == 0)
        r = digest_begin(&source->plain);
    if (r == 0)
        r = start_threads(source);
    if (r < 0) {
        release(source);
        return r;
    }
    *made = source;
    return 0;
}

ssize_t source_next(struct source *source, const void **bytes)
{
    pthread_mutex_lock(&source->mutex);
    if (source->holds) {
        source->taken++;
        pthread_cond_broadcast(&source->freed);
    }
    while (source->made == source->taken && !source->ended)
        pthread_cond_wait(&source->filled, &source->mutex);
    source->holds = source->made != source->taken;
    *bytes = source->chunks[source->taken % CHUNKS];
    ssize_t n = source->holds ? (ssize_t)source->sizes[source->taken % CHUNKS] : 0;
    pthread_mutex_unlock(&source->mutex);
    return n == 0 && source->error ? refuse(source->error, "%s", source->fault) : n;
}

uint64_t source_progress(const struct source *source)
{
    return atomic_load_explicit(&source->progress, memory_order_relaxed);
}

int source_finish(struct source *source, struct source_sums *sums)
{
    const void *bytes;
    ssize_t n;
    while ((n = source_next(source, &bytes)) > 0)
        ;
    TRY((int)n);
    pthread_mutex_lock(&source->mutex);
    while (source->hashed != source->made)
        pthread_cond_wait(&source->freed, &source->mutex);
    pthread_mutex_unlock(&source->mutex);
    sums->packed_size = source->packed.size;
    sums->plain_size = source->plain_size;
    if (digest_text(&source->packed, sums->packed) < 0 ||
        (source->compressed && digest_text(&source->plain, sums->plain) < 0))
        return refuse(-EIO, "libcrypto: SHA-256 failed");
    if (!source->compressed)
        memcpy(sums->plain, sums->packed, sizeof sums->plain);
    return 0;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    leave(source);
    pthread_join(source->hasher, NULL);
    release(source);
}
