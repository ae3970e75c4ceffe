/* `bocal tag`: another name for an image. */
#include "command/tag.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/image.h"
#include "image/store.h"
#include "spec/reference.h"

static const struct option_set set = {
    .program = "bocal",
    .verb = "tag",
    .synopsis = "IMAGE NAME[:TAG]...",
    .summary = "give an image another name",
};

static int tag(struct arena *arena, char **words)
{
    struct image image;
    struct naming *names = NULL;
    size_t n = 0;
    auto_store store = {.fd = -1, .blobs = -1};
    for (char **word = words + 1; *word; word++) {
        struct reference name;
        TRY(reference_parse(arena, *word, &name));
        if (name.kind != REFERENCE_NAME || name.digest)
            return refuse(-EINVAL, "%.200s: not a name (NAME[:TAG], perhaps with a host before it)", *word);
        *LIST_ADD(arena, &names, &n) = (struct naming){name.text, &image};
    }
    TRY(caller_store_look(arena, *words, &store));
    auto_fd adding = store_hold(&store, false, false); /* it is not collected meanwhile */
    TRY(adding);
    TRY(store_find(&store, words[0], &image));
    return store_name(&store, names, n);
}

static int tag_run(const struct call *call)
{
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, NULL, &help);
    TRY(used);
    if (help)
        return verb_help(&tag_verb);
    char **rest = call->words + used;
    if (!rest[0] || !rest[1])
        return refuse(-EINVAL, "an image and a name are wanted (bocal tag IMAGE NAME:TAG)");
    return tag(&arena, rest);
}

const struct verb tag_verb = {.set = &set, .run = tag_run};
