/* One walk over the store's directory: what has a place of its own is listed there, and everything else is "other". What is
 * active is found out first, while nobody adds anything: that takes as long as reading the images' documents. */
#include "engine/disk.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "image/marks.h"
#include "image/measure.h"
#include "image/prune.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

const char *const disk_names[DISK_KINDS] = {"blobs", "layers", "containers", "embedded", "ingest"};

struct measuring {
    const struct store *store;
    const struct places *places;
    struct disk_use *use;
    struct marks marks;    /* what is active */
    const char *directory; /* the one that is being listed */
    struct disk_list *list; /* into which; NULL: other */
};

/* ---- what is active ---- */

/* Whoever makes or runs it holds a lock on PATH. */
static bool is_locked(int dir, const char *path)
{
    auto_fd fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

static bool is_active(struct measuring *m, enum disk_kind kind, const char *name)
{
    switch (kind) {
    case DISK_BLOBS:
        return marks_blob(&m->marks, name);
    case DISK_LAYERS:
        return marks_layer(&m->marks, name);
    case DISK_CONTAINERS:
        return is_locked(AT_FDCWD, arena_printf(m->store->arena, "%s/%s", m->places->state, name));
    case DISK_INGEST:
        return is_locked(m->store->fd, arena_printf(m->store->arena, "ingest/%s", name));
    default:
        return true;
    }
}

static int mark_active(struct measuring *m)
{
    m->use->known = m->store->blobs < 0; /* there are no images yet */
    if (m->use->known)
        return 0;
    auto_fd alone = store_hold(m->store, true, true);
    m->use->known = alone >= 0;
    if (alone < 0)
        return alone == -EBUSY ? 0 : alone;
    for (size_t i = 0; i < m->use->n_images; i++) {
        struct disk_image *image = &m->use->images[i];
        int used = store_image_used(m->store, image->image);
        image->active = used != 0; /* what cannot be read is never removed */
        if (used < 0)
            error_clear();
        if (image->active && marks_image(&m->marks, image->image) < 0)
            error_clear();
    }
    return marks_used(&m->marks);
}

/* ---- the walk ---- */

static int measure_directory(struct measuring *m, const char *path, struct disk_list *list);

static struct disk_list *place_of(struct measuring *m, const char *path, bool *known)
{
    static const struct {
        const char *path;
        enum disk_kind kind;
        bool listed; /* else its entries are looked at like the store's */
    } places[] = {
        {"images", 0, false}, {"images/blobs", 0, false}, {"images/blobs/sha256", DISK_BLOBS, true}, {"layers", DISK_LAYERS, true},
        {"containers", DISK_CONTAINERS, true}, {"embedded", DISK_EMBEDDED, true}, {"ingest", DISK_INGEST, true},
    };
    for (size_t i = 0; i < COUNT(places); i++)
        if (text_equal(places[i].path, path)) {
            *known = true;
            return places[i].listed ? &m->use->lists[places[i].kind] : NULL;
        }
    *known = false;
    return NULL;
}

static int measure_entry(int dir, const char *name, unsigned char type, void *data)
{
    struct measuring *m = data;
    struct arena *arena = m->store->arena;
    const char *path = *m->directory ? arena_printf(arena, "%s/%s", m->directory, name) : arena_strdup(arena, name);
    bool known;
    struct disk_list *place = place_of(m, path, &known);
    uint64_t bytes = 0;
    (void)dir, (void)type;
    if (!m->list && known)
        return measure_directory(m, path, place);
    TRY(store_measure(m->store, path, &bytes));
    if (m->list)
        *LIST_ADD(arena, &m->list->items, &m->list->count) = (struct disk_item){.name = arena_strdup(arena, name), .bytes = bytes};
    else
        m->use->other += bytes;
    return 0;
}

static int measure_directory(struct measuring *m, const char *path, struct disk_list *list)
{
    struct measuring inner = *m;
    uint64_t bytes = 0;
    auto_fd fd = openat(m->store->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(-errno, "open %s/%s", m->store->dir, path);
    TRY(store_measure_one(m->store, *path ? path : ".", &bytes));
    m->use->other += bytes;
    inner.directory = path;
    inner.list = list;
    return dir_each(fd, measure_entry, &inner);
}

/* ---- images ---- */

static uint64_t marked_bytes(const struct disk_list *list, struct marks *marks, bool (*is_marked)(struct marks *, const char *))
{
    uint64_t sum = 0;
    for (size_t i = 0; i < list->count; i++)
        sum += is_marked(marks, list->items[i].name) ? list->items[i].bytes : 0;
    return sum;
}

static void measure_image(struct measuring *m, struct disk_image *image)
{
    struct marks marks = {.store = m->store};
    if (marks_image(&marks, image->image) < 0)
        error_clear(); /* what of it can be read */
    image->blobs = marked_bytes(&m->use->lists[DISK_BLOBS], &marks, marks_blob);
    image->layers = marked_bytes(&m->use->lists[DISK_LAYERS], &marks, marks_layer);
}

static int list_images(const struct store *store, struct disk_use *use)
{
    struct image *images;
    if (store->blobs < 0)
        return 0;
    TRY(store_images(store, &images, &use->n_images));
    use->images = arena_alloc(store->arena, (use->n_images + 1) * sizeof *use->images);
    for (size_t i = 0; i < use->n_images; i++)
        use->images[i].image = &images[i];
    return 0;
}

int disk_measure(const struct store *store, const struct places *places, struct disk_use *use)
{
    *use = (struct disk_use){.known = false};
    struct measuring m = {.store = store, .places = places, .use = use, .marks.store = store};
    TRY(list_images(store, use));
    TRY(mark_active(&m));
    TRY(measure_directory(&m, "", NULL));
    for (enum disk_kind kind = 0; kind < DISK_KINDS; kind++)
        for (size_t i = 0; i < use->lists[kind].count; i++)
            use->lists[kind].items[i].active = is_active(&m, kind, use->lists[kind].items[i].name);
    for (size_t i = 0; i < use->n_images; i++)
        measure_image(&m, &use->images[i]);
    return 0;
}

uint64_t disk_bytes(const struct disk_list *list)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < list->count; i++)
        sum += list->items[i].bytes;
    return sum;
}

uint64_t disk_reclaimable(const struct disk_list *list)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < list->count; i++)
        sum += list->items[i].active ? 0 : list->items[i].bytes;
    return sum;
}
