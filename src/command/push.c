/* `bocal push`: an image of the store into a registry. */
#include "command/push.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "command/progress.h"
#include "command/registry_options.h"
#include "engine/image.h"
#include "image/push.h"

#include <fcntl.h>
#include <stdio.h>

struct push_options {
    const char *platform, *digestfile;
    struct registry_access access;
    bool all_tags, quiet;
    enum progress_mode progress;
};

static const struct option options[] = {
    {.group = "Options",
     .name = "all-tags", .letter = 'a', .kind = OPTION_FLAG, .offset = offsetof(struct push_options, all_tags),
     .help = "push all images of the repository that IMAGE names"},
    {.name = "platform", .kind = OPTION_TEXT, .metavar = "OS/ARCH[/VARIANT]", .offset = offsetof(struct push_options, platform),
     .help = "push the image for it alone, where IMAGE is for several"},
    {.name = "digestfile", .kind = OPTION_TEXT, .metavar = "FILE", .value = VALUE_FILE, .offset = offsetof(struct push_options, digestfile),
     .help = "write the digest of what was pushed into this file"},
    {.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = offsetof(struct push_options, quiet),
     .help = "print the digest only"},
    {.name = "progress", .kind = OPTION_CHOICE, .metavar = "auto|plain|json", .words = progress_words, .value = VALUE_WORDS,
     .offset = offsetof(struct push_options, progress), .help = "how to show what is going on"},
    REGISTRY_OPTIONS(struct push_options),
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "push",
    .synopsis = "IMAGE [HOST/NAME[:TAG]]",
    .summary = "send an image to a registry",
    .options = options,
    .count = COUNT(options),
};

static const struct option_section sections[] = {
    {"WHAT IS SENT",
     "The image goes as it is in the store, so that its digest is the same there: manifest, config and layers, and where IMAGE is for several\n"
     "platforms all of that which are here. Of such an index the store mostly has one image only. Where the registry has the others already,\n"
     "the index is pushed; else the one image takes the name, and that is said.\n\n"
     "What the registry has is not sent again. What it may have in another repository, which an image of the store is named after, it is\n"
     "asked to mount from there. A connection that breaks is gone on with; what is busy is waited for. When a push fails, or is ended by a\n"
     "signal, the registry is told to forget what it has of blobs that are not complete: for five seconds at most, and not all can.\n\n"
     "Credentials are those of *bocal-login*(1).\n"},
    {0},
};
static const struct option_prose prose = {.before = sections};

/* ---- where to ---- */

static int complete(struct arena *arena, const struct registries *registries, const char *word, struct reference *full, bool *completed)
{
    struct reference name;
    TRY(reference_parse(arena, word, &name));
    if (name.kind != REFERENCE_NAME)
        return refuse(-EINVAL, "%.200s: not a name that a registry knows (HOST/NAME:TAG; bocal save writes archives)", word);
    *completed = !name.host;
    return registries_complete(arena, registries, &name, full);
}

/* Without DESTINATION where its name says, or the word by which it was found, where that has a digest. */
static const char *destination_of(const struct image *image, const char *word, const char *destination)
{
    if (destination)
        return destination;
    if (image->by_digest)
        return strchr(word, '@') ? word : NULL;
    return image->name;
}

static int push_one(const struct store *store, const struct push_options *o, const struct image *image, const char *to, const char **digest)
{
    struct registries registries;
    struct reference full;
    struct progress progress;
    bool completed;
    if (!to)
        return refuse(-EINVAL, "image %.20s: where to is not said (bocal push IMAGE HOST/NAME:TAG)", digest_hex(image->digest));
    TRY(registries_read(store->arena, &registries));
    TRY(complete(store->arena, &registries, to, &full, &completed));
    progress_begin(&progress, store->arena, o->quiet ? PROGRESS_QUIET : o->progress);
    if (!o->quiet && o->progress != PROGRESS_JSON)
        fprintf(stderr, "pushing %s%s%s\n", full.text, completed ? ", by the configuration " : "", completed ? registries.file : "");
    const struct push_request request = {.reference = &full, .platform = o->platform,
                                         .access = registry_access(&o->access, &registries, full.host)};
    int r = image_push(store, image, &request, progress_blob, &progress, digest);
    progress_end(&progress);
    TRY(r);
    if (o->quiet && !o->platform && !text_equal(*digest, image->digest)) /* which is told of otherwise as a notice */
        fprintf(stderr, "of the index %s one image was pushed alone: %s\n", image->digest, *digest);
    puts(*digest);
    return fflush(stdout) == 0 ? 0 : fail(-errno, "write the digest");
}

/* All images of the store with the repository that WORD names. */
static int push_all(const struct store *store, const struct push_options *o, const char *word, const char **digest)
{
    struct reference wanted, name;
    struct image *images;
    size_t count, pushed = 0;
    TRY(reference_parse(store->arena, word, &wanted));
    if (wanted.kind != REFERENCE_NAME || wanted.digest || (strrchr(word, ':') && !strchr(strrchr(word, ':'), '/')))
        return refuse(-EINVAL, "%.200s: --all-tags takes a name without a tag", word);
    TRY(store_images(store, &images, &count));
    for (size_t i = 0; i < count; i++) {
        bool named = images[i].name && reference_parse(store->arena, images[i].name, &name) == 0;
        error_clear(); /* other tools may have written names that are no references */
        if (!named || name.kind != REFERENCE_NAME || !text_equal(name.repository, wanted.repository) ||
            (name.host || wanted.host) != text_equal(name.host, wanted.host))
            continue;
        TRY(push_one(store, o, &images[i], images[i].name, digest));
        pushed++;
    }
    return pushed ? 0 : refuse(-ENOENT, "%.200s: no image here is of it (bocal images)", word);
}

static int push(struct arena *arena, const struct push_options *o, const char *word, const char *destination)
{
    struct image image;
    const char *digest = NULL;
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(caller_store_look(arena, word, &store));
    if (o->all_tags) {
        TRY(push_all(&store, o, word, &digest));
    } else {
        TRY(store_find(&store, word, &image));
        TRY(push_one(&store, o, &image, destination_of(&image, word, destination), &digest));
    }
    return o->digestfile ? file_replace(AT_FDCWD, o->digestfile, digest, strlen(digest), 0644) : 0;
}

static int push_run(const struct call *call)
{
    struct push_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&push_verb);
    char **rest = call->words + used;
    if (!*rest)
        return refuse(-EINVAL, "an image is wanted (bocal images lists them)");
    if (rest[1])
        TRY(verb_ends(rest + 2));
    if (o.all_tags && (rest[1] || o.digestfile))
        return refuse(-EINVAL, "--all-tags: takes neither a destination nor --digestfile");
    return push(&arena, &o, rest[0], rest[1]);
}

const struct verb push_verb = {.set = &set, .prose = &prose, .run = push_run};
