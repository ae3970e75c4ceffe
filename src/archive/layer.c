/* libarchive reads the format of the tar: nothing else of it is used, its own writer to disk least of all.
 *
 * It is left in the C locale on purpose. It would take names of pax headers for UTF-8 text, and compose their letters anew;
 * there, it cannot convert what is not ASCII, says so, and leaves the bytes as they are. */
#include "archive/layer.h"

#include "base/error.h"

#include <archive.h>
#include <archive_entry.h>

struct stream {
    struct extractor *extractor;
    struct source *source;
    layer_progress *progress;
    void *data;
};

static la_ssize_t give(struct archive *archive, void *data, const void **bytes)
{
    struct stream *stream = data;
    if (stream->progress)
        stream->progress(source_progress(stream->source), stream->data);
    ssize_t n = source_next(stream->source, bytes);
    if (n < 0)
        archive_set_error(archive, (int)-n, "%s", error_text());
    return n < 0 ? -1 : n;
}

static bool has_foreign_letters(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text >= 0x80)
            return true;
    return false;
}

/* A warning is for text that is not ASCII, which is as it was; or else something of the entry is lost. */
static int check_header(struct archive *archive, struct archive_entry *entry, int result)
{
    if (result == ARCHIVE_OK)
        return 0;
    const char *words = archive_error_string(archive);
    bool text = has_foreign_letters(archive_entry_pathname(entry)) || has_foreign_letters(archive_entry_hardlink(entry)) ||
                has_foreign_letters(archive_entry_symlink(entry)) || has_foreign_letters(archive_entry_uname(entry)) ||
                has_foreign_letters(archive_entry_gname(entry));
    if (result == ARCHIVE_WARN && text)
        return 0;
    const char *name = result == ARCHIVE_WARN ? archive_entry_pathname(entry) : NULL;
    return refuse(-EINVAL, "the layer's tar is damaged%s%.200s: %s", name ? ", at " : "", name ? name : "", words ? words : "failed");
}

static int extract_all(struct stream *stream, struct archive *archive)
{
    struct archive_entry *entry;
    if (archive_read_support_format_tar(archive) != ARCHIVE_OK || archive_read_support_format_empty(archive) != ARCHIVE_OK)
        return refuse(-ENOMEM, "libarchive: %s", archive_error_string(archive));
    if (archive_read_open(archive, stream, NULL, give, NULL) != ARCHIVE_OK)
        return refuse(-EINVAL, "the layer is no tar, nor one in gzip or zstd: %s", archive_error_string(archive));
    for (int r; (r = archive_read_next_header(archive, &entry)) != ARCHIVE_EOF;) {
        TRY(check_header(archive, entry, r));
        TRY(extract_entry(stream->extractor, archive, entry));
    }
    return extract_end(stream->extractor);
}

int extract_layer(struct extractor *extractor, struct source *source, layer_progress *progress, void *data)
{
    struct archive *archive = archive_read_new();
    if (!archive)
        return fail(-ENOMEM, "libarchive");
    int r = extract_all(&(struct stream){extractor, source, progress, data}, archive);
    archive_read_free(archive);
    return r;
}
