/* One table reads indexes and manifests alike: which of the two a document is, is decided afterwards, from what it says and
 * from what it was said to be, and it must not have the members of both. */
#include "spec/manifest.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "spec/config_fields.h"
#include "spec/image_fields.h"

#include <string.h>

/* ---- media types ---- */

#define DOCKER_DIFF "application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar"
#define OCI_FOREIGN "application/vnd.oci.image.layer.nondistributable.v1.tar"

static const struct media_type types[] = {
    {MEDIA_OCI_INDEX, MEDIA_INDEX, PACKING_NONE, false, false},
    {MEDIA_OCI_MANIFEST, MEDIA_MANIFEST, PACKING_NONE, false, false},
    {MEDIA_OCI_CONFIG, MEDIA_CONFIG, PACKING_NONE, false, false},
    {MEDIA_OCI_LAYER, MEDIA_LAYER, PACKING_NONE, false, false},
    {MEDIA_OCI_LAYER "+gzip", MEDIA_LAYER, PACKING_GZIP, false, false},
    {MEDIA_OCI_LAYER "+zstd", MEDIA_LAYER, PACKING_ZSTD, false, false},
    {OCI_FOREIGN, MEDIA_LAYER, PACKING_NONE, false, true},
    {OCI_FOREIGN "+gzip", MEDIA_LAYER, PACKING_GZIP, false, true},
    {OCI_FOREIGN "+zstd", MEDIA_LAYER, PACKING_ZSTD, false, true},
    {MEDIA_DOCKER_LIST, MEDIA_INDEX, PACKING_NONE, true, false},
    {MEDIA_DOCKER_MANIFEST, MEDIA_MANIFEST, PACKING_NONE, true, false},
    {MEDIA_DOCKER_CONFIG, MEDIA_CONFIG, PACKING_NONE, true, false},
    {DOCKER_DIFF, MEDIA_LAYER, PACKING_NONE, true, false},
    {DOCKER_DIFF ".gzip", MEDIA_LAYER, PACKING_GZIP, true, false},
    {DOCKER_DIFF ".zstd", MEDIA_LAYER, PACKING_ZSTD, true, false},
    {DOCKER_FOREIGN, MEDIA_LAYER, PACKING_NONE, true, true},
    {DOCKER_FOREIGN ".gzip", MEDIA_LAYER, PACKING_GZIP, true, true},
    {"application/vnd.docker.distribution.manifest.v1+json", MEDIA_SCHEMA1, PACKING_NONE, true, false},
    {"application/vnd.docker.distribution.manifest.v1+prettyjws", MEDIA_SCHEMA1, PACKING_NONE, true, false},
};

const struct media_type *media_type_find(const char *name)
{
    size_t length = name ? strcspn(name, "; \t") : 0;
    for (size_t i = 0; name && i < COUNT(types); i++)
        if (strlen(types[i].name) == length && strncasecmp(types[i].name, name, length) == 0)
            return &types[i];
    return NULL;
}

const struct media_type *media_type_of_layer(enum media_packing packing, bool docker)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (types[i].kind == MEDIA_LAYER && types[i].packing == packing && types[i].docker == docker && !types[i].foreign)
            return &types[i];
    return NULL; /* not reached */
}

static bool is_kind(const struct media_type *type, enum media_kind kind)
{
    return type && type->kind == kind;
}

/* ---- descriptors ---- */

const char *descriptor_annotation(const struct descriptor *descriptor, const char *key)
{
    for (size_t i = 0; i < descriptor->n_annotations; i++)
        if (text_equal(descriptor->annotations[i].key, key))
            return descriptor->annotations[i].value;
    return NULL;
}

void descriptor_annotate(struct arena *arena, struct descriptor *descriptor, const char *key, const char *value)
{
    size_t i = 0;
    while (i < descriptor->n_annotations && !text_equal(descriptor->annotations[i].key, key))
        i++;
    struct key_value *pair = i < descriptor->n_annotations
                                 ? &descriptor->annotations[i]
                                 : LIST_ADD(arena, &descriptor->annotations, &descriptor->n_annotations);
    *pair = (struct key_value){arena_strdup(arena, key), arena_strdup(arena, value), ""};
}

bool descriptor_is_attestation(const struct descriptor *descriptor)
{
    return platform_unknown(&descriptor->platform) ||
           descriptor_annotation(descriptor, "vnd.docker.reference.type") ||
           (descriptor->artifact_type && !is_kind(media_type_find(descriptor->artifact_type), MEDIA_CONFIG));
}

