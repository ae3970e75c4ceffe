/* Collecting: whatever no entry of the index leads to, and nobody uses, is removed. Nobody adds anything meanwhile. A layer is
 * moved away before its files are removed, so that there is never half of one under its name. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "image/content.h"
#include "image/remove.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { DEEPEST = 4 };

struct names {
    const char **list;
    size_t count;
};

struct collection {
    const struct store *store;
    struct names blobs, layers; /* what stays, hexadecimal digits; sorted once all are marked */
    uint64_t freed;
};

static void mark(struct collection *c, struct names *names, const char *hex)
{
    *LIST_ADD(c->store->arena, &names->list, &names->count) = hex;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(struct names *names)
{
    if (names->count)
        qsort(names->list, names->count, sizeof *names->list, by_text);
}

static bool is_marked(const struct names *names, const char *hex)
{
    return names->count && bsearch(&hex, names->list, names->count, sizeof *names->list, by_text);
}

/* ---- marking ---- */

/* What cannot be read might lead to anything: then nothing is removed. */
static int mark_manifest(struct collection *c, const struct image_manifest *manifest)
{
    struct image_config config;
    auto_free char *text = NULL;
    mark(c, &c->blobs, digest_hex(manifest->config.digest));
    for (size_t i = 0; i < manifest->n_layers; i++)
        mark(c, &c->blobs, digest_hex(manifest->layers[i].digest));
    if (faccessat(c->store->blobs, digest_hex(manifest->config.digest), F_OK, 0) < 0)
        return 0;
    int size = store_document(c->store, manifest->config.digest, &text);
    TRY(size);
    TRY(image_config_decode(c->store->arena, text, (size_t)size, manifest->config.digest, &config));
    for (char **chain = image_config_chain(c->store->arena, config.diff_ids); *chain; chain++)
        mark(c, &c->layers, digest_hex(*chain));
    return 0;
}

/* A document that is not here leads nowhere: of an index only some manifests are. */
static int mark_document(struct collection *c, const char *digest, const char *media_type, int depth)
{
    struct image_document document;
    mark(c, &c->blobs, digest_hex(digest));
    if (depth == DEEPEST || faccessat(c->store->blobs, digest_hex(digest), F_OK, 0) < 0)
        return 0;
    TRY(content_document(c->store, digest, media_type, &document));
    if (document.kind == MEDIA_MANIFEST)
        return mark_manifest(c, &document.manifest);
    for (size_t i = 0; i < document.index.n_manifests; i++)
        TRY(mark_document(c, document.index.manifests[i].digest, document.index.manifests[i].media_type, depth + 1));
    return 0;
}

static int mark_images(struct collection *c)
{
    struct image *images;
    size_t count;
    TRY(store_images(c->store, &images, &count));
    for (size_t i = 0; i < count; i++) {
        int r = mark_document(c, images[i].digest, images[i].media_type, 0);
        if (r < 0)
            return because(r, "image %s, for which nothing is removed", images[i].name ? images[i].name : images[i].digest);
    }
    return 0;
}

/* layer.json of the layer HEX, or NULL: it was written before the layer had its name. */
static struct json_object *description_of(const struct store *store, const char *hex)
{
    auto_free char *text = NULL;
    if (file_read(store->fd, arena_printf(store->arena, "layers/%s/layer.json", hex), 1 << 20, &text) < 0) {
        error_clear();
        return NULL;
    }
    return json_tokener_parse(text);
}

/* A layer that a container holds, and those that it stands on. */
static int mark_used(int dir, const char *name, unsigned char type, void *data)
{
    struct collection *c = data;
    (void)type;
    auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return fail(-errno, "open layer %.80s", name);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    for (const char *hex = arena_strdup(c->store->arena, name); hex;) {
        mark(c, &c->layers, hex);
        auto_json *description = description_of(c->store, hex);
        const char *parent = json_text_of(description, "parent");
        hex = digest_valid(parent) ? arena_strdup(c->store->arena, digest_hex(parent)) : NULL;
    }
    return 0;
}

/* ---- removing ---- */

static int remove_blob(int dir, const char *name, unsigned char type, void *data)
{
    struct collection *c = data;
    struct stat st;
    (void)type;
    if (is_marked(&c->blobs, name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (unlinkat(dir, name, 0) < 0)
        return fail(-errno, "remove blob %.80s", name);
    c->freed += (uint64_t)st.st_size;
    return 0;
}

static int remove_layer(int dir, const char *name, unsigned char type, void *data)
{
    struct collection *c = data;
    (void)type;
    if (is_marked(&c->layers, name))
        return 0;
    auto_json *description = description_of(c->store, name);
    const char *gone = arena_printf(c->store->arena, "ingest/gone-%.64s", name);
    if (renameat(dir, name, c->store->fd, gone) < 0)
        return fail(-errno, "remove layer %.80s", name);
    c->freed += json_number_of(description, "size");
    return 0;
}

/* Nobody makes anything now: all of ingest/ is of killed makers, or has just come here. */
static int remove_rest(int dir, const char *name, unsigned char type, void *data)
{
    const struct collection *c = data;
    (void)type;
    if (ingest_is_awaited(dir, name))
        return 0;
    return store_remove(c->store, arena_printf(c->store->arena, "ingest/%s", name));
}

static int each_of(struct collection *c, const char *directory, dir_visitor *visit)
{
    auto_fd dir = openat(c->store->fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? fail(-errno, "open %s/%s", c->store->dir, directory) : dir_each(dir, visit, c);
}

static int collect(struct collection *c)
{
    auto_fd alone = store_hold(c->store, true, true);
    TRY(alone);
    TRY(mark_images(c));
    TRY(each_of(c, "layers", mark_used));
    sort(&c->blobs);
    sort(&c->layers);
    TRY(each_of(c, "images/blobs/sha256", remove_blob));
    TRY(each_of(c, "layers", remove_layer));
    return each_of(c, "ingest", remove_rest);
}

int store_collect(const struct store *store, uint64_t *freed)
{
    struct collection c = {.store = store};
    char *before = arena_strdup(store->arena, error_text());
    error_clear();
    int r = collect(&c);
    *freed = c.freed;
    if (*before) { /* the failure before which it was called */
        error_clear();
        refuse(-EIO, "%s", before);
    }
    return r;
}
