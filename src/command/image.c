/* `bocal image`: what is done with the store as a whole. */
#include "command/image.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/progress.h"
#include "command/prune.h"
#include "engine/image.h"
#include "image/verify.h"

#include <stdio.h>

#define FIELD(field) .offset = offsetof(struct prune_options, field)

static const struct option options[] = {
    {.group = "Options of prune",
     .name = "all", .letter = 'a', .kind = OPTION_FLAG, FIELD(all), .help = "images with names, too, where no container uses them"},
    {.name = "filter", .kind = OPTION_LIST, .metavar = "KEY=VALUE", FIELD(filters.words),
     .count_offset = offsetof(struct prune_options, filters.count), .help = "only images of which this is true: until=TIME, label[!]=KEY[=VALUE]"},
    {.name = "force", .letter = 'f', .kind = OPTION_FLAG, FIELD(force), .help = "do not ask"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "image",
    .synopsis = "verify | prune",
    .summary = "verify the store of images, or remove what nobody needs",
    .operands = (const char *const[]){"verify", "prune", NULL},
    .options = options,
    .count = COUNT(options),
};

static void print_fault(const char *what, const char *sentence, void *data)
{
    struct arena *arena = data;
    char *name = arena_strdup(arena, what), *text = arena_strdup(arena, sentence);
    text_disarm(name);
    text_disarm(text);
    printf("%s: %s\n", name, text);
}

static int verify(struct arena *arena, const struct store *store, const struct prune_options *o)
{
    struct verification result = {0};
    (void)o;
    if (store->blobs >= 0)
        TRY(store_verify(store, print_fault, arena, &result));
    if (result.faults)
        return refuse(-EBADMSG, "%zu fault%s in %zu images and %zu blobs", result.faults, result.faults == 1 ? "" : "s", result.images,
                      result.blobs);
    printf("%zu images and %zu blobs are sound\n", result.images, result.blobs);
    return 0;
}

static int prune(struct arena *arena, const struct store *store, const struct prune_options *o)
{
    uint64_t freed = 0;
    TRY(prune_images(store, o, &freed));
    printf("freed %s\n", size_text(arena, freed));
    return 0;
}

static const struct action {
    const char *word;
    int (*run)(struct arena *arena, const struct store *store, const struct prune_options *o);
    bool options; /* it has any */
} actions[] = {{"verify", verify, false}, {"prune", prune, true}};

static int act(struct arena *arena, const struct action *action, const struct prune_options *o)
{
    auto_store store = {.fd = -1, .blobs = -1};
    if (!action->options && (o->all || o->force || o->filters.count))
        return refuse(-EINVAL, "%s has no options", action->word);
    int r = caller_store_look(arena, NULL, &store); /* where there is none, there is nothing in it */
    return r < 0 && r != -ENOENT ? r : action->run(arena, &store, o);
}

static int image_run(const struct call *call)
{
    struct prune_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&image_verb);
    char **rest = call->words + used;
    for (size_t i = 0; i < COUNT(actions) && *rest; i++)
        if (text_equal(actions[i].word, *rest)) {
            TRY(verb_ends(rest + 1));
            return act(&arena, &actions[i], &o);
        }
    return refuse(-EINVAL, "%.80s: neither verify nor prune", *rest && **rest ? *rest : "(nothing)");
}

const struct verb image_verb = {.set = &set, .run = image_run};
