/* Pulling: bocal-registry writes blobs into a directory of the ingest, each under its digest once it is verified, and skips
 * those that the store has. As soon as it has manifest and config the layers are unpacked, each while it is downloaded (layers.h).
 * The blobs are synced and become the store's when all is done; nobody names them until then.
 *
 * The directory is that of the reference. So who pulls the same at the same time waits, and then finds all of it; and what was interrupted,
 * by a broken line or by SIGKILL, is gone on with: complete blobs are verified once more and stay, others are fetched from where they end. Where the
 * image cannot be unpacked, or the disk is full, nothing of it is kept.
 *
 * A blob of the store that has the right size is taken for the right one: it was verified and synced before it got its name. Where its layer
 * is unpacked, its digest is checked once more on the way; `image verify` does it for all. */
#include "image/pull.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/sha256.h"
#include "base/text.h"
#include "image/add.h"
#include "image/program.h"

/* A blob on its way: what bocal-registry has told last. */
struct arrival {
    const char *digest;
    uint64_t have;
    bool whole;
};

struct pulling {
    const struct store *store;
    const struct pull_request *request;
    const struct layer_owners *owners;
    blob_listener *each;
    void *data;
    struct program program;
    struct arrival *arrivals;
    size_t n_arrivals;
    const char *chosen;           /* the manifest that is fetched now; valid digests, or NULL */
    const char *manifest, *index; /* what was fetched in the end */
    bool fetch_failed, unreachable, no_room;
    bool unpacked, left;          /* a layer; and blobs for the next */
};

static void cleanup_pulling(struct pulling *p)
{
    program_end(&p->program);
}

/* ---- what bocal-registry tells ---- */

static struct arrival *find_arrival(const struct pulling *p, const char *digest)
{
    for (size_t i = 0; i < p->n_arrivals; i++)
        if (text_equal(p->arrivals[i].digest, digest))
            return &p->arrivals[i];
    return NULL;
}

static void note_blob(struct pulling *p, const char *digest, const char *state, uint64_t read)
{
    struct arrival *arrival = find_arrival(p, digest);
    if (!arrival) {
        arrival = LIST_ADD(p->store->arena, &p->arrivals, &p->n_arrivals);
        arrival->digest = arena_strdup(p->store->arena, digest);
    }
    arrival->have = read;
    arrival->whole = !text_equal(state, "downloading");
}

static void hear_failure(struct pulling *p, const char *what)
{
    p->unreachable = text_equal(what, "unreachable");
    p->no_room = text_equal(what, "room");
}

static int hear(struct json_object *object, void *data)
{
    struct pulling *p = data;
    const char *blob = json_text_of(object, "blob"), *state = json_text_of(object, "state");
    if (digest_valid(blob) && state)
        note_blob(p, blob, state, json_number_of(object, "read"));
    registry_hear(object, p->each, p->data);
    if (json_object_object_get_ex(object, "chosen", NULL))
        p->chosen = registry_digest_of(p->store->arena, object, "chosen");
    if (json_object_object_get_ex(object, "failure", NULL))
        hear_failure(p, json_text_of(object, "failure"));
    if (json_object_object_get_ex(object, "manifest", NULL)) {
        p->manifest = registry_digest_of(p->store->arena, object, "manifest");
        p->index = registry_digest_of(p->store->arena, object, "index");
    }
    return 0;
}

/* Of a layer that is unpacked while it is downloaded the latter is told, so that each does one thing after the other. */
static void hear_layer(const struct layer_event *event, void *data)
{
    struct pulling *p = data;
    const struct arrival *arrival = find_arrival(p, event->digest);
    p->unpacked = p->unpacked || event->done;
    if (p->each && (!arrival || arrival->whole))
        p->each(&(struct blob_event){.digest = event->digest, .state = event->done ? "unpacked" : "unpacking", .size = event->size,
                                     .read = event->read},
                p->data);
}

/* ---- fetching ---- */

static const char **words_for(struct arena *arena, const struct pull_request *request)
{
    struct registry_words words = {.arena = arena};
    const struct {
        const char *option;
        char *const *values;
    } lists[] = {{"--mirror", request->mirrors}, {"--plain-host", request->plain_hosts}};
    registry_word(&words, "pull");
    registry_option(&words, "--reference", request->reference->text);
    registry_option(&words, "--platform", request->platform);
    for (size_t i = 0; i < COUNT(lists); i++)
        for (char *const *value = lists[i].values; value && *value; value++)
            registry_option(&words, lists[i].option, *value);
    registry_access_words(&words, &request->access, true);
    return words.list;
}

static int begin_fetching(struct pulling *p)
{
    struct arena *arena = p->store->arena;
    return program_start(arena,
                         &(struct program_call){.name = "bocal-registry", .words = words_for(arena, p->request), .input = -1, .output = -1,
                                                .fds = (int[]){p->store->incoming->fd, p->store->blobs}, .n_fds = 2},
                         &p->program);
}

