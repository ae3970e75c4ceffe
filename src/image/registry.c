/* It is not trusted: digests are checked, and what is no known event is passed over. */
#include "image/registry.h"

#include "base/json_tree.h"
#include "spec/digest.h"

void registry_word(struct registry_words *words, const char *word)
{
    *LIST_ADD(words->arena, &words->list, &words->count) = word;
    *LIST_ADD(words->arena, &words->list, &words->count) = NULL;
    words->count--;
}

void registry_option(struct registry_words *words, const char *name, const char *value)
{
    if (!value)
        return;
    registry_word(words, name);
    registry_word(words, value);
}

void registry_access_words(struct registry_words *words, const struct registry_access *access, bool network)
{
    registry_option(words, "--authfile", access->authfile);
    if (!network)
        return;
    registry_option(words, "--cert-dir", access->cert_dir);
    if (access->plain_http)
        registry_word(words, "--plain-http");
    if (access->no_verify)
        registry_word(words, "--tls-verify=false");
}

void registry_hear(struct json_object *object, blob_listener *each, void *data)
{
    const char *blob = json_text_of(object, "blob"), *state = json_text_of(object, "state"), *notice = json_text_of(object, "notice");
    if (notice && each)
        each(&(struct blob_event){.notice = notice}, data);
    if (digest_valid(blob) && state && each)
        each(&(struct blob_event){.digest = blob, .state = state, .size = json_number_of(object, "size"), .read = json_number_of(object, "read")},
             data);
}

const char *registry_digest_of(struct arena *arena, struct json_object *object, const char *key)
{
    const char *digest = json_text_of(object, key);
    return digest_valid(digest) ? arena_strdup(arena, digest) : NULL;
}
