/* From the name of an image to the directories that a container's root is laid over. */
#include "engine/image.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "engine/places.h"
#include "runtime/userns.h"

int caller_store_open(struct arena *arena, struct store *store)
{
    struct places places;
    TRY(places_find(arena, &places));
    return store_open(arena, places.data, store);
}

static int no_store(const char *word)
{
    return refuse(-ENOENT, "image %.200s is not here: there are no images yet (bocal pull, or bocal load)", word);
}

int caller_store_look(struct arena *arena, const char *word, struct store *store)
{
    struct places places;
    TRY(places_find(arena, &places));
    int r = store_look(arena, places.data, store);
    return r == -ENOENT && word ? no_store(word) : r;
}

int layer_owners_choose(struct arena *arena, struct layer_owners *owners)
{
    *owners = (struct layer_owners){.userns = -1};
    if (geteuid() == 0) {
        owners->user = process_in_userns();
        return 0;
    }
    owners->user = true;
    int fd = userns_of_caller(arena);
    owners->flat = fd == -ENOENT;
    owners->userns = fd < 0 ? -1 : fd;
    return fd < 0 && fd != -ENOENT ? fd : 0;
}

static int unpack(struct arena *arena, const struct run_image *image)
{
    auto_owners owners = {.userns = -1};
    TRY(layer_owners_choose(arena, &owners));
    auto_fd adding = store_hold(&image->store, false, false);
    return adding < 0 ? adding : layers_unpack(&image->store, &image->content, &owners, NULL, NULL);
}

int run_image_open(struct arena *arena, const char *data, const char *word, struct run_image *image)
{
    struct image found;
    *image = (struct run_image){.hold = -1};
    int r = store_look(arena, data, &image->store);
    if (r == -ENOENT)
        return no_store(word);
    TRY(r);
    TRY(store_find(&image->store, word, &found));
    TRY(content_read(&image->store, &found, NULL, &image->content));
    r = layers_use(&image->store, &image->content, &image->directories, &image->hold);
    if (r != -ENOENT)
        return r;
    TRY(unpack(arena, image));
    r = layers_use(&image->store, &image->content, &image->directories, &image->hold);
    return r == -ENOENT ? refuse(-EAGAIN, "image %.200s: it has just been removed", word) : r;
}

void run_image_close(struct run_image *image)
{
    store_close(&image->store);
    cleanup_fd(&image->hold);
    image->hold = -1;
}
