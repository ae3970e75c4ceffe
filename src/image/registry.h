/* Calls of bocal-registry: what all of them are told, and what they tell. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* How a registry is talked to. */
struct registry_access {
    const char *cert_dir, *authfile; /* or NULL */
    bool plain_http, no_verify;
};

/* Words of its command line, which grow in an arena. */
struct registry_words {
    struct arena *arena;
    const char **list; /* NULL-terminated */
    size_t count;
};

void registry_word(struct registry_words *words, const char *word);
/* NAME and VALUE, where there is a value. */
void registry_option(struct registry_words *words, const char *name, const char *value);
/* What ACCESS says, of the network as well where it is met. */
void registry_access_words(struct registry_words *words, const struct registry_access *access, bool network);

/* What happens: a blob has come as far as READ of its SIZE bytes; or a NOTICE for people, when nothing else is said. */
struct blob_event {
    const char *digest, *state; /* "downloading", "uploading", "exists", "mounted", "done", "unpacking", "unpacked" */
    uint64_t size, read;
    const char *notice;
};
typedef void blob_listener(const struct blob_event *event, void *data);

/* Hands what OBJECT tells of blobs, or notices, to EACH, which may be NULL. */
void registry_hear(struct json_object *object, blob_listener *each, void *data);

/* A valid digest that OBJECT has, in ARENA; or NULL. */
const char *registry_digest_of(struct arena *arena, struct json_object *object, const char *key);
