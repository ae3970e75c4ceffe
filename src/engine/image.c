/* From the name of an image to the directories that a container's root is laid over. */
#include "engine/image.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/places.h"
#include "engine/registries.h"
#include "kernel/binfmt.h"
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
    return r != -ENOENT ? r : word ? no_store(word) : 0;
}

int layer_owners_choose(struct arena *arena, struct layer_owners *owners)
{
    struct registries configured;
    TRY(registries_read(arena, &configured));
    *owners = (struct layer_owners){.userns = -1, .limits = configured.limits};
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

/* ---- what has come ---- */

static struct arrival *find(const struct arrivals *arrivals, const char *digest)
{
    for (size_t i = 0; i < arrivals->count; i++)
        if (text_equal(arrivals->list[i].digest, digest))
            return &arrivals->list[i];
    return NULL;
}

void arrivals_note(struct arrivals *arrivals, const char *digest, bool unpacked)
{
    struct arrival *arrival = find(arrivals, digest);
    if (!arrival) {
        arrival = LIST_ADD(arrivals->arena, &arrivals->list, &arrivals->count);
        arrival->digest = arena_strdup(arrivals->arena, digest);
    }
    arrival->fetched |= !unpacked;
    arrival->unpacked |= unpacked;
}

struct arrival arrivals_find(const struct arrivals *arrivals, const char *digest)
{
    const struct arrival *arrival = find(arrivals, digest);
    return arrival ? *arrival : (struct arrival){.digest = digest};
}

/* ---- which machine it is for ---- */

/* Without being asked nothing is run that is another machine's: where it could be, it would be an emulator's, and slow. */
static int refuse_foreign(struct arena *arena, const struct run_image *image, const struct platform *here)
{
    const char *its = platform_text(arena, &image->content.config.platform), *ours = platform_text(arena, here);
    int r = refuse(-ENOTSUP, "image %.200s is for %s, and this machine is %s", image->word, its, ours);
    return remedy(r, "bocal pull --platform %s gets this machine's, where there is one; --platform %s runs it all the same", ours, its);
}

/* The kernel runs what it was made for, and 32-bit programs of the same kind; everything else is a handler's of binfmt_misc. */
static int check_emulator(struct arena *arena, const struct run_image *image, const struct platform *here)
{
    const struct platform *its = &image->content.config.platform;
    struct binfmt_handler handler;
    if (!text_equal(its->os, "linux"))
        return refuse(-ENOTSUP, "image %.200s is for %s, and this is Linux", image->word, platform_text(arena, its));
    if (platform_runs(here, its))
        return 0;
    int r = binfmt_find(arena, BINFMT_DIRECTORY, its->architecture, &handler);
    if (r == -ENOENT)
        return remedy(refuse(-ENOTSUP, "image %.200s is for %s, and this machine is %s: binfmt_misc has no handler for that", image->word,
                             platform_text(arena, its), platform_text(arena, here)),
                      "apt-get install qemu-user-static, which registers one");
    TRY(r);
    if (!handler.fixed)
        warn("binfmt_misc looks for %s, which runs %s, in the container: its handler %s has no flag F", handler.interpreter,
             its->architecture, handler.name);
    return 0;
}

static int check_platform(struct arena *arena, const struct image_wish *wish, const struct run_image *image)
{
    struct platform here;
    const struct platform *its = &image->content.config.platform;
    TRY(platform_host(arena, &here));
    if (wish->platform && !platform_serves(its, wish->platform))
        return refuse(-ENOENT, "image %.200s is here for %s, and not for %s", wish->word, platform_text(arena, its),
                      platform_text(arena, wish->platform));
    if (text_equal(its->os, here.os) && text_equal(its->architecture, here.architecture))
        return 0;
    return wish->platform ? check_emulator(arena, image, &here) : refuse_foreign(arena, image, &here);
}

/* ---- opening ---- */

static void note_layer(const struct layer_event *event, void *data)
{
    if (event->done)
        arrivals_note(data, event->digest, true);
}

static int unpack(struct arena *arena, struct run_image *image)
{
    auto_owners owners = {.userns = -1};
    TRY(layer_owners_choose(arena, &owners));
    auto_fd adding = store_hold(&image->store, false, false);
    return adding < 0 ? adding : layers_unpack(&image->store, &image->content, &owners, note_layer, &image->arrivals);
}

/* An index may name what nobody has fetched: another platform's. */
static int read_content(const struct image_wish *wish, const struct image *found, struct run_image *image)
{
    int r = content_read(&image->store, found, wish->platform, &image->content);
    return r < 0 ? because(r, "image %.200s", wish->word) : 0;
}

int run_image_open(struct arena *arena, const struct image_wish *wish, struct run_image *image)
{
    struct image found;
    const char *word = wish->word;
    image->word = word;
    image->arrivals.arena = arena;
    int r = store_look(arena, wish->data, &image->store);
    if (r == -ENOENT)
        return no_store(word);
    TRY(r);
    TRY(store_find(&image->store, word, &found));
    TRY(read_content(wish, &found, image));
    if (!wish->looked_at)
        TRY(check_platform(arena, wish, image));
    r = layers_use(&image->store, &image->content, &image->stack, &image->hold);
    if (r != -ENOENT)
        return r;
    TRY(unpack(arena, image));
    r = layers_use(&image->store, &image->content, &image->stack, &image->hold);
    return r == -ENOENT ? refuse(-EAGAIN, "image %.200s: it has just been removed", word) : r;
}

void run_image_close(struct run_image *image)
{
    store_close(&image->store);
    cleanup_fd(&image->hold);
    image->hold = -1;
}
