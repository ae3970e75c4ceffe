/* bocal-archive makes the layer's blob; the config and the manifest are written here, into the same directory of the ingest, and
 * from there on it is an image like any other. */
#include "image/import.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/sha256.h"
#include "base/text.h"
#include "image/add.h"
#include "image/changes.h"
#include "image/program.h"

#include <fcntl.h>

struct importing {
    const struct store *store;
    const struct import_request *request;
    struct ingest *ingest;
    struct image_config config;
    struct descriptor layer;
    char *diff_ids[2];
    char created[TEXT_NOW_SIZE];
};

static int hear(struct json_object *object, void *data)
{
    struct importing *i = data;
    struct arena *arena = i->store->arena;
    const char *digest = json_text_of(object, "layer"), *type = json_text_of(object, "mediaType"), *diff_id = json_text_of(object, "diffID");
    if (!digest_valid(digest) || !digest_valid(diff_id) || !media_type_find(type))
        return refuse(-EPROTO, "bocal-archive: it tells of no layer");
    i->layer = (struct descriptor){.media_type = media_type_find(type)->name, .digest = arena_strdup(arena, digest),
                                   .size = json_number_of(object, "size")};
    i->diff_ids[0] = arena_strdup(arena, diff_id);
    return 0;
}

static int read_layer(struct importing *i, int input, const struct layer_limits *limits)
{
    const char *words[6] = {"import"};
    layer_limits_words(limits, false, i->store->arena, words, 1);
    TRY(program_run(i->store->arena,
                    &(struct program_call){.name = "bocal-archive", .words = words, .input = input,
                                           .output = -1, .fds = &i->ingest->fd, .n_fds = 1},
                    hear, i));
    return i->diff_ids[0] ? 0 : refuse(-EPROTO, "bocal-archive: it has not said what it has made");
}

/* ---- documents ---- */

static void put_some(struct json_writer *json, const char *key, const char *value)
{
    if (value)
        json_put_string(json, key, value);
}

/* A set, as Go writes one. */
static void put_set(struct json_writer *json, const char *key, char *const *list)
{
    if (!list)
        return;
    json_begin_object(json, key);
    for (; *list; list++) {
        json_begin_object(json, *list);
        json_end_object(json);
    }
    json_end_object(json);
}

static void put_run(const struct image_config *config, struct json_writer *json)
{
    json_begin_object(json, "config");
    put_some(json, "User", config->user);
    put_set(json, "ExposedPorts", config->exposed_ports);
    json_put_strings(json, "Env", config->env);
    json_put_strings(json, "Entrypoint", config->entrypoint);
    json_put_strings(json, "Cmd", config->cmd);
    put_set(json, "Volumes", config->volumes);
    put_some(json, "WorkingDir", config->working_dir);
    if (config->n_labels)
        json_begin_object(json, "Labels");
    for (size_t i = 0; i < config->n_labels; i++)
        json_put_string(json, config->labels[i].key, config->labels[i].value);
    if (config->n_labels)
        json_end_object(json);
    put_some(json, "StopSignal", config->stop_signal);
    json_end_object(json);
}

static void encode_config(const void *data, struct json_writer *json)
{
    const struct importing *i = data;
    const struct platform *platform = &i->request->platform;
    json_begin_object(json, NULL);
    json_put_string(json, "created", i->created);
    json_put_string(json, "architecture", platform->architecture);
    json_put_string(json, "os", platform->os);
    put_some(json, "variant", platform->variant);
    put_run(&i->config, json);
    json_begin_object(json, "rootfs");
    json_put_string(json, "type", "layers");
    json_put_strings(json, "diff_ids", i->diff_ids);
    json_end_object(json);
    json_begin_array(json, "history");
    json_begin_object(json, NULL);
    json_put_string(json, "created", i->created);
    json_put_string(json, "created_by", "bocal import");
    put_some(json, "comment", i->request->message);
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
}

static void encode_manifest(const void *data, struct json_writer *json)
{
    manifest_encode(data, json);
}

static int put_document(struct importing *i, const char *media_type, json_encoder *encode, const void *data, struct descriptor *made)
{
    char hex[SHA256_HEX_SIZE];
    auto_free char *text = NULL;
    size_t length;
    TRY(json_write_text(encode, data, &text, &length));
    if (length > DOCUMENT_MAX)
        return refuse(-EFBIG, "the image's config would have more than %d MB", DOCUMENT_MAX >> 20);
    sha256_hex(text, length, hex);
    *made = (struct descriptor){.media_type = media_type, .digest = arena_printf(i->store->arena, "sha256:%s", hex), .size = length};
    return file_replace(i->ingest->fd, hex, text, length, 0644);
}

static int make_documents(struct importing *i, struct descriptor *manifest)
{
    struct image_manifest document = {.type = media_type_find(MEDIA_OCI_MANIFEST), .layers = &i->layer, .n_layers = 1};
    TRY(put_document(i, MEDIA_OCI_CONFIG, encode_config, i, &document.config));
    return put_document(i, MEDIA_OCI_MANIFEST, encode_manifest, &document, manifest);
}

/* ---- the image ---- */

static int make_blobs(struct importing *i, int input, const struct layer_limits *limits, struct image *image)
{
    struct descriptor manifest;
    auto_ingest ingest = {.fd = -1};
    TRY(ingest_begin(i->store, "import", &ingest));
    i->ingest = &ingest;
    TRY(read_layer(i, input, limits));
    TRY(make_documents(i, &manifest));
    *image = (struct image){.name = i->request->name, .digest = manifest.digest, .media_type = manifest.media_type, .size = manifest.size};
    return ingest_keep_blobs(&ingest);
}

static int import(struct importing *i, int input, const struct layer_owners *owners, layer_listener *each, void *data, struct image *image)
{
    auto_fd adding = store_hold(i->store, false, false);
    TRY(adding);
    TRY(ingest_sweep(i->store));
    TRY(make_blobs(i, input, &owners->limits, image));
    TRY(image_unpack(i->store, image, owners, each, data));
    return store_name(i->store, &(struct naming){image->name, image}, 1);
}

int image_import(const struct store *store, int input, const struct import_request *request, const struct layer_owners *owners,
                 layer_listener *each, void *data, struct image *image)
{
    struct importing importing = {.store = store, .request = request};
    for (size_t i = 0; i < request->n_changes; i++)
        TRY(config_change(store->arena, request->changes[i], &importing.config));
    text_now(importing.created);
    int r = import(&importing, input, owners, each, data, image);
    return r < 0 ? image_give_up(store, r) : 0;
}