static int decode_size(struct json_source *s, struct json_object *value, void *into)
{
    uint64_t *size = into;
    TRY(json_u64(s, value, size));
    return *size <= INT64_MAX ? 0 : json_expected(s, "a size in bytes");
}

static const struct json_field platform_fields[] = {PLATFORM_ROWS(0), {0}};

GROUP(platform)

static int decode_annotations(struct json_source *s, struct json_object *value, void *into)
{
    struct descriptor *descriptor = into;
    TRY(config_read_pairs(s, value, &descriptor->annotations, &descriptor->n_annotations));
    static const char *const names[] = {ANNOTATION_REF_NAME, ANNOTATION_CONTAINERD_NAME};
    for (size_t i = 0; i < COUNT(names); i++)
        for (const char *p = descriptor_annotation(descriptor, names[i]); p && *p; p++)
            if (text_control(p))
                return refuse(-EINVAL, "%s: %s: %s: control characters are not allowed in names", s->name, s->pointer,
                              names[i]);
    return 0;
}

static const struct json_field descriptor_fields[] = {
    {"mediaType", image_read_word, AT(descriptor, media_type)},
    {"digest", image_read_digest, AT(descriptor, digest)},
    {"size", decode_size, AT(descriptor, size)},
    {"platform", decode_platform, AT(descriptor, platform)},
    {"artifactType", image_read_word, AT(descriptor, artifact_type)},
    {"urls", json_strings, AT(descriptor, urls)},
    {"annotations", decode_annotations, 0},
    {0},
};

static int decode_descriptor(struct json_source *s, struct json_object *value, void *into)
{
    struct descriptor *descriptor = into;
    descriptor->size = UINT64_MAX;
    TRY(json_read_object(s, value, descriptor_fields, descriptor));
    if (!descriptor->media_type)
        return config_missing(s, "mediaType");
    if (!descriptor->digest)
        return config_missing(s, "digest");
    if (descriptor->size == UINT64_MAX)
        return config_missing(s, "size");
    descriptor->type = media_type_find(descriptor->media_type);
    return 0;
}

/* ---- documents ---- */

struct list {
    struct descriptor *items;
    size_t count;
    bool there;
};

struct raw {
    const char *name; /* for messages */
    uint64_t schema;
    const char *media_type;
    bool schema1;
    struct list manifests, layers;
    struct descriptor config; /* digest NULL: none */
};

static int decode_list(struct json_source *s, struct json_object *value, void *into)
{
    struct list *list = into;
    void *items;
    TRY(json_read_list(s, value, decode_descriptor, sizeof *list->items, &items, &list->count));
    list->items = items;
    list->there = true;
    return 0;
}

static int mark(struct json_source *s, struct json_object *value, void *into)
{
    (void)s;
    (void)value;
    *(bool *)into = true;
    return 0;
}

static const struct json_field raw_fields[] = {
    {"schemaVersion", json_u64, AT(raw, schema)},
    {"mediaType", image_read_word, AT(raw, media_type)},
    {"fsLayers", mark, AT(raw, schema1)},
    {"manifests", decode_list, AT(raw, manifests)},
    {"config", decode_descriptor, AT(raw, config)},
    {"layers", decode_list, AT(raw, layers)},
    {0},
};

/* What kind a document is, from its own mediaType, from what it was ANNOUNCED as (or NULL), or, where nobody says
 * anything, from its members. */
static int find_type(const struct raw *raw, const char *announced, const struct media_type **type)
{
    const struct media_type *own = media_type_find(raw->media_type), *outer = media_type_find(announced);
    *type = own ? own : outer ? outer : media_type_find(raw->manifests.there ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST);
    if (raw->schema == 1 || raw->schema1 || is_kind(*type, MEDIA_SCHEMA1))
        return remedy(refuse(-ENOTSUP, "%s: Docker's manifest schema 1 is not supported", raw->name),
                      "pushed again by a current program the image has schema 2");
    if (raw->media_type && !own)
        return refuse(-ENOTSUP, "%s: %s is no image", raw->name, raw->media_type);
    if (own && outer && own != outer)
        return refuse(-EINVAL, "%s: is said to be %s, but calls itself %s", raw->name, outer->name, own->name);
    if (raw->schema != 2)
        return refuse(-EINVAL, "%s: /schemaVersion: expected 2", raw->name);
    if (raw->manifests.there && (raw->layers.there || raw->config.digest))
        return refuse(-EINVAL, "%s: could be read as an index and as a manifest, for it has the members of both", raw->name);
    return 0;
}

