/* `bocal prune`: removes what nobody needs. `bocal image prune` does the same without containers. */
#include "command/prune.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/progress.h"
#include "engine/image.h"
#include "engine/leftovers.h"
#include "image/prune.h"

#include <stdio.h>

static const struct option options[] = {PRUNE_OPTIONS("Options", "", "")};

static const struct option_set set = {
    .program = "bocal",
    .verb = "prune",
    .synopsis = "",
    .summary = "remove images that nobody needs, and what killed commands left",
    .options = options,
    .count = COUNT(options),
};

static const struct option_section after[] = {
    {"WHAT IS REMOVED",
     "Images without a name, and with *--all* those with one, too, unless a container runs from them or they\n"
     "are mounted; blobs and layers that no image needs; what commands that were killed have left of images and of\n"
     "containers. Nothing that is used goes, nor anything while images are added, saved or verified.\n\n"
     "With *--all* you are asked first, on a terminal; elsewhere *--force* has to be given.\n"},
    {"FILTERS",
     "*until=*_TIME_\n\tMade before _TIME_: 2026-11-27, 2026-11-27T12:00:00Z, or how long ago: 90s, 10m, 24h, 7d. What does not\n"
     "\tsay when it was made stays.\n\n"
     "*label=*_KEY_[=_VALUE_], *label!=*_KEY_[=_VALUE_]\n\tWith this label, or without it.\n"},
    {NULL, NULL},
};
static const struct option_prose prose = {.after = after};

static int ask(void)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO))
        return refuse(-EINVAL, "--all removes images that have names, and there is nobody to ask (add --force)");
    fputs("This removes every image that no container uses, and is not mounted. Go on? [y/N] ", stderr);
    if (!fgets(answer, sizeof answer, stdin) || (*answer != 'y' && *answer != 'Y'))
        return refuse(-ECANCELED, "nothing was removed");
    return 0;
}

static void print_gone(const struct image *image, void *data)
{
    printf("removed %s\n", text_disarmed(data, image->name ? image->name : image->digest));
}

int prune_images(const struct store *store, const struct prune_options *o, uint64_t *freed)
{
    struct image_filter filter;
    if (store->blobs < 0)
        return 0;
    TRY(image_filter_parse(store, o->filters.words, o->filters.count, FILTER_PRUNE, &filter));
    if (o->all && !o->force)
        TRY(ask());
    int r = store_prune(store, &(struct prune_request){.all = o->all, .filter = &filter}, print_gone, store->arena, freed);
    return r == -EBUSY && !*error_text() ? refuse(r, "images are being added, saved or verified (try again)") : r;
}

static int prune(struct arena *arena, const struct prune_options *o)
{
    uint64_t freed = 0;
    struct places places;
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(places_find(arena, &places));
    TRY(caller_store_look(arena, NULL, &store));
    TRY(prune_images(&store, o, &freed));
    if (store.fd >= 0)
        TRY(leftovers_remove(&store, &places, &freed));
    printf("freed %s\n", size_text(arena, freed));
    return 0;
}

static int prune_run(const struct call *call)
{
    struct prune_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&prune_verb);
    TRY(verb_ends(call->words + used));
    return prune(&arena, &o);
}

const struct verb prune_verb = {.set = &set, .prose = &prose, .run = prune_run};
