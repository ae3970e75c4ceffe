/* `bocal tag`: another name for an image. */
#include "command/tag.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/places.h"
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
    struct places places;
    struct image image;
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(places_find(arena, &places));
    TRY(store_open(arena, places.data, &store));
    TRY(store_find(&store, words[0], &image));
    for (char **word = words + 1; *word; word++) {
        struct reference name;
        TRY(reference_parse(arena, *word, &name));
        if (name.kind != REFERENCE_NAME || name.digest)
            return refuse(-EINVAL, "%.200s: not a name (NAME[:TAG], perhaps with a host before it)", *word);
        TRY(store_name(&store, name.text, &image));
    }
    return 0;
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
