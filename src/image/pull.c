/* Pulling: bocal-registry writes blobs into a directory of the ingest, each under its digest once it is verified, and skips those that
 * the store has. Those that are complete come into the store even when a later one fails, so that the next try has less to do;
 * nobody names them until all are there. */
#include "image/pull.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "image/add.h"
#include "image/program.h"

struct pulling {
    const struct store *store;
    blob_listener *each;
    void *data;
    const char *manifest, *index; /* valid digests, or NULL */
};

static int hear(struct json_object *object, void *data)
{
    struct pulling *p = data;
    registry_hear(object, p->each, p->data);
    if (json_object_object_get_ex(object, "manifest", NULL)) {
        p->manifest = registry_digest_of(p->store->arena, object, "manifest");
        p->index = registry_digest_of(p->store->arena, object, "index");
    }
    return 0;
}

static void hear_layer(const struct layer_event *event, void *data)
{
    const struct pulling *p = data;
    if (p->each)
        p->each(&(struct blob_event){.digest = event->digest, .state = event->done ? "unpacked" : "unpacking", .size = event->size,
                                     .read = event->read},
                p->data);
}

static int fetch(struct pulling *p, const struct pull_request *request, const struct ingest *ingest)
{
    struct registry_words words = {.arena = p->store->arena};
    registry_word(&words, "pull");
    registry_option(&words, "--reference", request->reference->text);
    registry_option(&words, "--platform", request->platform);
    registry_access_words(&words, &request->access, true);
    TRY(program_run(p->store->arena,
                    &(struct program_call){.name = "bocal-registry", .words = words.list, .input = -1, .output = -1,
                                           .fds = (int[]){ingest->fd, p->store->blobs}, .n_fds = 2},
                    hear, p));
    return p->manifest ? 0 : refuse(-EPROTO, "bocal-registry: it has not said what it has pulled");
}

/* Who asked for a platform has its manifest; else the name is the index's, which the registry's digest is of. */
static int describe(const struct pulling *p, const struct pull_request *request, struct image *image)
{
    struct image_document document;
    bool other = request->platform && request->reference->digest; /* which is the index's, and not what was asked for */
    *image = (struct image){.name = other ? NULL : request->reference->text};
    image->digest = p->index && !request->platform ? p->index : p->manifest;
    int size = content_document(p->store, image->digest, NULL, &document);
    TRY(size);
    image->size = (uint64_t)size;
    image->media_type = document.kind == MEDIA_MANIFEST ? document.manifest.type->name : document.index.type->name;
    return 0;
}

static int get_blobs(struct pulling *p, const struct pull_request *request)
{
    auto_ingest ingest = {.fd = -1};
    TRY(ingest_begin(p->store, "pull", &ingest));
    int r = fetch(p, request, &ingest);
    int kept = ingest_keep_blobs(&ingest);
    return r < 0 ? r : kept;
}

/* What was fetched of an image that cannot be unpacked is of no use to the next try. */
static int add(struct pulling *p, const struct pull_request *request, const struct layer_owners *owners, struct image *image)
{
    TRY(describe(p, request, image));
    TRY(image_unpack(p->store, image, owners, hear_layer, p));
    return store_name(p->store, &(struct naming){image->name, image}, 1);
}

int image_pull(const struct store *store, const struct pull_request *request, const struct layer_owners *owners,
               blob_listener *each, void *data, struct image *image)
{
    struct pulling p = {.store = store, .each = each, .data = data};
    auto_fd adding = store_hold(store, false, false);
    TRY(adding);
    TRY(ingest_sweep(store));
    TRY(get_blobs(&p, request));
    int r = add(&p, request, owners, image);
    if (r == 0)
        return 0;
    close(take_fd(&adding));
    return image_give_up(store, r);
}
