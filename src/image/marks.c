/* Marking: from the entries of the index down to blobs and layers. */
#include "image/marks.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "image/content.h"
#include "image/layers.h"
#include "image/mounts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

enum { DEEPEST = 4 };

static void mark(const struct marks *m, struct mark_list *marks, const char *hex)
{
    *LIST_ADD(m->store->arena, &marks->list, &marks->count) = hex;
    marks->sorted = false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_marked(struct mark_list *marks, const char *hex)
{
    if (marks->count && !marks->sorted)
        qsort(marks->list, marks->count, sizeof *marks->list, by_text);
    marks->sorted = true;
    return marks->count && bsearch(&hex, marks->list, marks->count, sizeof *marks->list, by_text);
}

bool marks_blob(struct marks *m, const char *hex)
{
    return is_marked(&m->blobs, hex);
}

bool marks_layer(struct marks *m, const char *hex)
{
    return is_marked(&m->layers, hex);
}

static int mark_manifest(struct marks *m, const struct image_manifest *manifest)
{
    struct image_config config;
    auto_free char *text = NULL;
    mark(m, &m->blobs, digest_hex(manifest->config.digest));
    for (size_t i = 0; i < manifest->n_layers; i++)
        mark(m, &m->blobs, digest_hex(manifest->layers[i].digest));
    if (faccessat(m->store->blobs, digest_hex(manifest->config.digest), F_OK, 0) < 0)
        return 0;
    int size = store_document(m->store, manifest->config.digest, &text);
    TRY(size);
    TRY(image_config_decode(m->store->arena, text, (size_t)size, manifest->config.digest, &config));
    for (char **chain = image_config_chain(m->store->arena, config.diff_ids); *chain; chain++)
        mark(m, &m->layers, digest_hex(*chain));
    return 0;
}

/* A document that is not here leads nowhere: of an index only some manifests are. */
static int mark_document(struct marks *m, const char *digest, const char *media_type, int depth)
{
    struct image_document document;
    mark(m, &m->blobs, digest_hex(digest));
    if (depth == DEEPEST || faccessat(m->store->blobs, digest_hex(digest), F_OK, 0) < 0)
        return 0;
    TRY(content_document(m->store, digest, media_type, &document));
    if (document.kind == MEDIA_MANIFEST)
        return mark_manifest(m, &document.manifest);
    for (size_t i = 0; i < document.index.n_manifests; i++)
        TRY(mark_document(m, document.index.manifests[i].digest, document.index.manifests[i].media_type, depth + 1));
    return 0;
}

int marks_image(struct marks *m, const struct image *image)
{
    return mark_document(m, image->digest, image->media_type, 0);
}

/* Who uses layers holds a lock on the topmost. -errno, no sentence. */
static int is_held(int layers, const char *hex)
{
    auto_fd fd = openat(layers, hex, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? 1 : -errno;
}

/* A layer and those that it stands on. */
static void mark_stack(struct marks *m, const char *top)
{
    for (const char *hex = arena_strdup(m->store->arena, top); hex;) {
        mark(m, &m->layers, hex);
        auto_json *description = layer_description(m->store, hex);
        const char *parent = json_text_of(description, "parent");
        hex = digest_valid(parent) ? arena_strdup(m->store->arena, digest_hex(parent)) : NULL;
    }
}

/* What a container holds. */
static int mark_held(int dir, const char *name, unsigned char type, void *data)
{
    struct marks *m = data;
    (void)type;
    int held = is_held(dir, name);
    if (held > 0)
        mark_stack(m, name);
    return held < 0 ? fail(held, "open layer %.80s", name) : 0;
}

int marks_used(struct marks *m)
{
    struct image_mount *mounts;
    size_t count;
    TRY(image_mounts(m->store, &mounts, &count));
    for (size_t i = 0; i < count; i++)
        mark_stack(m, mounts[i].top);
    auto_fd dir = openat(m->store->fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? fail(-errno, "open %s/layers", m->store->dir) : dir_each(dir, mark_held, m);
}

bool marks_in_use(const struct marks *m, const char *top)
{
    struct image_mount *mounts;
    size_t count;
    if (image_mounts(m->store, &mounts, &count) < 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (text_equal(mounts[i].top, top))
            return true;
    auto_fd dir = openat(m->store->fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir >= 0 && is_held(dir, top) != 0;
}
