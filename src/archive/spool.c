/* A file is hashed while it is written under the name INCOMING, and renamed to its digest: equal
 * files are one from the first moment, and a name that is in the archive is never the name of a
 * file. */
#include "archive/spool.h"

#include "archive/digest.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define INCOMING "incoming"
#define ARCHIVE_NAME "the archive"

enum {
    PIECE = 1 << 20,
    BEHIND = 64 << 20, /* bytes behind an archive's end that are read */
};

/* The input. */
struct source {
    int fd;
    int error;
    bool over;
    char *piece;
};

struct spooling {
    struct archive *archive;
    struct source source;
    struct blobs *blobs;
    struct members *members;
};

static la_ssize_t pull(struct archive *a, void *data, const void **bytes)
{
    struct source *source = data;
    ssize_t n;
    do
        n = read(source->fd, source->piece, PIECE);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        source->error = -errno;
        archive_set_error(a, errno, "%s", strerror(errno));
    }
    source->over = n <= 0;
    *bytes = source->piece;
    return n;
}

/* libarchive's failure, in its words. */
static int broken(const struct spooling *spooling)
{
    if (spooling->source.error < 0)
        return fail(spooling->source.error, "read " ARCHIVE_NAME);
    const char *reason = archive_error_string(spooling->archive);
    return refuse(-EBADMSG, ARCHIVE_NAME " cannot be read: %s", reason ? reason : "it is damaged");
}

/* ---- a file ---- */

static int count(struct spooling *spooling, size_t size)
{
    spooling->blobs->content += size;
    return limits_allow(&spooling->blobs->limits, ARCHIVE_NAME, spooling->blobs->content,
                        (uint64_t)archive_filter_bytes(spooling->archive, -1));
}

/* archive_read_data() gives holes as zeros, so that they count as well. */
static int copy_out(struct spooling *spooling, int fd, char hex[HEX_SIZE])
{
    auto_free char *piece = malloc(PIECE);
    auto_digest digest = {0};
    if (!piece)
        return fail(-ENOMEM, "read " ARCHIVE_NAME);
    TRY(digest_begin(&digest));
    for (;;) {
        la_ssize_t n = archive_read_data(spooling->archive, piece, PIECE);
        if (n < 0)
            return broken(spooling);
        if (n == 0)
            break;
        TRY(count(spooling, (size_t)n));
        digest_add(&digest, piece, (size_t)n);
        int r = fd_write_all(fd, piece, (size_t)n);
        if (r < 0)
            return fail(r, "write a blob");
    }
    return blobs_digits(&digest, hex);
}

/* A name that is a digest is a promise. */
static int check_name(const char *name, const char *hex)
{
    const char *algorithm = text_after(name, "blobs/"),
               *promised = algorithm ? text_after(algorithm, "sha256/") : NULL;
    if (!algorithm || text_equal(promised, hex))
        return 0;
    if (promised)
        return refuse(-EBADMSG, ARCHIVE_NAME " has %.100s, but the digest of that is sha256:%s",
                      name, hex);
    return 0; /* another algorithm: refused by whoever names it */
}

static int take_file(struct spooling *spooling, struct archive_entry *entry, const char *name)
{
    char hex[HEX_SIZE];
    la_int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    if (size < 0 || (uint64_t)size > spooling->blobs->limits.bytes)
        return limits_allow(&spooling->blobs->limits, ARCHIVE_NAME, UINT64_MAX, UINT64_MAX);
    auto_fd fd = openat(spooling->blobs->dir, INCOMING,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail(-errno, "write a blob");
    int r = copy_out(spooling, fd, hex);
    if (r == 0 && renameat(spooling->blobs->dir, INCOMING, spooling->blobs->dir, hex) < 0)
        r = fail(-errno, "write blob sha256:%s", hex);
    if (r < 0) {
        unlinkat(spooling->blobs->dir, INCOMING, 0);
        return r;
    }
    TRY(check_name(name, hex));
    struct blob *blob = blobs_find(spooling->blobs, hex);
    return blob ? members_add(spooling->members, name, blob, NULL)
                : fail(-ENOMEM, "read " ARCHIVE_NAME);
}

/* ---- entries ---- */

static const char *text_of(const char *bytes, const char *utf8)
{
    return bytes ? bytes : utf8; /* NULL where pax has a name that this locale has no letters for */
}

static int take_link(struct spooling *spooling, struct archive_entry *entry, const char *name)
{
    const char *hard = text_of(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry));
    const char *soft = text_of(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry));
    const char *to = NULL;
    struct arena *arena = spooling->members->arena;
    TRY(hard ? member_name(arena, hard, &to) : member_link(arena, name, soft ? soft : "", &to));
    return members_add(spooling->members, name, NULL, to);
}

static int take_entry(struct spooling *spooling, struct archive_entry *entry)
{
    const char *raw = text_of(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
    const char *name;
    if (!raw)
        return refuse(-EINVAL, ARCHIVE_NAME " has a name that is no text");
    TRY(member_name(spooling->members->arena, raw, &name));
    mode_t type = archive_entry_filetype(entry);
    if (archive_entry_hardlink(entry) || archive_entry_hardlink_utf8(entry) || type == AE_IFLNK)
        return take_link(spooling, entry, name);
    if (type == AE_IFREG)
        return take_file(spooling, entry, name);
    if (type == AE_IFDIR)
        return 0;
    return refuse(-EINVAL, ARCHIVE_NAME " has %.80s, which is neither file nor directory nor link",
                  name);
}

/* What is behind the archive's end: whoever writes to a pipe wants it to be read. */
static void drain(struct spooling *spooling)
{
    struct stat st;
    const void *bytes;
    if (fstat(spooling->source.fd, &st) < 0 || S_ISREG(st.st_mode))
        return;
    for (la_ssize_t n, all = 0; all < BEHIND && !spooling->source.over; all += n)
        n = pull(spooling->archive, &spooling->source, &bytes);
}

static int read_entries(struct spooling *spooling)
{
    for (uint64_t n = 0;; n++) {
        struct archive_entry *entry;
        int r = archive_read_next_header(spooling->archive, &entry);
        if (r == ARCHIVE_EOF && n == 0)
            return refuse(-EINVAL, ARCHIVE_NAME " is empty");
        if (r == ARCHIVE_EOF)
            return 0;
        if (r < ARCHIVE_WARN)
            return broken(spooling);
        TRY(take_entry(spooling, entry));
    }
}

static void cleanup_archive(struct archive **a)
{
    archive_read_free(*a);
}

int spool(int input, struct blobs *blobs, struct members *members)
{
    auto_free char *piece = malloc(PIECE);
    __attribute__((cleanup(cleanup_archive))) struct archive *a = archive_read_new();
    if (!a || !piece)
        return fail(-ENOMEM, "read " ARCHIVE_NAME);
    struct spooling spooling = {
        .archive = a, .blobs = blobs, .members = members, .source = {.fd = input, .piece = piece}};
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_empty(a);
    if (archive_read_open(a, &spooling.source, NULL, pull, NULL) < ARCHIVE_WARN)
        return broken(&spooling);
    TRY(read_entries(&spooling));
    drain(&spooling);
    return 0;
}
