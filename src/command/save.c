/* `bocal save`: images into one archive. */
#include "command/save.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/output.h"
#include "base/text.h"
#include "command/look.h"
#include "engine/image.h"
#include "image/save.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct save_options {
    const char *output;
    enum save_format format;
    enum save_packing packing;
};

static const char *const format_words[] = {[SAVE_DOCKER] = "docker", [SAVE_OCI] = "oci", NULL};
static const char *const packing_words[] = {[SAVE_PLAIN] = "none", [SAVE_GZIP] = "gzip", [SAVE_ZSTD] = "zstd", NULL};

static const struct option options[] = {
    {.group = "Options",
     .name = "output", .letter = 'o', .kind = OPTION_TEXT, .metavar = "FILE", .value = VALUE_FILE,
     .offset = offsetof(struct save_options, output), .help = "write this file, in place of standard output"},
    {.name = "format", .kind = OPTION_CHOICE, .metavar = "docker|oci", .words = format_words, .value = VALUE_WORDS,
     .offset = offsetof(struct save_options, format), .help = "of docker save, or an OCI image layout"},
    {.name = "compress", .kind = OPTION_CHOICE, .metavar = "none|gzip|zstd", .words = packing_words, .value = VALUE_WORDS,
     .offset = offsetof(struct save_options, packing), .help = "pack the archive"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "save",
    .synopsis = "IMAGE...",
    .summary = "write images into an archive",
    .options = options,
    .count = COUNT(options),
};

static int find_images(const struct store *store, char **words, struct image **images, size_t *count)
{
    for (; *words; words++) {
        struct image *image = LIST_ADD(store->arena, images, count);
        TRY(store_find(store, *words, image));
    }
    return 0;
}

static int save_file(const struct store *store, const struct save_options *o, const struct image *images, size_t count)
{
    auto_output output = {.fd = -1};
    TRY(output_begin(&output, o->output));
    TRY(image_save(store, images, count, o->format, o->packing, output.fd));
    return output_keep(&output);
}

/* What is no regular file (a pipe, /dev/stdout) is written as it is. */
static int save_to(const struct store *store, const struct save_options *o, const struct image *images, size_t count)
{
    struct stat st;
    if (!o->output || text_equal(o->output, "-")) {
        if (isatty(STDOUT_FILENO))
            return refuse(-EINVAL, "standard output is a terminal (give a file: -o FILE, or pipe the archive on)");
        return image_save(store, images, count, o->format, o->packing, STDOUT_FILENO);
    }
    if (stat(o->output, &st) < 0 || S_ISREG(st.st_mode))
        return save_file(store, o, images, count);
    auto_fd fd = open(o->output, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? fail(-errno, "open %s", o->output) : image_save(store, images, count, o->format, o->packing, fd);
}

/* Blobs are in one store: an archive's have one of their own. */
static int save_foreign(struct arena *arena, const struct save_options *o, const char *word)
{
    auto_look look = NO_LOOK;
    TRY(look_at(arena, word, &look));
    if (look.other && o->format == SAVE_DOCKER)
        warn("%.200s calls its image \"%.100s\", which Docker takes for no name: it has none in what is written", word, look.other);
    else if (look.other)
        look.image.name = look.other;
    return save_to(&look.store, o, &look.image, 1);
}

static int save(struct arena *arena, const struct save_options *o, char **words)
{
    for (char **word = words; *word; word++) {
        if (!look_is_foreign(arena, *word))
            continue;
        if (words[1])
            return refuse(-EINVAL, "%.200s: another archive's image is saved by itself (bocal load puts it into the store)", *word);
        return save_foreign(arena, o, *word);
    }
    struct image *images = NULL;
    size_t count = 0;
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(caller_store_look(arena, *words, &store));
    TRY(find_images(&store, words, &images, &count));
    return save_to(&store, o, images, count);
}

static int save_run(const struct call *call)
{
    struct save_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&save_verb);
    char **rest = call->words + used;
    if (!*rest)
        return refuse(-EINVAL, "an image is wanted (bocal images lists them)");
    return save(&arena, &o, rest);
}

const struct verb save_verb = {.set = &set, .prose = &look_prose, .run = save_run};
