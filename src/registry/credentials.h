/* What Docker and Podman have written down about registries: `config.json` and `auth.json` have the same members. All is
 * looked up before the program confines itself, for afterwards neither files nor helpers are within reach. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct credentials {
    const char *user, *secret; /* NULL: none */
    const char *identity;      /* a refresh token (OAuth2), which stands in for the secret; or NULL */
    const char *from;          /* the file, or the helper, for sentences; NULL: nothing was found */
};

/* Finds what there is for HOST ("HOST" or "HOST:PORT") and REPOSITORY in FILES, in that order; without FILES in the
 * places where Podman and then Docker keep them. Within a file: the helper that credHelpers names for the host, then the
 * longest key of auths that HOST/REPOSITORY begins with, then the helper of credsStore. All texts live in ARENA; finding nothing is
 * success. -errno with a sentence for files and helpers that cannot be used: going on without would be another's name. */
int credentials_find(struct arena *arena, const char *const *files, size_t count, const char *host,
                     const char *repository, struct credentials *found);

/* A file where they may be, and whether it has to be there. */
struct credentials_place {
    const char *path;
    bool wanted;
};

/* Those that credentials_find() reads, in its order, in ARENA. */
void credentials_places(struct arena *arena, const char *const *files, size_t count, struct credentials_place **places, size_t *n);

/* The one that new credentials are written to: the first of FILES, or $REGISTRY_AUTH_FILE, or where Podman writes. */
const char *credentials_home(struct arena *arena, const char *const *files, size_t count);

/* Whether KEY of a file's auths stands for all of HOST, and not for a part of it. */
bool credentials_key_is(const char *key, const char *host);

/* The same program's store and erase. Erasing what is not there is success, and 0; else 1. */
int credentials_store(struct arena *arena, const char *name, const char *host, const char *user, const char *secret);
int credentials_erase(struct arena *arena, const char *name, const char *host);

/* Runs docker-credential-NAME get for HOST (its protocol: the host on standard input, JSON on standard output), at most
 * a minute. Found nothing: success with FOUND untouched. */
int credentials_ask(struct arena *arena, const char *name, const char *host, struct credentials *found);
