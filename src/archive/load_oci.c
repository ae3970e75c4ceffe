/* An OCI image layout in an archive (image-spec, image-layout.md). One image has as many entries in
 * index.json as it has names; it is told once. */
#include "archive/image.h"
#include "archive/load.h"
#include "base/error.h"
#include "base/json_write.h"

#include <stddef.h>

struct named {
    const struct descriptor *top;
    char **names;
    size_t n_names;
};

/* containerd and Docker have the whole name in an annotation of their own, and the tag alone in
 * OCI's. */
static const char *name_of(const struct descriptor *top)
{
    const char *name = descriptor_annotation(top, ANNOTATION_CONTAINERD_NAME);
    return name ? name : descriptor_annotation(top, ANNOTATION_REF_NAME);
}

static bool is_wanted(struct load *load, const struct descriptor *top)
{
    const char *whole = descriptor_annotation(top, ANNOTATION_CONTAINERD_NAME), *tag = descriptor_annotation(top, ANNOTATION_REF_NAME);
    return load_wants(load, whole) || (load->only && tag && load_wants(load, tag));
}

static int check_layout(struct load *load)
{
    struct blob *blob = members_find(&load->members, "oci-layout");
    const char *text;
    size_t length;
    if (!blob)
        return refuse(-EINVAL, "the archive has an index.json, but no oci-layout");
    TRY(blobs_text(&load->blobs, load->arena, blob, "oci-layout", &text, &length));
    return layout_decode(text, length, "oci-layout");
}

static void add_name(struct load *load, struct named *image, const char *name)
{
    if (!name)
        return;
    *LIST_ADD(load->arena, &image->names, &image->n_names) = arena_strdup(load->arena, name);
}

/* The images of INDEX, those with the same digest together. What is none (type NULL) is passed
 * over, as the specification asks. */
static void gather(struct load *load, const struct image_index *index, struct named ***images,
                   size_t *count)
{
    for (size_t i = 0; i < index->n_manifests; i++) {
        const struct descriptor *top = &index->manifests[i];
        struct blob *blob = blobs_find(&load->blobs, digest_hex(top->digest));
        struct named *image = blob ? blob->owner : NULL;
        if (!top->type || descriptor_is_attestation(top) || !is_wanted(load, top))
            continue;
        if (!image) {
            image = arena_alloc(load->arena, sizeof *image);
            image->top = top;
            *LIST_ADD(load->arena, images, count) = image;
        }
        if (blob)
            blob->owner = image;
        add_name(load, image, name_of(top));
    }
}

static int load_image(struct load *load, struct named *image)
{
    struct image_sum sum;
    TRY(image_check(&load->blobs, image->top, image->n_names ? image->names[0] : image->top->digest,
                    NULL, NULL, &sum));
    *LIST_ADD(load->arena, &image->names, &image->n_names) = NULL;
    load_tell(load, image->names, image->top, sum.absent);
    return 0;
}

int load_oci(struct load *load)
{
    struct image_index index = {.manifests = NULL};
    struct named **images = NULL;
    size_t count = 0, length;
    const char *text;
    TRY(check_layout(load));
    TRY(blobs_text(&load->blobs, load->arena, members_find(&load->members, "index.json"),
                   "index.json", &text, &length));
    TRY(index_decode(load->arena, text, length, "index.json", &index));
    gather(load, &index, &images, &count);
    if (!count && load->only)
        return load_nothing_wanted(load);
    if (!count)
        return refuse(-ENOENT, "there is no image in the archive: its index.json names none");
    for (size_t i = 0; i < count; i++)
        TRY(load_image(load, images[i]));
    return 0;
}
