/* The input comes to disk first, for it may be a pipe; then it is read again, by what reads layers, so that what is told of it is
 * found the same way as when it is unpacked. */
#include "archive/import.h"

#include "archive/blobs.h"
#include "archive/confine.h"
#include "archive/source.h"
#include "archive/verb.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"

#include <archive.h>
#include <fcntl.h>
#include <string.h>

#define INCOMING "incoming"
enum { DIRECTORY = 3, PIECE = 1 << 18, MAGIC = 6 };

static const struct format {
    const char *magic;
    size_t length;
    enum media_packing packing;
    int filter; /* to be taken off; 0: it stays as it is */
} formats[] = {
    {"\x1f\x8b", 2, PACKING_GZIP, 0},
    {"\x28\xb5\x2f\xfd", 4, PACKING_ZSTD, 0},
    {"BZh", 3, PACKING_NONE, ARCHIVE_FILTER_BZIP2},
    {"\xfd"
     "7zXZ",
     6, PACKING_NONE, ARCHIVE_FILTER_XZ}, /* with its NUL */
};

struct input {
    char piece[PIECE];
    size_t used; /* of what was read to tell the format */
};

static ssize_t read_input(char *to, size_t size)
{
    ssize_t n;
    do
        n = read(STDIN_FILENO, to, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int tell_format(struct input *input, const struct format **format)
{
    static const struct format plain = {.packing = PACKING_NONE};
    for (ssize_t n = 1; n > 0 && input->used < MAGIC; input->used += (size_t)n) {
        n = read_input(input->piece + input->used, PIECE - input->used);
        if (n < 0)
            return fail((int)n, "read the archive");
    }
    *format = &plain;
    for (size_t i = 0; i < COUNT(formats); i++)
        if (input->used >= formats[i].length && memcmp(input->piece, formats[i].magic, formats[i].length) == 0)
            *format = &formats[i];
    return input->used ? 0 : refuse(-EINVAL, "the archive is empty");
}

/* What comes next of it: a piece, or 0 at its end. */
static ssize_t next_piece(struct input *input)
{
    ssize_t n = (ssize_t)input->used;
    input->used = 0;
    return n ? n : read_input(input->piece, PIECE);
}

static int put(int fd, const void *bytes, size_t size, uint64_t *written)
{
    *written += size;
    if (*written > UNPACKED_MOST)
        return refuse(-EFBIG, "the archive has more than %llu bytes", (unsigned long long)UNPACKED_MOST);
    int r = fd_write_all(fd, bytes, size);
    return r < 0 ? fail(r, "write a blob") : 0;
}

static int copy_input(struct input *input, int fd)
{
    uint64_t written = 0;
    ssize_t n;
    while ((n = next_piece(input)) > 0)
        TRY(put(fd, input->piece, (size_t)n, &written));
    return n < 0 ? fail((int)n, "read the archive") : 0;
}

/* ---- what is unpacked ---- */

static la_ssize_t give(struct archive *archive, void *data, const void **bytes)
{
    struct input *input = data;
    ssize_t n = next_piece(input);
    *bytes = input->piece;
    if (n < 0)
        archive_set_error(archive, (int)-n, "%s", strerror((int)-n));
    return n < 0 ? -1 : n;
}

static void cleanup_archive(struct archive **archive)
{
    archive_read_free(*archive);
}

static int broken(struct archive *archive)
{
    const char *words = archive_error_string(archive);
    return refuse(-EBADMSG, "the archive cannot be unpacked: %s", words ? words : "it is damaged");
}

static int unpack_input(struct input *input, int filter, int fd)
{
    static char piece[PIECE];
    struct archive_entry *entry;
    uint64_t written = 0;
    __attribute__((cleanup(cleanup_archive))) struct archive *archive = archive_read_new();
    if (!archive)
        return fail(-ENOMEM, "read the archive");
    if (archive_read_append_filter(archive, filter) != ARCHIVE_OK || archive_read_support_format_raw(archive) != ARCHIVE_OK ||
        archive_read_open(archive, input, NULL, give, NULL) != ARCHIVE_OK || archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        return broken(archive);
    for (;;) {
        la_ssize_t n = archive_read_data(archive, piece, sizeof piece);
        if (n <= 0)
            return n < 0 ? broken(archive) : 0;
        TRY(put(fd, piece, (size_t)n, &written));
        uint64_t packed = (uint64_t)archive_filter_bytes(archive, -1);
        if (written > 16 << 20 && written / RATIO_MOST > packed)
            return refuse(-EFBIG, "the archive unpacks to more than %llu times its size, as a bomb would", (unsigned long long)RATIO_MOST);
    }
}

/* ---- the blob ---- */

static int sum(int fd, struct source_sums *sums)
{
    const struct source_limits limits = {.size = SOURCE_UNKNOWN, .unpacked = UNPACKED_MOST, .ratio = RATIO_MOST};
    struct source *source = NULL;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return fail(-errno, "read a blob");
    int r = source_start(&source, fd, &limits);
    if (r == 0)
        r = source_finish(source, sums);
    source_free(source);
    return r;
}

static void tell(const struct source_sums *sums, enum media_packing packing)
{
    struct json_writer json = json_writer_compact(stdout);
    json_begin_object(&json, NULL);
    json_put_string(&json, "layer", sums->packed);
    json_put_u64(&json, "size", sums->packed_size);
    json_put_string(&json, "mediaType", media_type_of_layer(packing, false)->name);
    json_put_string(&json, "diffID", sums->plain);
    json_end_object(&json);
    putchar('\n');
}

int verb_import(char **words)
{
    static struct input input;
    const struct format *format;
    struct source_sums sums;
    auto_digest first = {0};
    TRY(words_none(words));
    TRY(digest_begin(&first)); /* libcrypto looks around at the first */
    TRY(confine(&(struct confinement){.write = DIRECTORY}));
    auto_fd fd = openat(DIRECTORY, INCOMING, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail(-errno, "write a blob");
    TRY(tell_format(&input, &format));
    TRY(format->filter ? unpack_input(&input, format->filter, fd) : copy_input(&input, fd));
    TRY(sum(fd, &sums));
    if (!sums.plain_size)
        return refuse(-EBADMSG, "there is no tar in the archive");
    if (fsync(fd) < 0 || renameat(DIRECTORY, INCOMING, DIRECTORY, digest_hex(sums.packed)) < 0)
        return fail(-errno, "write a blob");
    tell(&sums, format->packing);
    return 0;
}
