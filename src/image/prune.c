/* Whether an image is used, its entry and its blobs: all of it is looked at and done while nobody else uses the store, so that
 * nobody begins to use what is about to go. */
#include "image/prune.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "image/collect.h"
#include "image/content.h"
#include "image/marks.h"

int store_image_used(const struct store *store, const struct image *image)
{
    struct content content;
    const struct marks marks = {.store = store};
    TRY(content_read(store, image, NULL, &content));
    return content.n_layers && marks_in_use(&marks, digest_hex(content.chain[content.n_layers - 1]));
}

static int goes(const struct store *store, const struct prune_request *request, const struct image *image)
{
    if (image->name && !request->all)
        return 0;
    int passes = request->filter ? image_filter_passes(store, request->filter, image) : 1;
    if (passes <= 0)
        return passes;
    int used = store_image_used(store, image);
    return used < 0 ? used : !used;
}

static int forget(const struct store *store, const struct prune_request *request, prune_listener *each, void *data)
{
    struct image *images;
    size_t count;
    struct naming *gone = NULL;
    size_t n = 0;
    TRY(store_images(store, &images, &count));
    for (size_t i = 0; i < count; i++) {
        int r = goes(store, request, &images[i]);
        if (r < 0)
            return because(r, "image %s, for which nothing is removed", images[i].name ? images[i].name : images[i].digest);
        if (r)
            *LIST_ADD(store->arena, &gone, &n) = (struct naming){images[i].name, &images[i]};
    }
    TRY(store_take(store, gone, n));
    for (size_t i = 0; i < n && each; i++)
        each(gone[i].image, data);
    return 0;
}

int store_prune(const struct store *store, const struct prune_request *request, prune_listener *each, void *data, uint64_t *freed)
{
    auto_fd alone = store_hold(store, true, true);
    TRY(alone);
    TRY(forget(store, request, each, data));
    TRY(ingest_drop(store, freed));
    return store_collect_alone(store, freed);
}
