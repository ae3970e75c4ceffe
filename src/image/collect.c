/* Collecting: whatever no entry of the index leads to, and nobody uses, is removed. Nobody adds anything meanwhile. A layer is
 * moved away before its files are removed, so that there is never half of one under its name. */
#include "image/collect.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "image/marks.h"
#include "image/measure.h"
#include "image/remove.h"

#include <fcntl.h>

struct collection {
    const struct store *store;
    struct marks marks;
    uint64_t freed;
};

static int mark_images(struct collection *c)
{
    struct image *images;
    size_t count;
    TRY(store_images(c->store, &images, &count));
    for (size_t i = 0; i < count; i++) {
        int r = marks_image(&c->marks, &images[i]);
        if (r < 0)
            return because(r, "image %s, for which nothing is removed", images[i].name ? images[i].name : images[i].digest);
    }
    return 0;
}

static int remove_blob(int dir, const char *name, unsigned char type, void *data)
{
    struct collection *c = data;
    uint64_t bytes = 0;
    (void)type;
    if (marks_blob(&c->marks, name))
        return 0;
    TRY(store_measure_one(c->store, arena_printf(c->store->arena, "images/blobs/sha256/%s", name), &bytes));
    if (unlinkat(dir, name, 0) < 0)
        return fail(-errno, "remove blob %.80s", name);
    c->freed += bytes;
    return 0;
}

static int remove_layer(int dir, const char *name, unsigned char type, void *data)
{
    struct collection *c = data;
    (void)type;
    if (marks_layer(&c->marks, name))
        return 0;
    const char *gone = arena_printf(c->store->arena, "ingest/gone-%.64s", name);
    return renameat(dir, name, c->store->fd, gone) < 0 ? fail(-errno, "remove layer %.80s", name) : 0;
}

/* Nobody makes anything now: all of ingest/ is of killed makers, or has just come here. */
static int remove_rest(int dir, const char *name, unsigned char type, void *data)
{
    struct collection *c = data;
    (void)type;
    if (ingest_is_awaited(dir, name))
        return 0;
    const char *path = arena_printf(c->store->arena, "ingest/%s", name);
    uint64_t bytes = store_measured(c->store, path);
    TRY(store_remove(c->store, path));
    c->freed += bytes;
    return 0;
}

static int each_of(struct collection *c, const char *directory, dir_visitor *visit)
{
    auto_fd dir = openat(c->store->fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? fail(-errno, "open %s/%s", c->store->dir, directory) : dir_each(dir, visit, c);
}

static int collect(struct collection *c)
{
    TRY(mark_images(c));
    TRY(marks_used(&c->marks));
    TRY(each_of(c, "images/blobs/sha256", remove_blob));
    TRY(each_of(c, "layers", remove_layer));
    return each_of(c, "ingest", remove_rest);
}

int store_collect_alone(const struct store *store, uint64_t *freed)
{
    struct collection c = {.store = store, .marks.store = store};
    int r = collect(&c);
    *freed += c.freed;
    return r;
}

static int collect_now(const struct store *store, uint64_t *freed)
{
    auto_fd alone = store_hold(store, true, true);
    return alone < 0 ? alone : store_collect_alone(store, freed);
}

int store_collect(const struct store *store, uint64_t *freed)
{
    char *before = arena_strdup(store->arena, error_text());
    error_clear();
    *freed = 0;
    int r = collect_now(store, freed);
    if (*before) { /* the failure before which it was called */
        error_clear();
        refuse(-EIO, "%s", before);
    }
    return r;
}
