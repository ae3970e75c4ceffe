/* A blob may be mounted from another repository of the same registry where the store has an image of that name with the blob in it: it was
 * fetched from there, or sent there, or is only called so; the registry knows, and takes the blob where it does not. */
#include "image/push.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "image/program.h"

struct pushing {
    struct arena *arena;
    blob_listener *each;
    void *data;
    const char *digest;
};

static int hear(struct json_object *object, void *data)
{
    struct pushing *p = data;
    registry_hear(object, p->each, p->data);
    const char *digest = registry_digest_of(p->arena, object, "manifest");
    p->digest = digest ? digest : p->digest;
    return 0;
}

/* ---- what is sent ---- */

/* The manifest of IMAGE for PLATFORM, as an image. */
static int choose(const struct store *store, const struct image *image, const char *platform, struct image *chosen)
{
    struct platform wanted;
    struct content content;
    TRY(platform_parse(store->arena, platform, &wanted));
    TRY(content_read(store, image, &wanted, &content));
    if (!platform_serves(&content.config.platform, &wanted))
        return refuse(-ENOENT, "the image is for %s, not for %s", platform_text(store->arena, &content.config.platform), platform);
    *chosen = (struct image){.name = image->name, .digest = content.digest, .media_type = content.manifest.type->name};
    return 0;
}

/* ---- where blobs may be had ---- */

struct sources {
    const struct store *store;
    const char **blobs, **repositories; /* the latter NULL while none is known */
    size_t count;
};

/* Images of indexes are this host's, which are those that are here. What cannot be read is no source. */
static bool read_blobs(const struct store *store, const struct image *image, const char ***blobs, size_t *count)
{
    struct content content;
    *blobs = NULL;
    *count = 0;
    if (content_read(store, image, NULL, &content) < 0) {
        error_clear();
        return false;
    }
    *LIST_ADD(store->arena, blobs, count) = content.manifest.config.digest;
    for (size_t i = 0; i < content.manifest.n_layers; i++)
        *LIST_ADD(store->arena, blobs, count) = content.manifest.layers[i].digest;
    return true;
}

static void add_source(struct sources *sources, const struct image *image, const char *repository)
{
    const char **blobs;
    size_t count;
    if (!read_blobs(sources->store, image, &blobs, &count))
        return;
    for (size_t i = 0; i < sources->count; i++)
        for (size_t k = 0; k < count && !sources->repositories[i]; k++)
            if (text_equal(blobs[k], sources->blobs[i]))
                sources->repositories[i] = repository;
}

static int find_sources(const struct store *store, const struct image *image, const struct reference *to, struct registry_words *words)
{
    struct sources sources = {.store = store};
    struct image *images;
    size_t count;
    TRY(store_images(store, &images, &count));
    if (!read_blobs(store, image, &sources.blobs, &sources.count))
        return 0;
    sources.repositories = arena_alloc(store->arena, sources.count * sizeof *sources.repositories);
    for (size_t i = 0; i < count; i++) {
        struct reference name;
        bool named = images[i].name && reference_parse(store->arena, images[i].name, &name) == 0;
        error_clear(); /* other tools may have written names that are no references */
        if (named && text_equal(name.host, to->host) && !text_equal(name.repository, to->repository))
            add_source(&sources, &images[i], name.repository);
    }
    for (size_t i = 0; i < sources.count; i++)
        if (sources.repositories[i])
            registry_option(words, "--mount", arena_printf(store->arena, "%s=%s", sources.blobs[i], sources.repositories[i]));
    return 0;
}

/* ---- sending ---- */

int image_push(const struct store *store, const struct image *image, const struct push_request *request, blob_listener *each,
               void *data, const char **digest)
{
    struct registry_words words = {.arena = store->arena};
    struct pushing p = {.arena = store->arena, .each = each, .data = data};
    struct image sent = *image;
    auto_fd adding = store_hold(store, false, false); /* nothing is collected meanwhile */
    TRY(adding);
    if (request->platform)
        TRY(choose(store, image, request->platform, &sent));
    registry_word(&words, "push");
    registry_option(&words, "--reference", request->reference->text);
    registry_option(&words, "--image", sent.digest);
    registry_option(&words, "--type", *sent.media_type ? sent.media_type : NULL);
    registry_access_words(&words, &request->access, true);
    TRY(find_sources(store, &sent, request->reference, &words));
    TRY(program_run(store->arena,
                    &(struct program_call){.name = "bocal-registry", .words = words.list, .input = -1, .output = -1,
                                           .fds = &store->blobs, .n_fds = 1},
                    hear, &p));
    *digest = p.digest;
    return p.digest ? 0 : refuse(-EPROTO, "bocal-registry: it has not said what it has pushed");
}
