/* An image and all that it is made of, as blobs: what a manifest names has to be there, of the size
 * that it says, and to be what it says. Both load and save go through here. */
#pragma once

#include "archive/blobs.h"
#include "spec/image_config.h"
#include "spec/manifest.h"

/* What was found below a manifest or an index. */
struct image_sum {
    uint64_t images; /* manifests of images */
    uint64_t absent; /* manifests that an index names and that are not there */
};

/* An image's manifest; everything is valid while the call lasts. */
typedef int image_visitor(const struct descriptor *descriptor,
                          const struct image_manifest *manifest, const struct image_config *config,
                          void *data);

/* Checks the image or index TOP, called NAME in messages, and marks as kept what it consists of.
 * EACH (or NULL) is called for each image's manifest. An index need not be complete: engines save
 * those manifests that they have; but each that is there is, and there is one at least. -ENOENT,
 * -EINVAL, … with a sentence. */
int image_check(struct blobs *blobs, const struct descriptor *top, const char *name,
                image_visitor *each, void *data, struct image_sum *sum);
