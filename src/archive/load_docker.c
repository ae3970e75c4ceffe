/* What `docker save`, Podman, skopeo and BuildKit write: manifest.json names the config, the layers
 * and the tags of each image. There is no manifest that a digest could stand for, so that an OCI
 * one is made of it, always the same of the same. The config's diffIDs are all that says what the
 * layers have to be, and each is unpacked to compare it. */
#include "archive/image.h"
#include "archive/load.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

struct entry {
    const char *config;
    char **tags, **layers; /* or NULL */
};

struct entries {
    struct entry *list;
    size_t count;
};

static const struct json_field entry_fields[] = {
    {"Config", json_string, offsetof(struct entry, config)},
    {"RepoTags", json_strings, offsetof(struct entry, tags)},
    {"Layers", json_strings, offsetof(struct entry, layers)},
    {NULL, NULL, 0},
};

static int decode_entry(struct json_source *source, struct json_object *value, void *into)
{
    const struct entry *entry = into;
    TRY(json_read_object(source, value, entry_fields, into));
    return entry->config ? 0 : json_expected(source, "a Config");
}

static int decode_entries(struct json_source *source, struct json_object *value, void *into)
{
    struct entries *entries = into;
    void *list;
    TRY(json_read_list(source, value, decode_entry, sizeof(struct entry), &list, &entries->count));
    entries->list = list;
    return 0;
}

static int find(struct load *load, const char *raw, const char *what, struct blob **blob)
{
    const char *name;
    TRY(member_name(load->scratch, raw, &name));
    *blob = members_find(&load->members, name);
    return *blob ? 0
                 : refuse(-ENOENT, "the archive has no %.100s, which its manifest.json names as %s",
                          raw, what);
}

/* HEX.json and sha256:HEX are promises; other names are just names. */
static int check_config_name(const char *name, const struct blob *blob)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name,
               *after = text_after(base, "sha256:");
    const char *hex = after ? after : base;
    size_t digits = strspn(hex, "0123456789abcdef");
    if (digits != DIGEST_HEX || (hex[digits] && !text_equal(hex + digits, ".json")) ||
        memcmp(hex, blob->hex, DIGEST_HEX) == 0)
        return 0;
    return refuse(-EBADMSG, "the archive has %.100s, but the digest of that is sha256:%s", name,
                  blob->hex);
}

static struct descriptor describe(struct load *load, const char *media_type, struct blob *blob)
{
    blob->kept = true;
    return (struct descriptor){
        .media_type = media_type,
        .type = media_type_find(media_type),
        .digest = arena_printf(load->scratch, "sha256:%s", blob->hex),
        .size = blob->size,
    };
}

static int take_config(struct load *load, const struct entry *entry,
                       struct image_manifest *manifest, struct image_config *config)
{
    struct blob *blob;
    const char *text;
    size_t length;
    TRY(find(load, entry->config, "a config", &blob));
    TRY(check_config_name(entry->config, blob));
    TRY(blobs_text(&load->blobs, load->scratch, blob, entry->config, &text, &length));
    TRY(image_config_decode(load->scratch, text, length, entry->config, config));
    manifest->config = describe(load, MEDIA_OCI_CONFIG, blob);
    return 0;
}

static int take_layer(struct load *load, const char *name, const char *diff_id,
                      struct descriptor *layer)
{
    struct blob *blob;
    TRY(find(load, name, "a layer", &blob));
    TRY(blobs_unpack(&load->blobs, blob));
    if (!text_equal(digest_hex(diff_id), blob->content))
        return refuse(-EBADMSG, "layer %.100s is sha256:%s, but its config says diffID %s", name,
                      blob->content, diff_id);
    *layer = describe(load, media_type_of_layer(blob->packing, false)->name, blob);
    return 0;
}

static int take_layers(struct load *load, const struct entry *entry,
                       const struct image_config *config, struct image_manifest *manifest)
{
    size_t n = entry->layers ? text_count(entry->layers) : 0;
    if (n != config->n_diff_ids)
        return refuse(-EINVAL, "%.80s: %zu diffIDs for %zu layers", entry->config,
                      config->n_diff_ids, n);
    for (size_t i = 0; i < n; i++)
        TRY(take_layer(load, entry->layers[i], config->diff_ids[i],
                       LIST_ADD(load->scratch, &manifest->layers, &manifest->n_layers)));
    return 0;
}

static void encode(const void *data, struct json_writer *json)
{
    manifest_encode(data, json);
}

static int put_manifest(struct load *load, const struct image_manifest *manifest,
                        struct blob **blob)
{
    auto_free char *text = NULL;
    size_t length = 0;
    TRY(json_write_text(encode, manifest, &text, &length));
    return blobs_put(&load->blobs, text, length, blob);
}

static int load_entry(struct load *load, const struct entry *entry)
{
    struct image_manifest manifest = {.type = media_type_find(MEDIA_OCI_MANIFEST)};
    struct image_config config = {.diff_ids = NULL};
    char *none[] = {NULL};
    struct blob *blob;
    auto_arena arena = {NULL};
    load->scratch = &arena;
    TRY(take_config(load, entry, &manifest, &config));
    TRY(take_layers(load, entry, &config, &manifest));
    TRY(put_manifest(load, &manifest, &blob));
    struct descriptor top = describe(load, MEDIA_OCI_MANIFEST, blob);
    load_tell(load, entry->tags ? entry->tags : none, &top, 0);
    return 0;
}

static bool is_wanted(struct load *load, const struct entry *entry)
{
    bool wanted = load_wants(load, NULL);
    for (char **tag = entry->tags; !wanted && tag && *tag; tag++)
        wanted = load_wants(load, *tag);
    return wanted;
}

int load_docker(struct load *load)
{
    struct entries entries = {.list = NULL};
    const char *text;
    size_t length;
    TRY(blobs_text(&load->blobs, load->arena, members_find(&load->members, "manifest.json"),
                   "manifest.json", &text, &length));
    TRY(json_read_strict_value(load->arena, text, length, "manifest.json", decode_entries,
                               &entries));
    if (!entries.count)
        return refuse(-ENOENT, "there is no image in the archive: its manifest.json names none");
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *entry = &entries.list[i];
        int r = is_wanted(load, entry) ? load_entry(load, entry) : 0;
        if (r < 0)
            return because(r, "image %.80s",
                           entry->tags && entry->tags[0] ? entry->tags[0] : entry->config);
    }
    return load->images ? 0 : load_nothing_wanted(load);
}
