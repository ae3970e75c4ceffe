/* Removing is done while nobody else uses the store, as when it is collected; unpacking beside others, as always. What was found wrong
 * may be gone by then, or right: a layer is looked for under its name, and made where it is missing. */
#include "image/repair.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "image/add.h"
#include "image/marks.h"
#include "image/remove.h"

#include <fcntl.h>

enum outcome { KEPT, IN_USE, REMOVED };

struct repairing {
    const struct store *store;
    struct marks marks;
    enum outcome *outcomes; /* one a fault */
};

/* ---- removing ---- */

static int remove_layer(const struct store *store, const char *name)
{
    const char *gone = arena_printf(store->arena, "ingest/gone-%.64s", name);
    int r = renameat(store->fd, arena_printf(store->arena, "layers/%s", name), store->fd, gone) < 0 ? -errno : 0;
    return r == -ENOENT ? 0 : r < 0 ? fail(r, "remove layer %.80s", name) : store_remove(store, gone);
}

static int remove_blob(const struct store *store, const char *name)
{
    return unlinkat(store->blobs, name, 0) == 0 || errno == ENOENT ? 0 : fail(-errno, "remove blob %.80s", name);
}

static int remove_one(struct repairing *r, const struct fault *fault, enum outcome *outcome)
{
    bool used = fault->kind == FAULT_LAYER && marks_layer(&r->marks, fault->name);
    *outcome = fault->kind == FAULT_OTHER ? KEPT : used ? IN_USE : REMOVED;
    if (*outcome != REMOVED)
        return 0;
    return fault->kind == FAULT_LAYER ? remove_layer(r->store, fault->name) : remove_blob(r->store, fault->name);
}

static int remove_all(struct repairing *r, const struct fault *faults, size_t count)
{
    auto_fd alone = store_hold(r->store, true, true);
    TRY(alone);
    TRY(marks_used(&r->marks));
    for (size_t i = 0; i < count; i++)
        TRY(remove_one(r, &faults[i], &r->outcomes[i]));
    return 0;
}

/* ---- making ---- */

/* What an image cannot be unpacked for is told by what is missing then. */
static int unpack_all(const struct store *store, const struct layer_owners *owners)
{
    struct image *images;
    size_t count;
    auto_fd adding = store_hold(store, false, false);
    TRY(adding);
    TRY(ingest_sweep(store));
    TRY(store_images(store, &images, &count));
    for (size_t i = 0; i < count; i++) {
        (void)image_unpack(store, &images[i], owners, NULL, NULL);
        error_clear();
    }
    return 0;
}

static const char *what_became(const struct store *store, const struct fault *fault, enum outcome outcome)
{
    if (outcome == KEPT)
        return "stays: it is no fault that bocal can mend (pull or load the image again, or remove it)";
    if (outcome == IN_USE)
        return "stays: it is in use (once containers of its images have ended, and none is mounted, try again)";
    if (fault->kind == FAULT_BLOB)
        return "was removed (pull or load its images again)";
    if (faccessat(store->fd, arena_printf(store->arena, "layers/%s", fault->name), F_OK, 0) < 0)
        return "was removed, and not made anew: no image has it, or its blob is missing";
    return "was removed, and unpacked anew";
}

int store_repair(const struct store *store, const struct layer_owners *owners, const struct fault *faults, size_t count,
                 repair_listener *each, void *data, size_t *left)
{
    struct repairing r = {.store = store, .marks.store = store, .outcomes = arena_alloc(store->arena, (count + 1) * sizeof *r.outcomes)};
    *left = count;
    TRY(remove_all(&r, faults, count));
    TRY(unpack_all(store, owners));
    for (size_t i = 0; i < count; i++) {
        each(&faults[i], what_became(store, &faults[i], r.outcomes[i]), data);
        *left -= faults[i].kind == FAULT_LAYER && r.outcomes[i] == REMOVED;
    }
    return 0;
}
