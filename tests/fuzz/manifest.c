/* Manifests and indexes: what is read and written again is read as the same. */
#include "target.h"

#include "base/error.h"
#include "base/text.h"
#include "spec/manifest.h"

static char *written(struct arena *arena, const struct image_document *document, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    struct json_writer json = json_writer_compact(out);
    if (document->kind == MEDIA_INDEX)
        index_encode(&document->index, &json);
    else
        manifest_encode(&document->manifest, &json);
    fclose(out);
    char *copy = arena_strndup(arena, text, *size);
    free(text);
    return copy;
}

static void check_descriptor(const struct descriptor *descriptor)
{
    CHECK(descriptor->media_type && digest_valid(descriptor->digest) && descriptor->size <= INT64_MAX);
}

static void check_manifest(const struct image_manifest *manifest)
{
    CHECK(manifest->n_layers <= LAYERS_MAX && manifest->config.type->kind == MEDIA_CONFIG);
    check_descriptor(&manifest->config);
    for (size_t i = 0; i < manifest->n_layers; i++)
        check_descriptor(&manifest->layers[i]);
    CHECK(manifest_size(manifest) <= INT64_MAX);
}

static void check_index(const struct image_index *index)
{
    const struct platform wanted = {"linux", "arm", "v7", NULL};
    const struct descriptor *found;
    for (size_t i = 0; i < index->n_manifests; i++)
        check_descriptor(&index->manifests[i]);
    if (index_choose(index, &wanted, "i", &found) == 0)
        CHECK(found >= index->manifests && found < index->manifests + index->n_manifests);
}

static void try_as(const char *text, size_t size, const char *media_type)
{
    auto_arena arena = {0};
    struct image_document document, again;
    size_t length = 0, second = 0;
    error_clear();
    if (document_decode(&arena, text, size, "m", media_type, &document) < 0) {
        CHECK(*error_text());
        return;
    }
    if (document.kind == MEDIA_INDEX)
        check_index(&document.index);
    else
        check_manifest(&document.manifest);
    error_clear();
    const char *copy = written(&arena, &document, &length);
    if (length > DOCUMENT_MAX)
        return;
    CHECK(document_decode(&arena, copy, length, "m", media_type, &again) == 0 && again.kind == document.kind);
    CHECK(text_equal(copy, written(&arena, &again, &second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const announced[] = {NULL, MEDIA_DOCKER_LIST, MEDIA_DOCKER_MANIFEST};
    auto_arena arena = {0};
    const char *text = arena_strndup(&arena, (const char *)data, size);
    for (size_t i = 0; i < sizeof announced / sizeof *announced; i++)
        try_as(text, size, announced[i]);
    layout_decode(text, size, "l");
    return 0;
}