static int take_index(const struct raw *raw, const struct media_type *type, struct image_index *index)
{
    if (!raw->manifests.there)
        return refuse(-EINVAL, "%s: /manifests: is missing", raw->name);
    *index = (struct image_index){.type = type, .manifests = raw->manifests.items, .n_manifests = raw->manifests.count};
    return 0;
}

static int check_layers(const struct raw *raw)
{
    uint64_t sum = raw->config.size;
    if (raw->layers.count > LAYERS_MAX)
        return refuse(-ENOTSUP, "%s: %zu layers, more than the %d that an overlay can have", raw->name, raw->layers.count,
                      LAYERS_MAX);
    for (size_t i = 0; i < raw->layers.count; i++) {
        const struct descriptor *layer = &raw->layers.items[i];
        if (!is_kind(layer->type, MEDIA_LAYER))
            return refuse(-ENOTSUP, "%s: /layers/%zu: layers of the kind %s are not supported", raw->name, i,
                          layer->media_type);
        if (__builtin_add_overflow(sum, layer->size, &sum) || sum > INT64_MAX)
            return refuse(-EINVAL, "%s: /layers/%zu/size: the layers' sum is no size", raw->name, i);
    }
    return 0;
}

static int take_manifest(const struct raw *raw, const struct media_type *type, struct image_manifest *manifest)
{
    if (!raw->config.digest)
        return refuse(-EINVAL, "%s: /config: is missing", raw->name);
    if (!raw->layers.there)
        return refuse(-EINVAL, "%s: /layers: is missing", raw->name);
    if (!is_kind(raw->config.type, MEDIA_CONFIG))
        return refuse(-ENOTSUP, "%s: is no image, but an artifact with a config of the kind %s", raw->name,
                      raw->config.media_type);
    if (raw->config.size > DOCUMENT_MAX)
        return refuse(-EFBIG, "%s: /config/size: an image config has at most %d bytes", raw->name, DOCUMENT_MAX);
    TRY(check_layers(raw));
    *manifest = (struct image_manifest){
        .type = type, .config = raw->config, .layers = raw->layers.items, .n_layers = raw->layers.count};
    return 0;
}

static int decode(struct arena *arena, const char *text, size_t length, size_t max, const char *name,
                  const char *announced, struct image_document *document)
{
    struct raw raw = {.name = name};
    const struct media_type *type;
    TRY(image_read_document(arena, text, length, max, name, raw_fields, &raw));
    TRY(find_type(&raw, announced, &type));
    *document = (struct image_document){.kind = type->kind};
    if (type->kind == MEDIA_INDEX)
        return take_index(&raw, type, &document->index);
    if (type->kind == MEDIA_MANIFEST)
        return take_manifest(&raw, type, &document->manifest);
    return refuse(-EINVAL, "%s: expected a manifest or an index, not %s", name, type->name);
}

int document_decode(struct arena *arena, const char *text, size_t length, const char *name, const char *media_type,
                    struct image_document *document)
{
    return decode(arena, text, length, DOCUMENT_MAX, name, media_type, document);
}

int index_decode(struct arena *arena, const char *text, size_t length, const char *name, struct image_index *index)
{
    struct image_document document;
    TRY(decode(arena, text, length, INDEX_MAX, name, NULL, &document));
    if (document.kind != MEDIA_INDEX)
        return refuse(-EINVAL, "%s: expected an index, not a manifest", name);
    *index = document.index;
    return 0;
}

int manifest_decode(struct arena *arena, const char *text, size_t length, const char *name, struct image_manifest *manifest)
{
    struct image_document document;
    TRY(decode(arena, text, length, DOCUMENT_MAX, name, NULL, &document));
    if (document.kind != MEDIA_MANIFEST)
        return refuse(-EINVAL, "%s: expected a manifest, not an index", name);
    *manifest = document.manifest;
    return 0;
}

uint64_t manifest_size(const struct image_manifest *manifest)
{
    uint64_t sum = manifest->config.size;
    for (size_t i = 0; i < manifest->n_layers; i++)
        sum += manifest->layers[i].size;
    return sum;
}

/* ---- choosing ---- */

static bool is_candidate(const struct descriptor *entry)
{
    return (is_kind(entry->type, MEDIA_MANIFEST) || is_kind(entry->type, MEDIA_INDEX)) &&
           !descriptor_is_attestation(entry);
}

