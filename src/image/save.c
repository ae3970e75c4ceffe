/* bocal-archive writes the archive, and verifies each blob on the way; here it is told what. */
#include "image/save.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "image/program.h"

#include <fcntl.h>

static const char *const formats[] = {[SAVE_DOCKER] = "docker", [SAVE_OCI] = "oci"};
static const char *const packings[] = {[SAVE_PLAIN] = "none", [SAVE_GZIP] = "gzip", [SAVE_ZSTD] = "zstd"};

/* NAME=DIGEST: in OCI's format of all that the image is; Docker's has no indexes. */
static int describe(const struct store *store, const struct image *image, enum save_format format, const char **word)
{
    struct content content;
    const char *digest = image->digest;
    if (format == SAVE_DOCKER) {
        TRY(content_read(store, image, NULL, &content));
        digest = content.digest;
    }
    *word = arena_printf(store->arena, "%s=%s", image->name ? image->name : "", digest);
    return 0;
}

int image_save(const struct store *store, const struct image *images, size_t count, enum save_format format,
               enum save_packing packing, int output)
{
    auto_fd adding = store_hold(store, false, false); /* nothing is collected meanwhile */
    TRY(adding);
    auto_fd layout = openat(store->fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (layout < 0)
        return fail(-errno, "open %s/images", store->dir);
    const char **words = arena_alloc(store->arena, (count + 6) * sizeof *words);
    const char *options[] = {"save", "--format", formats[format], "--compress", packings[packing]};
    for (size_t i = 0; i < COUNT(options); i++)
        words[i] = options[i];
    for (size_t i = 0; i < count; i++)
        TRY(describe(store, &images[i], format, &words[COUNT(options) + i]));
    return program_run(store->arena,
                       &(struct program_call){.name = "bocal-archive", .words = words, .input = -1, .output = output,
                                              .fds = &layout, .n_fds = 1},
                       NULL, NULL);
}
