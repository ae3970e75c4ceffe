/* An OCI image layout (image-spec, image-layout.md): what lies in the store, as it is. */
#include "archive/image.h"
#include "archive/save.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"

#define BLOBS "blobs/sha256/"

static int put_json(struct save *save, const char *name, json_encoder *encode, const void *data)
{
    auto_free char *text = NULL;
    size_t length = 0;
    TRY(json_write_text(encode, data, &text, &length));
    return tar_text(&save->tar, name, text, length);
}

static void encode_layout(const void *data, struct json_writer *json)
{
    (void)data;
    layout_encode(json);
}

static void encode_index(const void *data, struct json_writer *json)
{
    index_encode(data, json);
}

static int put_blob(struct blob *blob, void *data)
{
    struct save *save = data;
    char name[sizeof BLOBS + HEX_SIZE];
    snprintf(name, sizeof name, BLOBS "%s", blob->hex);
    return tar_blob(&save->tar, name, &save->blobs, blob, false);
}

/* Other engines look for names in an annotation of containerd's. */
static int put_index(struct save *save)
{
    struct image_index index = {.type = media_type_find(MEDIA_OCI_INDEX)};
    for (size_t i = 0; i < save->n_images; i++) {
        const struct saved *image = &save->images[i];
        struct descriptor *top = LIST_ADD(save->arena, &index.manifests, &index.n_manifests);
        *top = image->top;
        if (!*image->name)
            continue;
        descriptor_annotate(save->arena, top, ANNOTATION_CONTAINERD_NAME, image->name);
        descriptor_annotate(save->arena, top, ANNOTATION_REF_NAME, image->name);
    }
    return put_json(save, "index.json", encode_index, &index);
}

int save_oci(struct save *save)
{
    for (size_t i = 0; i < save->n_images; i++) {
        struct image_sum sum;
        TRY(image_check(&save->blobs, &save->images[i].top, save->images[i].name, NULL, NULL,
                        &sum));
    }
    TRY(tar_directory(&save->tar, "blobs/"));
    TRY(tar_directory(&save->tar, BLOBS));
    TRY(blobs_each_kept(&save->blobs, put_blob, save));
    TRY(put_index(save));
    return put_json(save, "oci-layout", encode_layout, NULL);
}
