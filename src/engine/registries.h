/* What the configuration says of registries and of what comes from them: /etc/bocal/config.json, and before it a user's $XDG_CONFIG_HOME/bocal/config.json.
 *
 *     {"registries": ["registry.example/library"], "insecureRegistries": ["localhost:5000"],
 *      "mirrors": {"registry.example": ["mirror.example:5000/cache"]},
 *      "unpackLimit": 137438953472, "unpackRatio": 5000, "unpackEntries": 5000000}
 *
 * No registry is known without it: a name without a host is nobody's then. */
#pragma once

#include "image/layers.h"
#include "spec/reference.h"

struct registries {
    const char *file;   /* that it was read from; NULL: none */
    char **search;      /* what may stand before a short name; the first is the default */
    char **insecure;    /* hosts that are asked without TLS */
    struct layer_limits limits;
    struct mirrors {
        const char *host;
        char **places;  /* HOST[:PORT][/PREFIX], asked before HOST, in this order */
    } *mirrors;
    size_t n_mirrors;
};

/* -errno with a sentence where a file is there and wrong. */
int registries_read(struct arena *arena, struct registries *registries);

/* NAME with its host, or what the configuration puts before it, into FULL. -ENOENT with a sentence that has the remedy. */
int registries_complete(struct arena *arena, const struct registries *registries, const struct reference *name, struct reference *full);

/* Where images of HOST are asked for before it, NULL-terminated; NULL: nowhere. */
char **registries_mirrors(const struct registries *registries, const char *host);

/* Whether HOST may be asked without TLS. */
bool registries_insecure(const struct registries *registries, const char *host);

/* The host that WORD names, "HOST" or "HOST:PORT", as references have it, into *HOST; an address ("https://HOST/v2/"), as people paste it, too. */
int registries_host(struct arena *arena, const char *word, const char **host);
