/* `bocal rmi`: takes names away, and removes what no name leads to any more. */
#include "command/rmi.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "command/progress.h"
#include "engine/image.h"
#include "image/store.h"

#include <stdio.h>

struct rmi_options {
    bool all;
};

static const struct option options[] = {
    {.group = "Options",
     .name = "all", .letter = 'a', .kind = OPTION_FLAG, .offset = offsetof(struct rmi_options, all), .help = "remove every image"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "rmi",
    .synopsis = "IMAGE...",
    .summary = "remove images",
    .options = options,
    .count = COUNT(options),
};

/* A name takes itself away; a digest takes all names of its image. */
static int remove_image(const struct store *store, const char *word)
{
    struct image image;
    TRY(store_find(store, word, &image));
    bool named = image.name && !image.by_digest;
    int r = named ? store_unname(store, image.name) : store_forget(store, &image);
    if (r < 0 && r != -ENOENT)
        return r;
    printf("%s %s\n", named ? "unnamed" : "removed", named ? image.name : image.digest);
    return 0;
}

static int remove_all(const struct store *store)
{
    struct image *images;
    size_t count;
    TRY(store_images(store, &images, &count));
    for (size_t i = 0; i < count; i++)
        TRY(store_forget(store, &images[i]));
    return 0;
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
        return looked == -ENOENT && !*words ? 0 : looked;
    int result = o->all ? remove_all(&store) : 0;
    const char *sentence = arena_strdup(arena, error_text());
    bool removed = o->all;
    for (; *words; words++) {
        int r = remove_image(&store, *words);
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
