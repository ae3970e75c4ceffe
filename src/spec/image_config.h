/* Image configs, of OCI (image-spec 1.1, config.md) and of Docker, whose config has the same members and more: what an image
 * wants to be run like, and the diffIDs of its layers.
 *
 * Strict about kinds, digests and counts, as spec/manifest.h is. What a value is good for (whether a user exists, a path is
 * absolute) is judged by who runs the image: images are also listed, saved and pushed. All texts live in the caller's arena. */
#pragma once

#include "base/arena.h"
#include "spec/config.h"
#include "spec/manifest.h"
#include "spec/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Docker's. Times are nanoseconds; 0: not said. TEST is NULL-terminated: {"NONE"}, {"CMD", …} or {"CMD-SHELL", …}; an
 * empty one, or NULL, says nothing. */
struct healthcheck {
    char **test;
    uint64_t interval, timeout, start_period, start_interval;
    uint32_t retries;
};

struct image_history {
    const char *created, *created_by, *author, *comment; /* or NULL */
    bool empty_layer;
};

struct image_config {
    struct platform platform;   /* os and architecture are always there */
    const char *created;        /* RFC 3339, as it was written; or NULL */
    const char *author;         /* or NULL */

    /* "config": NULL, and lists NULL or NULL-terminated, where nothing is said */
    const char *user;           /* "", NAME, UID, NAME:GROUP, UID:GID … */
    const char *working_dir, *stop_signal;
    char **env, **entrypoint, **cmd, **shell;
    char **volumes;             /* paths, as they were written */
    char **exposed_ports;       /* "80/tcp", "80" */
    struct key_value *labels;
    size_t n_labels;
    struct healthcheck healthcheck;

    char **diff_ids;            /* valid digests (spec/digest.h), the lowest layer's first; NULL-terminated */
    size_t n_diff_ids;          /* at most LAYERS_MAX */
    struct image_history *history;
    size_t n_history;
};

/* Reads TEXT of LENGTH bytes (NUL behind it), called NAME in messages. 0, or -errno with a sentence: -EINVAL what is wrong,
 * with its JSON pointer; -EFBIG above DOCUMENT_MAX; -ENOTSUP above LAYERS_MAX. */
int image_config_decode(struct arena *arena, const char *text, size_t length, const char *name, struct image_config *config);

/* Whether CONFIG can be MANIFEST's: as many diffIDs as layers. -EINVAL with a sentence that begins with NAME. */
int image_config_fits(const struct image_config *config, const struct image_manifest *manifest, const char *name);

/* The chainIDs of the layers with these DIFF_IDS (NULL-terminated, valid; the lowest first), as image-spec config.md, "Layer
 * ChainID", defines them: the n-th names the n lowest layers together. NULL-terminated. */
char **image_config_chain(struct arena *arena, char *const *diff_ids);
