/* Everything is checked before the first byte is written, but for the digests of layers, which are
 * verified while they are: whoever reads the archive knows that it is complete by the exit status.
 */
#include "archive/save.h"

#include "archive/confine.h"
#include "archive/digest.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/option.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT = 1, LAYOUT = 3 };

enum save_format { FORMAT_OCI, FORMAT_DOCKER };

struct save_options {
    enum save_format format;
    enum media_packing compress;
};

static const char *const format_words[] = {[FORMAT_OCI] = "oci", [FORMAT_DOCKER] = "docker", NULL};
static const char *const compress_words[] = {
    [PACKING_NONE] = "none", [PACKING_GZIP] = "gzip", [PACKING_ZSTD] = "zstd", NULL};

static const struct option save_table[] = {
    {.name = "format",
     .metavar = "FORMAT",
     .help = "An OCI layout or Docker's",
     .words = format_words,
     .kind = OPTION_CHOICE,
     .value = VALUE_WORDS,
     .offset = offsetof(struct save_options, format)},
    {.name = "compress",
     .metavar = "HOW",
     .help = "Pack the whole archive",
     .words = compress_words,
     .kind = OPTION_CHOICE,
     .value = VALUE_WORDS,
     .offset = offsetof(struct save_options, compress)},
};

static const struct option_set save_set = {
    .program = "bocal-archive",
    .verb = "save",
    .synopsis = "NAME=sha256:HEX...",
    .summary = "Put images into one archive",
    .options = save_table,
    .count = COUNT(save_table),
};

/* The descriptor of what DIGEST names: kind and size are in the blob. */
static int describe(struct save *save, const char *name, const char *digest, struct descriptor *top)
{
    auto_arena arena = {NULL};
    struct image_document document = {.kind = 0};
    struct blob *blob = blobs_find(&save->blobs, digest_hex(digest));
    const char *text;
    size_t length;
    if (!blob)
        return refuse(-ENOENT, "image %.80s: %s is missing in %s", name, digest, save->blobs.place);
    TRY(blobs_text(&save->blobs, &arena, blob, digest, &text, &length));
    TRY(document_decode(&arena, text, length, digest, NULL, &document));
    const struct media_type *type =
        document.kind == MEDIA_INDEX ? document.index.type : document.manifest.type;
    *top = (struct descriptor){
        .media_type = type->name, .type = type, .digest = digest, .size = blob->size};
    return 0;
}

static int add_image(struct save *save, const char *word)
{
    const char *equals = strrchr(word, '=');
    if (!equals || !digest_valid(equals + 1))
        return refuse(-EINVAL, "%.80s: expected NAME=sha256:HEX", word);
    struct saved *image = LIST_ADD(save->arena, &save->images, &save->n_images);
    image->name = arena_strndup(save->arena, word, (size_t)(equals - word));
    return describe(save, image->name, equals + 1, &image->top);
}

static int by_name(const void *a, const void *b)
{
    const struct saved *one = a, *other = b;
    int names = strcmp(one->name, other->name);
    return names ? names : strcmp(one->top.digest, other->top.digest);
}

static int save_images(struct save *save, char **words, const struct save_options *options)
{
    if (!*words)
        return refuse(-EINVAL, "save needs NAME=sha256:HEX");
    for (; *words; words++)
        TRY(add_image(save, *words));
    qsort(save->images, save->n_images, sizeof *save->images, by_name);
    TRY(options->format == FORMAT_OCI ? save_oci(save) : save_docker(save));
    return tar_finish(&save->tar);
}

static void cleanup_save(struct save *save)
{
    tar_free(&save->tar);
    blobs_free(&save->blobs);
    arena_free(save->arena);
}

int verb_save(char **words)
{
    struct arena arena = {NULL};
    __attribute__((cleanup(cleanup_save))) struct save save = {
        .arena = &arena,
        .blobs = {.place = "the store", .limits = {UINT64_MAX, UINT64_MAX}},
    };
    struct save_options options = {.format = FORMAT_OCI};
    bool help = false;
    int used = option_parse(&save_set, &arena, words, &options, &help);
    TRY(used);
    auto_fd blobs = openat(LAYOUT, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (blobs < 0)
        return fail(-errno, "fd %d is no image layout: open blobs/sha256", LAYOUT);
    save.blobs.dir = blobs;
    auto_digest digest = {0};
    int layout = LAYOUT;
    TRY(digest_begin(&digest)); /* libcrypto looks around at the first */
    TRY(confine(&(struct confinement){.write = -1, .read = &layout, .reads = 1}));
    TRY(tar_open(&save.tar, OUTPUT, options.compress));
    return save_images(&save, words + used, &options);
}
