/* `bocal rmi`: takes names away, and removes what no name leads to any more. */
#include "command/rmi.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/progress.h"
#include "engine/image.h"
#include "image/mounts.h"

#include <stdio.h>

struct rmi_options {
    bool all, force;
};

static const struct option options[] = {
    {.group = "Options",
     .name = "all", .letter = 'a', .kind = OPTION_FLAG, .offset = offsetof(struct rmi_options, all), .help = "remove every image"},
    {.name = "force", .letter = 'f', .kind = OPTION_FLAG, .offset = offsetof(struct rmi_options, force),
     .help = "images that are mounted, too, whose layers stay until they are not; what is not here is no failure"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "rmi",
    .synopsis = "IMAGE...",
    .summary = "remove images",
    .options = options,
    .count = COUNT(options),
};

static bool has_other_name(const struct store *store, const struct image *image)
{
    struct image *images;
    size_t count;
    if (store_images(store, &images, &count) < 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (text_equal(images[i].digest, image->digest) && !text_equal(images[i].name, image->name))
            return true;
    return false;
}

/* What is mounted keeps one name at least, by which it can be unmounted. */
static int check_mounts(const struct store *store, const struct image *image, bool named)
{
    struct image_mount *mounts;
    size_t count;
    TRY(image_mounts(store, &mounts, &count));
    const struct image_mount *mount = image_mount_find(mounts, count, image->digest);
    if (!mount || (named && has_other_name(store, image)))
        return 0;
    const char *name = image->name ? image->name : image->digest;
    return refuse(-EBUSY, "image %s is mounted at %s (bocal image unmount %s)", name, mount->point, name);
}

/* A name takes itself away; a digest takes all names of its image. */
static int remove_image(const struct store *store, const struct rmi_options *o, const char *word)
{
    struct image image;
    int r = store_find(store, word, &image);
    if (r == -ENOENT && o->force)
        return 0;
    TRY(r);
    bool named = image.name && !image.by_digest;
    if (!o->force)
        TRY(check_mounts(store, &image, named));
    r = named ? store_unname(store, image.name) : store_forget(store, &image);
    if (r < 0 && r != -ENOENT)
        return r;
    printf("%s %s\n", named ? "unnamed" : "removed", named ? image.name : image.digest);
    return 0;
}

/* One that is mounted does not keep the others. */
static int remove_all(const struct store *store, const struct rmi_options *o)
{
    struct image *images;
    size_t count;
    int result = 0;
    TRY(store_images(store, &images, &count));
    for (size_t i = 0; i < count; i++) {
        int r = o->force ? 0 : check_mounts(store, &images[i], false);
        if (r == 0)
            TRY(store_forget(store, &images[i]));
        result = result < 0 ? result : r;
    }
    return result;
}

static int collect(struct arena *arena, const struct store *store)
{
    uint64_t freed = 0;
    int r = store_collect(store, &freed);
    if (r == -EBUSY)
        fprintf(stderr, "bocal rmi: images are being added, saved or verified: what is not needed any more goes with the next rmi\n");
    else if (r == 0 && freed)
        printf("freed %s\n", size_text(arena, freed));
    return r == -EBUSY ? 0 : r;
}

/* One that is not there does not keep the others; the first failure is told. */
static int rmi(struct arena *arena, const struct rmi_options *o, char **words)
{
    auto_store store = {.fd = -1, .blobs = -1};
    int looked = caller_store_look(arena, *words, &store);
    if (looked < 0)
        return looked == -ENOENT && o->force ? error_clear(), 0 : looked;
    if (store.blobs < 0)
        return 0;
    int result = o->all ? remove_all(&store, o) : 0;
    const char *sentence = arena_strdup(arena, error_text());
    bool removed = o->all;
    for (; *words; words++) {
        int r = remove_image(&store, o, *words);
        removed |= r == 0;
        if (r < 0 && result == 0) {
            result = r;
            sentence = arena_strdup(arena, error_text());
        }
        error_clear();
    }
    int r = removed ? collect(arena, &store) : 0;
    if (result == 0)
        return r;
    error_clear();
    return refuse(result, "%s", sentence);
}

static int rmi_run(const struct call *call)
{
    struct rmi_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&rmi_verb);
    char **rest = call->words + used;
    if (!*rest && !o.all)
        return refuse(-EINVAL, "an image is wanted (bocal images lists them)");
    return rmi(&arena, &o, rest);
}

const struct verb rmi_verb = {.set = &set, .run = rmi_run};
