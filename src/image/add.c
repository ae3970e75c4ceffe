/* The way of an image into the store: its blobs, verified by who has read them; its layers, unpacked; and last, its names. */
#include "image/add.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "image/program.h"
#include "spec/reference.h"

#include <string.h>

/* "2026-11-27T12:00:00.123456789+01:00": what is no such time is not kept. */
static const char *time_of(const struct image_config *config)
{
    enum { LONGEST = 40, SHORTEST = 20 };
    const char *text = config->created;
    size_t length = text ? strlen(text) : 0;
    return length >= SHORTEST && length <= LONGEST && strspn(text, "0123456789-:TtZz.+") == length ? text : NULL;
}

int image_unpack(const struct store *store, struct image *image, const struct layer_owners *owners, layer_listener *each, void *data)
{
    struct content content;
    TRY(content_read(store, image, NULL, &content));
    TRY(layers_unpack(store, &content, owners, each, data));
    image->created = time_of(&content.config);
    image->total = manifest_size(&content.manifest);
    return 0;
}

/* ---- archives ---- */

struct loading {
    const struct store *store;
    struct loaded_image *list;
    size_t count;
};

/* Names in archives may be anything; one that is no reference is refused, not repaired. */
static int read_names(const struct store *store, struct json_object *list, const char ***names)
{
    size_t n = json_length(list);
    *names = arena_alloc(store->arena, (n + 1) * sizeof **names);
    for (size_t i = 0; i < n; i++) {
        struct reference reference;
        TRY(reference_parse(store->arena, json_item(list, i), &reference));
        if (reference.kind != REFERENCE_NAME || !reference.tag || reference.digest)
            return refuse(-EINVAL, "image name %.200s: not a name with a tag", json_item(list, i));
        (*names)[i] = reference.text;
    }
    return 0;
}

static int hear(struct json_object *object, void *data)
{
    struct loading *loading = data;
    struct arena *arena = loading->store->arena;
    struct json_object *found = NULL;
    if (!json_object_object_get_ex(object, "image", &found))
        return 0;
    const char *digest = json_text_of(found, "manifest"), *type = json_text_of(found, "mediaType");
    if (!digest_valid(digest) || !type)
        return refuse(-EPROTO, "bocal-archive: it tells of an image without a digest");
    struct loaded_image *loaded = LIST_ADD(arena, &loading->list, &loading->count);
    loaded->image = (struct image){.digest = arena_strdup(arena, digest), .media_type = arena_strdup(arena, type),
                                   .size = json_number_of(found, "size")};
    TRY(read_names(loading->store, json_list_of(found, "names"), &loaded->names));
    loaded->image.name = loaded->names[0];
    return 0;
}

static int read_archive(const struct store *store, int input, const struct layer_limits *limits, struct loading *loading)
{
    const char *words[6] = {"load"};
    layer_limits_words(limits, store->arena, words, 1);
    auto_ingest ingest = {.fd = -1};
    TRY(ingest_begin(store, "load", &ingest));
    TRY(program_run(store->arena,
                    &(struct program_call){.name = "bocal-archive", .words = words, .input = input,
                                           .output = -1, .fds = &ingest.fd, .n_fds = 1},
                    hear, loading));
    if (!loading->count)
        return refuse(-EINVAL, "the archive has no images in it");
    return ingest_keep_blobs(&ingest);
}

/* All names at once, when all images are there: what fails before changes none. */
static int name_all(const struct loading *loading)
{
    struct naming *names = NULL;
    size_t n = 0;
    for (size_t i = 0; i < loading->count; i++) {
        const struct loaded_image *loaded = &loading->list[i];
        for (const char **name = loaded->names; *name; name++)
            *LIST_ADD(loading->store->arena, &names, &n) = (struct naming){*name, &loaded->image};
        if (!*loaded->names)
            *LIST_ADD(loading->store->arena, &names, &n) = (struct naming){NULL, &loaded->image};
    }
    return store_name(loading->store, names, n);
}

static int load(const struct store *store, int input, const struct layer_owners *owners, layer_listener *each, void *data,
                struct loading *loading)
{
    auto_fd adding = store_hold(store, false, false);
    TRY(adding);
    TRY(ingest_sweep(store));
    TRY(read_archive(store, input, &owners->limits, loading));
    for (size_t i = 0; i < loading->count; i++)
        TRY(image_unpack(store, &loading->list[i].image, owners, each, data));
    return name_all(loading);
}

int image_give_up(const struct store *store, int r)
{
    uint64_t freed;
    (void)store_collect(store, &freed);
    return r;
}

int image_load(const struct store *store, int input, const struct layer_owners *owners, layer_listener *each, void *data,
               struct loaded_image **list, size_t *count)
{
    struct loading loading = {.store = store};
    int r = load(store, input, owners, each, data, &loading);
    *list = loading.list;
    *count = loading.count;
    return r < 0 ? image_give_up(store, r) : 0;
}
