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

static void append(struct arena *arena, const char ***list, size_t *count, const char *text)
{
    *LIST_ADD(arena, list, count) = text;
}

/* Names in archives may be anything: a tag alone, which OCI's often have ("latest" is read as a name then, as others do), or what
 * nobody could write. They are no reason to refuse an image, nor are they repaired. */
static void read_names(const struct store *store, struct json_object *list, struct loaded_image *loaded)
{
    size_t names = 0, others = 0;
    for (size_t i = 0; i < json_length(list); i++) {
        struct reference reference;
        const char *word = json_item(list, i);
        bool good = reference_parse(store->arena, word, &reference) == 0 && reference.kind == REFERENCE_NAME && reference.tag &&
                    !reference.digest;
        error_clear();
        if (good)
            append(store->arena, &loaded->names, &names, reference.text);
        else
            append(store->arena, &loaded->other, &others, arena_strdup(store->arena, word));
    }
    append(store->arena, &loaded->names, &names, NULL);
    append(store->arena, &loaded->other, &others, NULL);
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
    read_names(loading->store, json_list_of(found, "names"), loaded);
    loaded->image.name = loaded->names[0];
    return 0;
}

/* What an archive has that may have one image only. */
static int refuse_several(const struct loading *loading)
{
    const char *names = "";
    for (size_t i = 0; i < loading->count; i++) {
        const struct loaded_image *loaded = &loading->list[i];
        const char *name = *loaded->names ? *loaded->names : *loaded->other ? *loaded->other : loaded->image.digest;
        names = arena_printf(loading->store->arena, "%s%s%s", names, i ? ", " : "", name);
    }
    return refuse(-EINVAL, "the archive has %zu images: %.300s (name one behind the archive and a colon)", loading->count, names);
}

static int read_archive(const struct store *store, const struct archive *archive, const struct layer_limits *limits, struct loading *loading)
{
    const char *words[8] = {"load"};
    size_t n = layer_limits_words(limits, false, store->arena, words, 1);
    if (archive->only)
        words[n++] = "--only", words[n] = archive->only;
    auto_ingest ingest = {.fd = -1};
    TRY(ingest_begin(store, "load", &ingest));
    TRY(program_run(store->arena,
                    &(struct program_call){.name = "bocal-archive", .words = words, .input = archive->input,
                                           .output = -1, .fds = &ingest.fd, .n_fds = 1},
                    hear, loading));
    if (!loading->count)
        return refuse(-EINVAL, "the archive has no images in it");
    if (archive->single && loading->count > 1)
        return refuse_several(loading);
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

static int load(const struct store *store, const struct archive *archive, const struct layer_owners *owners, layer_listener *each, void *data,
                struct loading *loading)
{
    auto_fd adding = store_hold(store, false, false);
    TRY(adding);
    TRY(ingest_sweep(store));
    TRY(read_archive(store, archive, &owners->limits, loading));
    for (size_t i = 0; i < loading->count && !archive->packed; i++)
        TRY(image_unpack(store, &loading->list[i].image, owners, each, data));
    return name_all(loading);
}

int image_give_up(const struct store *store, int r)
{
    uint64_t freed;
    (void)store_collect(store, &freed);
    return r;
}

int image_load(const struct store *store, const struct archive *archive, const struct layer_owners *owners, layer_listener *each, void *data,
               struct loaded_image **list, size_t *count)
{
    struct loading loading = {.store = store};
    int r = load(store, archive, owners, each, data, &loading);
    *list = loading.list;
    *count = loading.count;
    return r < 0 ? image_give_up(store, r) : 0;
}
