#include "archive/tar_write.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

enum {
    BLOCK = 1 << 20, /* bytes written at a time */
    RECORD = 10240,  /* what the end of a plain tar is filled up to, as all tars do */
};

static int broken(const struct tar *tar)
{
    int error = archive_errno(tar->archive);
    const char *reason = archive_error_string(tar->archive);
    return error > 0 ? fail(-error, "write %s", tar->what)
                     : refuse(-EIO, "write %s: %s", tar->what, reason ? reason : "failed");
}

static int check(const struct tar *tar, int result)
{
    return result < ARCHIVE_OK ? broken(tar) : 0;
}

static int add_filter(struct archive *a, enum media_packing packing)
{
    switch (packing) {
    case PACKING_GZIP:
        archive_write_add_filter_gzip(a);
        return archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
    case PACKING_ZSTD:
        return archive_write_add_filter_zstd(a);
    case PACKING_NONE:
        break;
    }
    return archive_write_add_filter_none(a);
}

int tar_open(struct tar *tar, int out, enum media_packing packing)
{
    *tar = (struct tar){.archive = archive_write_new(), .what = "standard output"};
    if (!tar->archive)
        return fail(-ENOMEM, "write %s", tar->what);
    TRY(check(tar, archive_write_set_format_pax_restricted(tar->archive)));
    TRY(check(tar, add_filter(tar->archive, packing)));
    archive_write_set_bytes_per_block(tar->archive, BLOCK);
    archive_write_set_bytes_in_last_block(tar->archive, packing == PACKING_NONE ? RECORD : 1);
    return check(tar, archive_write_open_fd(tar->archive, out));
}

static void cleanup_entry(struct archive_entry **entry)
{
    archive_entry_free(*entry);
}

static int put_header(struct tar *tar, const char *name, mode_t mode, uint64_t size)
{
    __attribute__((cleanup(cleanup_entry))) struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return fail(-ENOMEM, "write %s", tar->what);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_mode(entry, mode);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_uid(entry, 0);
    archive_entry_set_gid(entry, 0);
    archive_entry_set_mtime(entry, 0, 0);
    return check(tar, archive_write_header(tar->archive, entry));
}

static int put_bytes(const void *bytes, size_t size, void *data)
{
    struct tar *tar = data;
    for (const char *at = bytes; size;) {
        la_ssize_t n = archive_write_data(tar->archive, at, size);
        if (n <= 0)
            return broken(tar);
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int tar_directory(struct tar *tar, const char *name)
{
    return put_header(tar, name, S_IFDIR | 0755, 0);
}

int tar_text(struct tar *tar, const char *name, const char *text, size_t length)
{
    TRY(put_header(tar, name, S_IFREG | 0644, length));
    return put_bytes(text, length, tar);
}

int tar_blob(struct tar *tar, const char *name, struct blobs *blobs, struct blob *blob,
             bool unpacked)
{
    TRY(put_header(tar, name, S_IFREG | 0644, unpacked ? blob->content_size : blob->size));
    TRY(blobs_stream(blobs, blob, unpacked, put_bytes, tar));
    return check(tar, archive_write_finish_entry(tar->archive));
}

int tar_finish(struct tar *tar)
{
    return check(tar, archive_write_close(tar->archive));
}

void tar_free(struct tar *tar)
{
    archive_write_free(tar->archive);
    tar->archive = NULL;
}
