/* First the image is read, all of it that is here: documents, from the top down. Then blobs go up, several at once, and then the
 * documents, from the bottom up, for registries take none that names what they do not have. The last has the name.
 *
 * Of an index the store has but those images that were fetched. It is pushed as it is where the registry has the rest; else,
 * where one image is here, that goes alone and takes the name, and people are told: an index is never rewritten, for its digest would not be
 * the one that it was fetched by. */
#include "registry/push.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "registry/blob.h"
#include "registry/confine.h"
#include "registry/event.h"
#include "registry/interrupt.h"
#include "registry/trust.h"
#include "registry/upload.h"
#include "spec/manifest.h"
#include "spec/reference.h"

#include <signal.h>
#include <stdio.h>

enum { NESTING_MOST = 4, TAKE_BACK_MS = 5000 };

struct push_document {
    const char *digest, *type, *text;
    size_t size;
    bool index;
};

struct push {
    struct arena *arena;
    const struct push_options *options;
    struct reference reference;
    struct http *http;
    struct origin origin;
    int store;
    struct push_document *documents; /* who is named by another is before it; the last has the name */
    size_t n_documents;
    struct descriptor *missing;      /* of indexes, and not here */
    size_t n_missing;
    struct upload *uploads;
    size_t n_uploads, next, running;
};

/* ---- what is here ---- */

static const char *source_of(const struct push *push, const char *digest)
{
    const struct word_list *mounts = &push->options->mounts;
    for (size_t i = 0; i < mounts->count; i++) {
        const char *rest = text_after(mounts->words[i], digest);
        if (rest && *rest == '=')
            return rest + 1;
    }
    return NULL;
}

static void add_blob(struct push *push, const struct descriptor *descriptor, const char *kind)
{
    for (size_t i = 0; i < push->n_uploads; i++)
        if (text_equal(push->uploads[i].digest, descriptor->digest))
            return;
    *LIST_ADD(push->arena, &push->uploads, &push->n_uploads) = (struct upload){
        .origin = &push->origin,
        .store = push->store,
        .digest = descriptor->digest,
        .kind = kind,
        .size = descriptor->size,
        .source = source_of(push, descriptor->digest),
        .part = (uint64_t)push->options->part << 20,
        .fd = -1,
    };
}

/* Layers that registries may not have stay where their urls are. */
static void add_manifest(struct push *push, const struct image_manifest *manifest)
{
    add_blob(push, &manifest->config, "config");
    for (size_t i = 0; i < manifest->n_layers; i++) {
        const struct descriptor *layer = &manifest->layers[i];
        if (layer->type->foreign && layer->urls && *layer->urls)
            event_notice(NULL, arena_printf(push->arena, "layer %s is not pushed: it is to be had from %.200s only", layer->digest,
                                            layer->urls[0]));
        else
            add_blob(push, layer, "layer");
    }
}

static int add_document(struct push *push, const char *digest, const char *type, int depth);

static int add_index(struct push *push, const struct image_index *index, int depth)
{
    for (size_t i = 0; i < index->n_manifests; i++) {
        const struct descriptor *entry = &index->manifests[i];
        if (blob_exists(push->store, entry->digest, entry->size))
            TRY(add_document(push, entry->digest, entry->media_type, depth + 1));
        else
            *LIST_ADD(push->arena, &push->missing, &push->n_missing) = *entry;
    }
    return 0;
}

static int add_document(struct push *push, const char *digest, const char *type, int depth)
{
    struct push_document document = {.digest = digest};
    struct image_document read;
    char *text = NULL;
    if (depth == NESTING_MOST)
        return refuse(-ELOOP, "more than %d indexes, one in the other", NESTING_MOST);
    for (size_t i = 0; i < push->n_documents; i++)
        if (text_equal(push->documents[i].digest, digest))
            return 0;
    int r = blob_read(push->store, digest, DOCUMENT_MAX, &text, &document.size);
    auto_free char *owned = text;
    if (r < 0)
        return refuse(r, "%s is not in the store, or is damaged (bocal image verify)", digest);
    document.text = arena_strndup(push->arena, owned, document.size);
    TRY(document_decode(push->arena, document.text, document.size, digest, type, &read));
    document.index = read.kind == MEDIA_INDEX;
    document.type = document.index ? read.index.type->name : read.manifest.type->name;
    if (document.index)
        TRY(add_index(push, &read.index, depth));
    else
        add_manifest(push, &read.manifest);
    *LIST_ADD(push->arena, &push->documents, &push->n_documents) = document;
    return 0;
}

