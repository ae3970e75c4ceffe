/* Image manifests and indexes, of OCI (image-spec 1.1: descriptor.md, manifest.md, image-index.md) and of Docker (schema 2
 * and manifest lists, which have the same members under other media types).
 *
 * They come from anybody, so that reading is strict where it matters: digests, sizes, kinds, counts, members that are there
 * twice, documents that could be read as both kinds (CVE-2021-41190); errors name the document and the JSON pointer.
 * What is no image (an artifact, Docker's schema 1) is refused by name. Unknown members are ignored, as the specification
 * asks; the annotations of descriptors are all kept, so that what was read can be written again.
 * Nothing here is verified against its digest: that is done by who reads the bytes. All texts live in the caller's arena. */
#pragma once

#include "base/arena.h"
#include "base/json_write.h"
#include "spec/config.h"
#include "spec/digest.h"
#include "spec/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DOCUMENT_MAX = 4 << 20,   /* bytes of a manifest, an index, an image config that comes from elsewhere */
    INDEX_MAX = 64 << 20,     /* bytes of a layout's index.json */
    LAYERS_MAX = 500,         /* what overlayfs takes (fs/overlayfs, OVL_MAX_STACK) */
};

/* ---- media types ---- */

enum media_kind {
    MEDIA_INDEX = 1,
    MEDIA_MANIFEST,
    MEDIA_SCHEMA1, /* Docker's first manifests, which bocal refuses */
    MEDIA_CONFIG,
    MEDIA_LAYER,
};

enum media_packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct media_type {
    const char *name;
    enum media_kind kind;
    enum media_packing packing; /* of layers */
    bool docker;                /* one of Docker's words; else OCI's */
    bool foreign;               /* a layer that registries may not have: Docker's foreign, OCI's non-distributable */
};

/* What NAME stands for, in any case and without its parameters ("; charset=…"), as Content-Type has it. NULL when it is
 * none of an image's, or NULL. */
const struct media_type *media_type_find(const char *name);

/* The word for layers packed like that, OCI's or Docker's. */
const struct media_type *media_type_of_layer(enum media_packing packing, bool docker);

#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

/* What a registry is told that we read. */
#define MEDIA_ACCEPT MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_LIST ", " MEDIA_DOCKER_MANIFEST

/* ---- descriptors ---- */

#define ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"
#define ANNOTATION_CREATED "org.opencontainers.image.created"
#define ANNOTATION_CONTAINERD_NAME "io.containerd.image.name"

struct descriptor {
    const char *media_type;         /* as it was written */
    const struct media_type *type;  /* NULL: none of an image's */
    const char *digest;             /* valid (spec/digest.h) */
    uint64_t size;                  /* bytes, at most INT64_MAX */
    struct platform platform;       /* of an index's entries; all NULL where nothing is said */
    const char *artifact_type;      /* or NULL */
    char **urls;                    /* or NULL; of foreign layers */
    struct key_value *annotations;
    size_t n_annotations;
};

/* The value of an annotation, or NULL. */
const char *descriptor_annotation(const struct descriptor *descriptor, const char *key);

/* Sets or replaces it; KEY and VALUE are copied. */
void descriptor_annotate(struct arena *arena, struct descriptor *descriptor, const char *key, const char *value);

/* Whether it says of itself that it is no image, but something about one: an attestation, a signature, another artifact. */
bool descriptor_is_attestation(const struct descriptor *descriptor);

/* ---- documents ---- */

struct image_index {
    const struct media_type *type; /* never NULL: OCI's where the document says nothing */
    struct descriptor *manifests;  /* manifests, indexes, and what is no image */
    size_t n_manifests;
};

struct image_manifest {
    const struct media_type *type; /* never NULL */
    struct descriptor config;      /* type->kind is MEDIA_CONFIG */
    struct descriptor *layers;     /* the lowest first; type->kind is MEDIA_LAYER */
    size_t n_layers;
};

struct image_document {
    enum media_kind kind; /* MEDIA_INDEX or MEDIA_MANIFEST: which of the two is filled */
    struct image_index index;
    struct image_manifest manifest;
};

/* Reads TEXT of LENGTH bytes (NUL behind it), called NAME in messages, as what MEDIA_TYPE says (a descriptor's or a
 * Content-Type; NULL or not an image's word: as the document itself says). 0, or -errno with a sentence: -EINVAL what is
 * wrong, -EFBIG above DOCUMENT_MAX, -ENOTSUP for schema 1, artifacts, unknown kinds of layers. */
int document_decode(struct arena *arena, const char *text, size_t length, const char *name, const char *media_type,
                    struct image_document *document);

/* A layout's index.json: at most INDEX_MAX bytes. */
int index_decode(struct arena *arena, const char *text, size_t length, const char *name, struct image_index *index);

/* A manifest, where nothing else will do. */
int manifest_decode(struct arena *arena, const char *text, size_t length, const char *name, struct image_manifest *manifest);

/* Config and layers together, in bytes as they are packed. */
uint64_t manifest_size(const struct image_manifest *manifest);

/* The best entry of INDEX for the WANTED platform: of equals the first. Attestations are left out. Where nothing fits, and
 * there is but one entry, which says nothing of its platform, that one: its config has to be looked at. -ENOENT with a
 * sentence ("NAME: nothing for linux/riscv64; there is linux/amd64, linux/arm64/v8"). *FOUND is borrowed from INDEX; it may
 * be an index again. */
int index_choose(const struct image_index *index, const struct platform *wanted, const char *name,
                 const struct descriptor **found);

/* ---- writing ---- */

void descriptor_encode(const struct descriptor *descriptor, const char *key, struct json_writer *json);
void manifest_encode(const struct image_manifest *manifest, struct json_writer *json);
void index_encode(const struct image_index *index, struct json_writer *json);
/* The file oci-layout. */
void layout_encode(struct json_writer *json);
/* Reads it: -ENOTSUP with a sentence for another version than 1. */
int layout_decode(const char *text, size_t length, const char *name);
