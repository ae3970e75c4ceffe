/* Docker's format: manifest.json, each config under its digest, each layer unpacked under its
 * diffID, so that a layer that several images have is there once, however it was packed. The
 * manifest itself has no place in it. A tar has sizes in front, so that a packed layer is unpacked
 * twice: to measure and verify it, and to write it. */
#include "archive/image.h"
#include "archive/save.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct docker_image {
    struct blob *config;
    char **tags, **layers; /* names of members */
    size_t n_tags, n_layers;
};

struct file {
    const char *name;
    struct blob *blob;
    bool unpacked;
};

struct docker {
    struct save *save;
    struct docker_image **images;
    size_t n_images;
    struct file *files;
    size_t n_files;
    struct docker_image *found; /* by the visitor */
};

static struct file *add_file(struct docker *docker, struct blob *blob, const char *format,
                             const char *hex)
{
    struct file *file = LIST_ADD(docker->save->arena, &docker->files, &docker->n_files);
    *file = (struct file){.name = arena_printf(docker->save->arena, "%s.%s", hex, format),
                          .blob = blob};
    return file;
}

static int add_layer(struct docker *docker, struct docker_image *image, const char *digest,
                     const char *diff_id)
{
    struct blobs *blobs = &docker->save->blobs;
    struct blob *blob = blobs_find(blobs, digest_hex(digest));
    TRY(blobs_unpack(blobs, blob)); /* image_check() has found it */
    if (!text_equal(blob->content, digest_hex(diff_id)))
        return refuse(-EBADMSG, "layer %s is sha256:%s, but its config says diffID %s", digest,
                      blob->content, diff_id);
    struct file *file = add_file(docker, blob, "tar", blob->content);
    file->unpacked = true;
    *LIST_ADD(docker->save->arena, &image->layers, &image->n_layers) = (char *)file->name;
    return 0;
}

/* An image is its config: two manifests with one config, whose layers are packed differently, are
 * the same here. */
static int visit(const struct descriptor *descriptor, const struct image_manifest *manifest,
                 const struct image_config *config, void *data)
{
    struct docker *docker = data;
    struct save *save = docker->save;
    struct blob *blob = blobs_find(&save->blobs, digest_hex(manifest->config.digest));
    (void)descriptor;
    docker->found = blob->owner;
    if (docker->found)
        return 0;
    struct docker_image *image = docker->found = blob->owner =
        arena_alloc(save->arena, sizeof *image);
    image->config = blob;
    *LIST_ADD(save->arena, &docker->images, &docker->n_images) = image;
    add_file(docker, blob, "json", blob->hex);
    for (size_t i = 0; i < manifest->n_layers; i++)
        TRY(add_layer(docker, image, manifest->layers[i].digest, config->diff_ids[i]));
    return 0;
}

static int add_image(struct docker *docker, const struct saved *image)
{
    struct image_sum sum;
    TRY(image_check(&docker->save->blobs, &image->top, image->name, visit, docker, &sum));
    if (sum.images > 1)
        return remedy(refuse(-ENOTSUP,
                             "image %.80s: Docker's format has no place for an index of %u images",
                             image->name, (unsigned)sum.images),
                      "--format oci has, or name one image by its digest");
    if (strchr(image->name, '@'))
        return remedy(
            refuse(-ENOTSUP, "image %.80s: Docker's format has tags, but no digests", image->name),
            "--format oci, or a tag");
    if (*image->name)
        *LIST_ADD(docker->save->arena, &docker->found->tags, &docker->found->n_tags) =
            (char *)image->name;
    return 0;
}

static int put_files(struct docker *docker)
{
    for (size_t i = 0; i < docker->n_files; i++) {
        const struct file *file = &docker->files[i];
        if (i && text_equal(file->name, file[-1].name))
            continue;
        TRY(tar_blob(&docker->save->tar, file->name, &docker->save->blobs, file->blob,
                     file->unpacked));
    }
    return 0;
}

static void encode_list(struct json_writer *json, const char *key, char *const *list, size_t count)
{
    json_begin_array(json, key);
    for (size_t i = 0; i < count; i++)
        json_put_string(json, NULL, list[i]);
    json_end_array(json);
}

static void encode_image(const struct docker_image *image, struct json_writer *json)
{
    char config[HEX_SIZE + 5];
    snprintf(config, sizeof config, "%s.json", image->config->hex);
    json_begin_object(json, NULL);
    json_put_string(json, "Config", config);
    encode_list(json, "RepoTags", image->tags, image->n_tags);
    encode_list(json, "Layers", image->layers, image->n_layers);
    json_end_object(json);
}

static void encode_images(const void *data, struct json_writer *json)
{
    const struct docker *docker = data;
    json_begin_array(json, NULL);
    for (size_t i = 0; i < docker->n_images; i++)
        encode_image(docker->images[i], json);
    json_end_array(json);
}

static int put_manifest(struct docker *docker)
{
    auto_free char *text = NULL;
    size_t length = 0;
    TRY(json_write_text(encode_images, docker, &text, &length));
    return tar_text(&docker->save->tar, "manifest.json", text, length);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

int save_docker(struct save *save)
{
    struct docker docker = {.save = save};
    for (size_t i = 0; i < save->n_images; i++)
        TRY(add_image(&docker, &save->images[i]));
    qsort(docker.files, docker.n_files, sizeof *docker.files, by_name);
    TRY(put_files(&docker));
    return put_manifest(&docker);
}