/* ---- documents ---- */

static int run_request(struct push *push, struct request *request, int *status)
{
    int r;
    TRY(origin_begin(&push->origin, request));
    do {
        http_wait(push->http, &request->exchange);
        r = origin_hear(&push->origin, request);
    } while (r == 1);
    *status = request->exchange.answer.status;
    return r;
}

/* 1 when the registry has the document, 0 when it has not. */
static int has_document(struct push *push, const char *digest)
{
    struct request request = {.actions = "pull,push", .path = arena_printf(push->arena, "manifests/%s", digest),
                              .exchange = {.method = "HEAD", .accept = MEDIA_ACCEPT}};
    int status = 0;
    int r = run_request(push, &request, &status);
    if (r == 0 && (status == 401 || status >= 500))
        r = origin_refused(&push->origin, &request.exchange);
    http_release(push->http, &request.exchange);
    TRY(r);
    return status == 200;
}

static int put_document(struct push *push, const struct push_document *document, const char *name)
{
    const struct http_content content = {.type = document->type, .text = document->text, .size = document->size};
    struct request request = {.actions = "pull,push", .path = arena_printf(push->arena, "manifests/%s", name),
                              .exchange = {.method = "PUT", .content = &content, .most = 64 << 10}};
    int status = 0;
    int r = run_request(push, &request, &status);
    const char *stored = request.exchange.answer.digest;
    if (r == 0 && (status < 200 || status > 299))
        r = origin_refused(&push->origin, &request.exchange);
    else if (r == 0 && digest_valid(stored) && !text_equal(stored, document->digest))
        r = refuse(-EPROTO, "%s: has stored it as %s", push->origin.host, stored);
    http_release(push->http, &request.exchange);
    if (r < 0)
        return because(r, "%s %s", document->index ? "index" : "manifest", document->digest);
    event_blob(document->digest, document->index ? "index" : "manifest", document->size, document->size, "done");
    return 0;
}

static const struct push_document *top_of(const struct push *push)
{
    return &push->documents[push->n_documents - 1];
}

/* By their digests, the one that has the name by that. */
static int put_documents(struct push *push)
{
    const struct reference *reference = &push->reference;
    for (size_t i = 0; i + 1 < push->n_documents; i++)
        TRY(put_document(push, &push->documents[i], push->documents[i].digest));
    return put_document(push, top_of(push), reference->digest ? reference->digest : reference->tag);
}

/* The only manifest that is here, or NULL where there are several. */
static const struct push_document *only_manifest(const struct push *push)
{
    const struct push_document *only = NULL;
    for (size_t i = 0; i < push->n_documents; i++) {
        if (!push->documents[i].index && only)
            return NULL;
        only = push->documents[i].index ? only : &push->documents[i];
    }
    return only;
}

static int push_alone(struct push *push, const struct push_document *alone)
{
    if (!alone || push->reference.digest)
        return refuse(-ENOENT, "%zu images of its index are not here, and %s/%s has them not either (--platform OS/ARCH pushes one alone)",
                      push->n_missing, push->origin.host, push->origin.repository);
    event_notice(NULL, arena_printf(push->arena, "of the index %s one image is here, and is pushed alone: %s",
                                    top_of(push)->digest, alone->digest));
    push->documents[0] = *alone;
    push->n_documents = 1;
    return 0;
}

/* What of its indexes is not here has to be there. */
static int settle_missing(struct push *push)
{
    for (size_t i = 0; i < push->n_missing; i++) {
        int there = has_document(push, push->missing[i].digest);
        TRY(there);
        if (!there)
            return push_alone(push, only_manifest(push));
    }
    return 0;
}

/* ---- blobs ---- */