/* Whatever it has to tell by now. -EAGAIN without a sentence: another mirror has another image. */
static int go_on(void *data)
{
    struct pulling *p = data;
    const char *before = p->chosen;
    int r = p->program.pid > 0 ? program_read(&p->program, hear, p) : 0;
    p->fetch_failed = p->fetch_failed || r < 0;
    TRY(r);
    if (r == 1 && !(p->manifest && text_equal(p->manifest, p->chosen)))
        return refuse(-EPROTO, "bocal-registry: it has not said what it has pulled");
    return before && !text_equal(before, p->chosen) ? -EAGAIN : 0;
}

static uint64_t have(const char *digest, uint64_t size, void *data)
{
    const struct pulling *p = data;
    const struct arrival *arrival = find_arrival(p, digest);
    if ((arrival && arrival->whole) || !p->program.pid)
        return size;
    return !arrival ? 0 : arrival->have < size ? arrival->have : size ? size - 1 : 0;
}

static int receive(struct pulling *p)
{
    struct content content;
    const struct layer_supply supply = {.program = &p->program, .go_on = go_on, .have = have, .data = p};
    TRY(content_read(p->store, &(struct image){.name = p->request->reference->text, .digest = p->chosen}, NULL, &content));
    return layers_receive(p->store, &content, p->owners, &supply, hear_layer, p);
}

static int fetch(struct pulling *p)
{
    int r = begin_fetching(p);
    while (r == 0 && !p->chosen && p->program.pid > 0) {
        r = program_poll(&(struct program *){&p->program}, 1, -1);
        if (r == 0)
            r = go_on(p);
    }
    if (r == 0)
        r = receive(p);
    while (r == -EAGAIN && !*error_text())
        r = receive(p);
    return r;
}

/* ---- one image ---- */

/* Who asked for a platform has its manifest; else the name is the index's, which the registry's digest is of. */
static int describe(const struct pulling *p, struct image *image)
{
    const struct pull_request *request = p->request;
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

static int begin(const struct pulling *p, struct ingest *ingest)
{
    char key[SHA256_HEX_SIZE];
    const struct pull_request *request = p->request;
    const char *text = arena_printf(p->store->arena, "%s %s", request->reference->text, request->platform ? request->platform : "");
    sha256_hex(text, strlen(text), key);
    int r = ingest_resume(p->store, "pull", key, false, ingest);
    if (r != -EBUSY)
        return r;
    if (p->each)
        p->each(&(struct blob_event){.notice = arena_printf(p->store->arena, "another bocal is pulling %s: waiting for it", request->reference->text)},
                p->data);
    return ingest_resume(p->store, "pull", key, true, ingest);
}

static int pull(struct pulling *p, struct image *image)
{
    auto_ingest ingest = {.fd = -1};
    struct store with = *p->store;
    const struct store *store = p->store;
    TRY(begin(p, &ingest));
    with.incoming = &ingest;
    p->store = &with;
    int r = fetch(p);
    p->store = store;
    program_end(&p->program);
    if (r < 0 && p->fetch_failed && !p->no_room)
        p->left = ingest_leave(&ingest);
    TRY(r);
    TRY(ingest_keep_blobs(&ingest));
    TRY(describe(p, image));
    TRY(image_unpack(store, image, p->owners, hear_layer, p)); /* they are there, unless somebody has just removed one */
    return store_name(store, &(struct naming){image->name, image}, 1);
}

/* What the name means here, where the registry is not to be reached. */
static int make_do(const struct pulling *p, int r, struct image *image)
{
    struct image *images;
    size_t count;
    const char *reason = arena_strdup(p->store->arena, error_text());
    if (!p->request->newer || !p->unreachable || store_images(p->store, &images, &count) < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        if (text_equal(images[i].name, p->request->reference->text)) {
            *image = images[i];
            error_clear();
            if (p->each)
                p->each(&(struct blob_event){.notice = arena_printf(p->store->arena, "%s: taking the image that is here", reason)}, p->data);
            return 0;
        }
    return r;
}

int image_pull(const struct store *store, const struct pull_request *request, const struct layer_owners *owners,
               blob_listener *each, void *data, struct image *image)
{
    __attribute__((cleanup(cleanup_pulling))) struct pulling p = {.store = store, .request = request, .owners = owners, .each = each,
                                                                  .data = data, .program = {.out = -1, .err = -1}};
    auto_fd adding = store_hold(store, false, false);
    TRY(adding);
    TRY(ingest_sweep(store));
    int r = pull(&p, image);
    bool once_more = r < 0 && p.fetch_failed && !p.no_room;
    if (once_more)
        r = make_do(&p, r, image);
    if (r == 0 || (once_more && (p.left || !p.unpacked))) /* what was unpacked is for the next as well */
        return r;
    close(take_fd(&adding));
    return image_give_up(store, r);
}
