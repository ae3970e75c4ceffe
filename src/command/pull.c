/* `bocal pull`: an image from a registry into the store. */
#include "command/pull.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/registry_options.h"
#include "engine/image.h"

#include <stdio.h>

static const struct option options[] = {
    {.group = "Options",
     .name = "platform", .kind = OPTION_TEXT, .metavar = "OS/ARCH[/VARIANT]", .offset = offsetof(struct pull_options, platform),
     .help = "what it is to run on, in place of this machine"},
    {.name = "newer", .kind = OPTION_FLAG, .offset = offsetof(struct pull_options, newer),
     .help = "be content with the image that is here, where the registry cannot be reached"},
    {.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = offsetof(struct pull_options, quiet),
     .help = "print the digest only"},
    {.name = "progress", .kind = OPTION_CHOICE, .metavar = "auto|plain|json", .words = progress_words, .value = VALUE_WORDS,
     .offset = offsetof(struct pull_options, progress), .help = "how to show what is going on"},
    REGISTRY_OPTIONS(struct pull_options),
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "pull",
    .synopsis = "NAME[:TAG|@DIGEST]",
    .summary = "fetch an image from a registry",
    .options = options,
    .count = COUNT(options),
};

struct watch {
    struct progress progress;
    struct arrivals *arrivals; /* or NULL */
};

static void show(const struct blob_event *event, void *data)
{
    struct watch *watch = data;
    if (watch->arrivals && event->state && (text_equal(event->state, "done") || text_equal(event->state, "unpacked")))
        arrivals_note(watch->arrivals, event->digest, text_equal(event->state, "unpacked"));
    progress_blob(event, &watch->progress);
}

int pull_image(struct arena *arena, const struct pull_options *o, const char *word, struct image *image)
{
    struct registries registries;
    struct reference name, full;
    struct watch watch = {.arrivals = o->arrivals};
    auto_owners owners = {.userns = -1};
    TRY(registries_read(arena, &registries));
    TRY(reference_parse(arena, word, &name));
    if (name.kind != REFERENCE_NAME)
        return refuse(-EINVAL, "%.200s: not a name that a registry knows (bocal load reads archives)", word);
    TRY(registries_complete(arena, &registries, &name, &full));
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(caller_store_open(arena, &store));
    TRY(layer_owners_choose(arena, &owners));
    progress_begin(&watch.progress, arena, o->quiet ? PROGRESS_QUIET : o->progress);
    if (!o->quiet && o->progress != PROGRESS_JSON)
        fprintf(stderr, "pulling %s%s%s\n", full.text, name.host ? "" : ", by the configuration ", name.host ? "" : registries.file);
    int r = image_pull(&store,
                       &(struct pull_request){.reference = &full, .platform = o->platform, .access = o->access, .newer = o->newer,
                                              .mirrors = registries_mirrors(&registries, full.host), .plain_hosts = registries.insecure},
                       &owners, show, &watch, image);
    progress_end(&watch.progress);
    return r;
}

static int pull_run(const struct call *call)
{
    struct pull_options o = {0};
    struct image image;
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&pull_verb);
    char **rest = call->words + used;
    if (!*rest)
        return refuse(-EINVAL, "an image's name is wanted (HOST/NAME:TAG)");
    TRY(verb_ends(rest + 1));
    TRY(pull_image(&arena, &o, *rest, &image));
    puts(image.digest);
    return 0;
}

const struct verb pull_verb = {.set = &set, .run = pull_run};
