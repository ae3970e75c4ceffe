/* `bocal image`: what is done with the store as a whole. */
#include "command/image.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/progress.h"
#include "engine/image.h"
#include "image/verify.h"

#include <stdio.h>

static const struct option_set set = {
    .program = "bocal",
    .verb = "image",
    .synopsis = "verify | prune",
    .summary = "verify the store of images, or remove what no name leads to",
    .operands = (const char *const[]){"verify", "prune", NULL},
};

static void print_fault(const char *what, const char *sentence, void *data)
{
    struct arena *arena = data;
    char *name = arena_strdup(arena, what), *text = arena_strdup(arena, sentence);
    text_disarm(name);
    text_disarm(text);
    printf("%s: %s\n", name, text);
}

static int verify(struct arena *arena, const struct store *store)
{
    struct verification result;
    TRY(store_verify(store, print_fault, arena, &result));
    if (result.faults)
        return refuse(-EBADMSG, "%zu fault%s in %zu images and %zu blobs", result.faults, result.faults == 1 ? "" : "s", result.images,
                      result.blobs);
    printf("%zu images and %zu blobs are sound\n", result.images, result.blobs);
    return 0;
}

static int prune(struct arena *arena, const struct store *store)
{
    uint64_t freed, dropped = 0;
    int r = ingest_drop(store, &dropped);
    if (r == 0)
        r = store_collect(store, &freed);
    if (r == -EBUSY)
        return refuse(r, "images are being added, saved or verified (try again)");
    TRY(r);
    printf("freed %s\n", size_text(arena, freed + dropped));
    return 0;
}

static const struct {
    const char *word;
    int (*run)(struct arena *arena, const struct store *store);
} actions[] = {{"verify", verify}, {"prune", prune}};

static int act(struct arena *arena, const char *word)
{
    auto_store store = {.fd = -1, .blobs = -1};
    for (size_t i = 0; i < COUNT(actions); i++) {
        if (!text_equal(actions[i].word, word))
            continue;
        TRY(caller_store_open(arena, &store));
        return actions[i].run(arena, &store);
    }
    return refuse(-EINVAL, "%.80s: neither verify nor prune", word && *word ? word : "(nothing)");
}

static int image_run(const struct call *call)
{
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, NULL, &help);
    TRY(used);
    if (help)
        return verb_help(&image_verb);
    char **rest = call->words + used;
    if (*rest)
        TRY(verb_ends(rest + 1));
    return act(&arena, *rest);
}

const struct verb image_verb = {.set = &set, .run = image_run};
