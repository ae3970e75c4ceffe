/* Bytes are hashed as they come and written by the megabyte, or ten times a second where they come slowly; the disk is set to work on what was written while more
 * comes, so that bocal, which syncs all at once in the end, has little left to wait for.
 *
 * A digest that is wrong may be the fault of what an earlier try left, or of a server that changed between two answers:
 * then the blob is begun anew, once. Where one answer brought all of it, it is refused at once. */
#include "registry/blob.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "registry/event.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    BUFFER = 1 << 20,
    FLUSH = 8 << 20,   /* bytes between two times that the disk is set to work */
};

static void cleanup_hash(EVP_MD_CTX **hash)
{
    EVP_MD_CTX_free(*hash);
}
#define auto_hash __attribute__((cleanup(cleanup_hash))) EVP_MD_CTX

static int local(struct blob *blob, int error, const char *what)
{
    blob->ours = true;
    return fail(error, "%s %s", what, blob->name);
}

/* ---- digests ---- */

static int hash_begin(EVP_MD_CTX *hash)
{
    return hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static void hash_text(EVP_MD_CTX *hash, char digest[BLOB_DIGEST_SIZE])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(hash, bytes, &size);
    char *end = stpcpy(digest, "sha256:");
    for (unsigned i = 0; i < 32; i++)
        end += sprintf(end, "%02x", bytes[i]);
}

int blob_digest(const void *bytes, size_t size, char digest[BLOB_DIGEST_SIZE])
{
    auto_hash *hash = EVP_MD_CTX_new();
    if (hash_begin(hash) < 0)
        return fail(-ENOMEM, "libcrypto");
    EVP_DigestUpdate(hash, bytes, size);
    hash_text(hash, digest);
    return 0;
}

/* All that FD has, by way of a buffer of BUFFER bytes: how much that was, or -errno. */
static int64_t hash_file(EVP_MD_CTX *hash, int fd, char *buffer)
{
    int64_t at = 0;
    for (ssize_t n; (n = pread(fd, buffer, BUFFER, at)) != 0; at += n) {
        if (n < 0)
            return -errno;
        EVP_DigestUpdate(hash, buffer, (size_t)n);
    }
    return at;
}

int blob_digest_of(int fd, char digest[BLOB_DIGEST_SIZE])
{
    auto_hash *hash = EVP_MD_CTX_new();
    auto_free char *buffer = malloc(BUFFER);
    if (!buffer || hash_begin(hash) < 0)
        return fail(-ENOMEM, "libcrypto");
    int64_t size = hash_file(hash, fd, buffer);
    if (size < 0)
        return fail((int)size, "read a blob");
    hash_text(hash, digest);
    return 0;
}

/* ---- the file ---- */

static int write_out(struct blob *blob)
{
    int r = blob->waiting ? fd_write_all(blob->fd, blob->buffer, blob->waiting) : 0;
    if (r < 0)
        return local(blob, r, "write");
    blob->waiting = 0;
    if (blob->have - blob->flushing >= FLUSH) {
        sync_file_range(blob->fd, (off64_t)blob->flushing, (off64_t)(blob->have - blob->flushing), SYNC_FILE_RANGE_WRITE);
        blob->flushing = blob->have;
    }
    return 0;
}

/* From the first byte. */
static int begin_anew(struct blob *blob)
{
    blob->have = blob->flushing = 0;
    blob->waiting = 0;
    blob->resumed = false;
    if (ftruncate(blob->fd, 0) < 0 || lseek(blob->fd, 0, SEEK_SET) < 0)
        return local(blob, -errno, "truncate");
    return hash_begin(blob->hash) < 0 ? local(blob, -ENOMEM, "hash") : 0;
}

/* What an earlier try left. */
static int hash_left(struct blob *blob)
{
    struct stat status;
    if (fstat(blob->fd, &status) < 0)
        return local(blob, -errno, "look at");
    if (!S_ISREG(status.st_mode))
        return local(blob, -EINVAL, "go on with");
    int64_t left = (uint64_t)status.st_size <= blob->size ? hash_file(blob->hash, blob->fd, blob->buffer) : 0;
    if (left < 0 || lseek(blob->fd, left, SEEK_SET) < 0)
        return local(blob, left < 0 ? (int)left : -errno, "read");
    blob->have = (uint64_t)left;
    blob->flushing = blob->have;
    blob->resumed = blob->have > 0;
    return blob->have != (uint64_t)status.st_size ? begin_anew(blob) : 0;
}

static void tell(struct blob *blob, const char *state)
{
    blob->told = event_now_ms();
    event_blob(blob->digest, blob->kind, blob->size, blob->have, state);
}