static int nothing_serves(const struct image_index *index, const struct platform *wanted, const char *name)
{
    auto_arena arena = {0};
    const char *there = "";
    size_t n = 0;
    for (size_t i = 0; i < index->n_manifests; i++)
        if (is_candidate(&index->manifests[i]) && ++n <= 16)
            there = arena_printf(&arena, "%s%s%.60s", there, n > 1 ? ", " : "",
                                 platform_text(&arena, &index->manifests[i].platform));
    return refuse(-ENOENT, "%s: nothing for %.60s; there is %s%s", name, platform_text(&arena, wanted),
                  n ? there : "no image in it at all", n > 16 ? " and more" : "");
}

int index_choose(const struct image_index *index, const struct platform *wanted, const char *name,
                 const struct descriptor **found)
{
    const struct descriptor *best = NULL, *silent = NULL;
    int most = 0;
    size_t candidates = 0;
    for (size_t i = 0; i < index->n_manifests; i++) {
        const struct descriptor *entry = &index->manifests[i];
        if (!is_candidate(entry))
            continue;
        candidates++;
        silent = entry->platform.os || entry->platform.architecture ? silent : entry;
        int serves = platform_serves(&entry->platform, wanted);
        best = serves > most ? entry : best;
        most = serves > most ? serves : most;
    }
    *found = best ? best : candidates == 1 ? silent : NULL;
    if (!*found)
        return nothing_serves(index, wanted, name);
    if ((*found)->size > DOCUMENT_MAX)
        return refuse(-EFBIG, "%s: a manifest has at most %d bytes, not %llu", name, DOCUMENT_MAX,
                      (unsigned long long)(*found)->size);
    return 0;
}

/* ---- writing ---- */

static void put_some(struct json_writer *json, const char *key, const char *value)
{
    if (value)
        json_put_string(json, key, value);
}

static void put_platform(const struct platform *platform, struct json_writer *json)
{
    if (!platform->os && !platform->architecture)
        return;
    json_begin_object(json, "platform");
    put_some(json, "architecture", platform->architecture);
    put_some(json, "os", platform->os);
    put_some(json, "os.version", platform->os_version);
    put_some(json, "variant", platform->variant);
    json_end_object(json);
}

void descriptor_encode(const struct descriptor *descriptor, const char *key, struct json_writer *json)
{
    json_begin_object(json, key);
    json_put_string(json, "mediaType", descriptor->media_type);
    json_put_string(json, "digest", descriptor->digest);
    json_put_u64(json, "size", descriptor->size);
    json_put_strings(json, "urls", descriptor->urls);
    put_platform(&descriptor->platform, json);
    put_some(json, "artifactType", descriptor->artifact_type);
    if (descriptor->n_annotations)
        json_begin_object(json, "annotations");
    for (size_t i = 0; i < descriptor->n_annotations; i++)
        json_put_string(json, descriptor->annotations[i].key, descriptor->annotations[i].value);
    if (descriptor->n_annotations)
        json_end_object(json);
    json_end_object(json);
}

static void put_list(const char *key, const struct descriptor *list, size_t count, struct json_writer *json)
{
    json_begin_array(json, key);
    for (size_t i = 0; i < count; i++)
        descriptor_encode(&list[i], NULL, json);
    json_end_array(json);
}

void manifest_encode(const struct image_manifest *manifest, struct json_writer *json)
{
    json_begin_object(json, NULL);
    json_put_u64(json, "schemaVersion", 2);
    json_put_string(json, "mediaType", manifest->type->name);
    descriptor_encode(&manifest->config, "config", json);
    put_list("layers", manifest->layers, manifest->n_layers, json);
    json_end_object(json);
}

void index_encode(const struct image_index *index, struct json_writer *json)
{
    json_begin_object(json, NULL);
    json_put_u64(json, "schemaVersion", 2);
    json_put_string(json, "mediaType", index->type->name);
    put_list("manifests", index->manifests, index->n_manifests, json);
    json_end_object(json);
}

void layout_encode(struct json_writer *json)
{
    json_begin_object(json, NULL);
    json_put_string(json, "imageLayoutVersion", "1.0.0");
    json_end_object(json);
}

int layout_decode(const char *text, size_t length, const char *name)
{
    static const struct json_field fields[] = {{"imageLayoutVersion", image_read_word, 0}, {0}};
    auto_arena arena = {0};
    const char *version = NULL;
    TRY(image_read_document(&arena, text, length, DOCUMENT_MAX, name, fields, &version));
    if (!version || !text_after(version, "1."))
        return refuse(-ENOTSUP, "%s: /imageLayoutVersion: expected 1.0.0, not %s", name, version ? version : "nothing");
    return 0;
}
