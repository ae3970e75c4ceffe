/* Digests make cycles impossible where they are verified, and blobs_text() verifies and counts; the
 * depth is limited so that nobody has to think about the stack. */
#include "archive/image.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/text.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

enum { DEEPEST = 8, NAME_LENGTH = 96 };

struct walk {
    struct blobs *blobs;
    struct image_sum *sum;
    image_visitor *each;
    void *data;
    int depth;
};

/* The blob that DESCRIPTOR names; *BLOB is NULL where there is none. */
static int find(struct blobs *blobs, const struct descriptor *descriptor, struct blob **blob)
{
    const char *hex = digest_hex(descriptor->digest);
    *blob = blobs_find(blobs, hex);
    if (*blob && (*blob)->size != descriptor->size)
        return refuse(-EBADMSG, "%s: has %" PRIu64 " bytes, and not %" PRIu64 " as is said of it",
                      descriptor->digest, (*blob)->size, descriptor->size);
    return 0;
}

static int keep(struct blobs *blobs, const struct descriptor *descriptor, const char *what,
                struct blob **blob)
{
    TRY(find(blobs, descriptor, blob));
    if (!*blob)
        return refuse(-ENOENT, "its %s %s is missing in %s", what, descriptor->digest,
                      blobs->place);
    (*blob)->kept = true;
    return 0;
}

/* A layer that is not packed is its own diffID; the others are compared when they are unpacked. */
static int check_layers(struct blobs *blobs, const struct image_manifest *manifest,
                        const struct image_config *config)
{
    for (size_t i = 0; i < manifest->n_layers; i++) {
        const struct descriptor *layer = &manifest->layers[i];
        struct blob *blob;
        TRY(keep(blobs, layer, "layer", &blob));
        if (layer->type->packing == PACKING_NONE && !text_equal(layer->digest, config->diff_ids[i]))
            return refuse(-EBADMSG, "layer %zu is %s, but its config says diffID %s", i,
                          layer->digest, config->diff_ids[i]);
    }
    return 0;
}

static int check_manifest(struct walk *walk, const struct descriptor *descriptor,
                          const struct image_manifest *manifest)
{
    auto_arena arena = {NULL};
    struct image_config config = {.diff_ids = NULL};
    struct blob *blob;
    const char *text;
    size_t length;
    TRY(keep(walk->blobs, &manifest->config, "config", &blob));
    TRY(blobs_text(walk->blobs, &arena, blob, "its config", &text, &length));
    TRY(image_config_decode(&arena, text, length, "its config", &config));
    TRY(image_config_fits(&config, manifest, "its config"));
    TRY(check_layers(walk->blobs, manifest, &config));
    walk->sum->images++;
    return walk->each ? walk->each(descriptor, manifest, &config, walk->data) : 0;
}

/* ---- what hangs on an image and is none: attestations ---- */

static int decode_digest(struct json_source *source, struct json_object *value, void *into)
{
    static const struct json_field fields[] = {{"digest", json_string, 0}, {NULL, NULL, 0}};
    return json_read_object(source, value, fields, into);
}

struct attachment {
    const char *config;
    const char **layers;
    size_t n_layers;
};

static int decode_digests(struct json_source *source, struct json_object *value, void *into)
{
    struct attachment *attachment = into;
    void *list;
    TRY(json_read_list(source, value, decode_digest, sizeof(char *), &list, &attachment->n_layers));
    attachment->layers = list;
    return 0;
}

static const struct json_field attachment_fields[] = {
    {"config", decode_digest, offsetof(struct attachment, config)},
    {"layers", decode_digests, 0},
    {NULL, NULL, 0},
};

static void keep_if_there(struct blobs *blobs, const char *digest)
{
    struct blob *blob = digest_valid(digest) ? blobs_find(blobs, digest_hex(digest)) : NULL;
    if (blob)
        blob->kept = true;
}

static int check_attachment(struct walk *walk, struct blob *blob)
{
    auto_arena arena = {NULL};
    struct attachment attachment = {.config = NULL};
    const char *text;
    size_t length;
    TRY(blobs_text(walk->blobs, &arena, blob, "an attestation", &text, &length));
    TRY(json_read_strict(&arena, text, length, "an attestation", attachment_fields, &attachment));
    blob->kept = true;
    keep_if_there(walk->blobs, attachment.config);
    for (size_t i = 0; i < attachment.n_layers; i++)
        keep_if_there(walk->blobs, attachment.layers[i]);
    return 0;
}

/* ---- the walk ---- */

static int check_document(struct walk *walk, const struct descriptor *descriptor,
                          struct blob *blob);

static int check_child(struct walk *walk, const struct descriptor *child)
{
    struct blob *blob;
    TRY(find(walk->blobs, child, &blob));
    if (!blob) {
        walk->sum->absent++;
        return 0;
    }
    if (!child->type || descriptor_is_attestation(child))
        return check_attachment(walk, blob);
    int r = check_document(walk, child, blob);
    return r < 0 ? because(r, "%.20s", child->digest) : 0;
}

static int check_document(struct walk *walk, const struct descriptor *descriptor, struct blob *blob)
{
    auto_arena arena = {NULL};
    struct image_document document = {.kind = 0};
    const char *text;
    size_t length;
    if (walk->depth >= DEEPEST)
        return refuse(-EINVAL, "more than %d indexes in each other", DEEPEST);
    TRY(blobs_text(walk->blobs, &arena, blob, "its manifest", &text, &length));
    TRY(document_decode(&arena, text, length, "its manifest", descriptor->media_type, &document));
    blob->kept = true;
    if (document.kind == MEDIA_MANIFEST)
        return check_manifest(walk, descriptor, &document.manifest);
    walk->depth++;
    for (size_t i = 0; i < document.index.n_manifests; i++)
        TRY(check_child(walk, &document.index.manifests[i]));
    walk->depth--;
    return 0;
}

int image_check(struct blobs *blobs, const struct descriptor *top, const char *name,
                image_visitor *each, void *data, struct image_sum *sum)
{
    struct walk walk = {.blobs = blobs, .sum = sum, .each = each, .data = data};
    struct blob *blob;
    *sum = (struct image_sum){.images = 0};
    int r = keep(blobs, top, "manifest", &blob);
    if (r == 0)
        r = check_document(&walk, top, blob);
    if (r == 0 && !sum->images)
        r = refuse(-ENOENT, "an index of which no image is in %s", blobs->place);
    return r < 0 ? because(r, "image %.80s", name) : 0;
}