int blob_open(struct blob *blob)
{
    snprintf(blob->name, sizeof blob->name, "%s.partial", digest_hex(blob->digest));
    blob->fd = openat(blob->ingest, blob->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (blob->fd < 0)
        return local(blob, -errno, "make");
    blob->hash = EVP_MD_CTX_new();
    blob->buffer = malloc(BUFFER);
    if (!blob->buffer || hash_begin(blob->hash) < 0)
        return local(blob, -ENOMEM, "hash");
    TRY(hash_left(blob));
    tell(blob, "downloading");
    return 0;
}

void blob_close(struct blob *blob)
{
    if (blob->fd >= 0 && blob->waiting) /* for the next try */
        (void)!fd_write_all(blob->fd, blob->buffer, blob->waiting);
    blob->waiting = 0;
    cleanup_fd(&blob->fd);
    blob->fd = -1;
    EVP_MD_CTX_free(blob->hash);
    free(blob->buffer);
    blob->hash = NULL;
    blob->buffer = NULL;
}

/* What is told is in the file: bocal unpacks it meanwhile. */
static int tell_written(struct blob *blob)
{
    TRY(write_out(blob));
    tell(blob, "downloading");
    return 0;
}

static int put_in_place(struct blob *blob)
{
    TRY(write_out(blob));
    if (renameat(blob->ingest, blob->name, blob->ingest, digest_hex(blob->digest)) < 0)
        return local(blob, -errno, "rename");
    tell(blob, "done");
    return 0;
}

/* ---- the sink ---- */

static uint64_t sink_have(void *data)
{
    struct blob *blob = data;
    if (blob->have == blob->size && blob->size) /* there is no such part to ask for */
        begin_anew(blob);
    return blob->have;
}

static int sink_begin(void *data, const struct http_answer *answer)
{
    struct blob *blob = data;
    if (answer->status == 200 && blob->have)
        TRY(begin_anew(blob));
    blob->resumed = blob->resumed || blob->have;
    uint64_t left = blob->size - blob->have;
    if (answer->has_length && answer->length != left)
        return refuse(-EPROTO, "the manifest has %llu bytes, the server offers %llu", (unsigned long long)blob->size,
                      (unsigned long long)(blob->have + answer->length));
    if (answer->has_range && answer->status == 206 && answer->range.total != blob->size)
        return refuse(-EPROTO, "the manifest has %llu bytes, the server has %llu", (unsigned long long)blob->size,
                      (unsigned long long)answer->range.total);
    return 0;
}

static int sink_take(void *data, const char *bytes, size_t size)
{
    struct blob *blob = data;
    if (size > blob->size - blob->have)
        return refuse(-EPROTO, "more comes than the %llu bytes that the manifest has", (unsigned long long)blob->size);
    EVP_DigestUpdate(blob->hash, bytes, size);
    blob->have += size;
    while (size) {
        size_t fits = BUFFER - blob->waiting < size ? BUFFER - blob->waiting : size;
        memcpy(blob->buffer + blob->waiting, bytes, fits);
        blob->waiting += fits;
        bytes += fits;
        size -= fits;
        if (blob->waiting == BUFFER)
            TRY(tell_written(blob));
    }
    return event_now_ms() - blob->told >= EVENT_EVERY ? tell_written(blob) : 0;
}

static int sink_end(void *data)
{
    struct blob *blob = data;
    char digest[BLOB_DIGEST_SIZE];
    if (blob->have < blob->size)
        return -EAGAIN;
    hash_text(blob->hash, digest);
    if (text_equal(digest, blob->digest))
        return put_in_place(blob);
    bool twice = !blob->resumed || blob->again;
    blob->again = true;
    TRY(begin_anew(blob));
    return twice ? refuse(-EPROTO, "what came is %s", digest) : -EAGAIN;
}

const struct http_sink blob_sink = {sink_have, sink_begin, sink_take, sink_end};

/* ---- what is there ---- */

bool blob_exists(int directory, const char *digest, uint64_t size)
{
    struct stat status;
    return fstatat(directory, digest_hex(digest), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           (uint64_t)status.st_size == size;
}

bool blob_is_left(int directory, const char *digest, uint64_t size)
{
    char found[BLOB_DIGEST_SIZE];
    auto_fd fd = blob_exists(directory, digest, size) ? openat(directory, digest_hex(digest), O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool right = blob_digest_of(fd, found) == 0 && text_equal(found, digest);
    error_clear(); /* then it is fetched */
    return right;
}

int blob_read(int directory, const char *digest, size_t most, char **text, size_t *size)
{
    auto_free char *bytes = NULL;
    char found[BLOB_DIGEST_SIZE];
    struct stat status;
    if (fstatat(directory, digest_hex(digest), &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
        return -ENOENT;
    ssize_t length = file_read(directory, digest_hex(digest), most, &bytes);
    if (length < 0)
        return (int)length;
    TRY(blob_digest(bytes, (size_t)length, found));
    if (!text_equal(found, digest))
        return -ENOENT; /* fetched again */
    *text = take_ptr(&bytes);
    *size = (size_t)length;
    return 0;
}

int blob_write(int ingest, const char *digest, const void *bytes, size_t size)
{
    char name[80];
    snprintf(name, sizeof name, "%s.partial", digest_hex(digest));
    auto_fd fd = openat(ingest, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    int r = fd < 0 ? -errno : fd_write_all(fd, bytes, size);
    if (r < 0 || renameat(ingest, name, ingest, digest_hex(digest)) < 0)
        return fail(r < 0 ? r : -errno, "write %s", name);
    return 0;
}