/* The first answer tells how the registry is talked to; until then one is asked at a time. */
static int step(struct push *push)
{
    while (push->next < push->n_uploads && push->running < (push->origin.answered ? (size_t)push->options->parallel : 1)) {
        push->running++;
        TRY(upload_begin(&push->uploads[push->next++]));
    }
    struct upload *upload = (struct upload *)http_next(push->http);
    if (!upload)
        return 0;
    int r = upload_settle(upload);
    if (r < 0)
        return because(r, "%s %s", upload->kind, upload->digest);
    if (r == 0) {
        upload_close(upload);
        push->running--;
    }
    return 0;
}

/* Sessions that have no end are kept by registries, with all that has come, for a week and longer. What cannot be taken back in time is
 * theirs to find; the failure R before it is what people are told. */
static int take_back(struct push *push, int r)
{
    const char *sentence = arena_strdup(push->arena, error_text());
    struct upload *upload;
    for (size_t i = 0; i < push->next; i++) {
        error_clear();
        (void)upload_take_back(&push->uploads[i]);
    }
    int64_t until = event_now_ms() + TAKE_BACK_MS;
    while ((upload = (struct upload *)http_next_by(push->http, until))) {
        error_clear();
        (void)origin_hear(&push->origin, &upload->request);
    }
    error_clear();
    return refuse(r, "%s", sentence);
}

static int put_blobs(struct push *push)
{
    int r = 0;
    while (r == 0 && (push->running || push->next < push->n_uploads))
        r = step(push);
    if (r < 0)
        r = take_back(push, r);
    for (size_t i = 0; i < push->next; i++)
        upload_close(&push->uploads[i]);
    return r;
}

/* ---- the whole ---- */

static int read_reference(struct push *push)
{
    const struct push_options *options = push->options;
    if (!options->reference || !digest_valid(options->image))
        return refuse(-EINVAL, "push: --reference and --image sha256:… are needed");
    TRY(reference_parse(push->arena, options->reference, &push->reference));
    if (push->reference.kind != REFERENCE_NAME || !push->reference.host)
        return refuse(-EINVAL, "%.200s: a registry's host is missing in front", options->reference);
    if (push->reference.digest && !text_equal(push->reference.digest, options->image))
        return refuse(-EINVAL, "%.200s: the image is %s", options->reference, options->image);
    return 0;
}

/* All that needs files; then the fences; then the network. */
static int prepare(struct push *push, struct http_options *http)
{
    TRY(read_reference(push));
    if (push->options->cert_dir)
        TRY(http_trust_read(push->arena, push->options->cert_dir, &http->trust));
    TRY(http_open(push->arena, http, &push->http));
    push->origin = origin_of(push->arena, push->http, push->reference.host, push->reference.repository, push->options->plain_http);
    TRY(credentials_find(push->arena, push->options->authfiles.words, push->options->authfiles.count, push->reference.host,
                         push->reference.repository, &push->origin.auth.credentials));
    http->interrupt = interrupt_open();
    TRY(http->interrupt);
    TRY(confine_network(-1, push->store, SIGTERM));
    return add_document(push, push->options->image, push->options->type, 0);
}

static void print_result(const struct push *push)
{
    struct json_writer json = event_begin();
    json_put_string(&json, "manifest", top_of(push)->digest);
    json_put_string(&json, "mediaType", top_of(push)->type);
    json_put_u64(&json, "size", top_of(push)->size);
    event_end(&json);
}

int push_run(const struct push_options *options, int store)
{
    auto_arena arena = {0};
    struct push push = {.arena = &arena, .options = options, .store = store};
    struct http_options http = {.insecure = options->insecure, .retries = (unsigned)options->retries,
                                .stall = (unsigned)options->stall, .notice = event_notice};
    int r = prepare(&push, &http);
    if (r == 0)
        r = settle_missing(&push);
    if (r == 0)
        r = put_blobs(&push);
    if (r == 0)
        r = put_documents(&push);
    if (push.http)
        http_close(push.http);
    if (r < 0)
        return push.reference.text ? because(r, "push %s", push.reference.text) : r;
    print_result(&push);
    return 0;
}
