/* First the documents, one after the other: what the reference names, and while that is an index the entry for the platform. They
 * are small, kept in memory, and verified before they are read. Then config and layers, several at once, the lowest first, for
 * bocal unpacks them in that order. A mirror that fails anywhere is left for the next place; what it has brought by then
 * stays, for digests say what it is. */
#include "registry/pull.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "registry/blob.h"
#include "registry/confine.h"
#include "registry/event.h"
#include "registry/origin.h"
#include "spec/image_config.h"
#include "spec/manifest.h"
#include "spec/reference.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { NESTING_MOST = 4 };

struct job {
    struct request request; /* first: what http_next() returns is its exchange */
    struct blob blob;
    bool running;
};

struct pull {
    struct arena *arena;
    const struct pull_options *options;
    struct reference reference;
    struct platform platform;
    struct http *http;
    struct origin *origins; /* mirrors, then the registry itself */
    size_t n_origins;
    int ingest, store;
    bool ours; /* what failed is this machine's, and not the origin's */
    const char *index;
    struct descriptor manifest;
    bool chosen; /* for its platform, which an index has vouched for */
};

/* ---- documents ---- */

struct document_text {
    const char *digest, *type;
    char *text;
    size_t size;
};

static bool read_local(struct pull *pull, const char *digest, struct document_text *document)
{
    const int places[] = {pull->ingest, pull->store};
    for (size_t i = 0; i < COUNT(places); i++)
        if (blob_read(places[i], digest, DOCUMENT_MAX, &document->text, &document->size) == 0)
            return true;
    error_clear(); /* then it is fetched */
    return false;
}

/* What the server says of the digest of what it sends: another algorithm's says nothing here. */
static int check_header(const struct http_answer *answer, const char *digest)
{
    if (!answer->digest || !digest_valid(answer->digest) || text_equal(answer->digest, digest))
        return 0;
    return refuse(-EPROTO, "the manifest: the server says %s, what came is %s", answer->digest, digest);
}

/* Takes over the body of REQUEST, which is to be WANTED (NULL: a tag, it can be any). */
static int accept_document(struct pull *pull, struct request *request, const struct descriptor *wanted,
                           struct document_text *document)
{
    char digest[BLOB_DIGEST_SIZE];
    struct http_exchange *exchange = &request->exchange;
    if (!exchange->size)
        return refuse(-EPROTO, "the manifest: nothing came");
    TRY(blob_digest(exchange->body, exchange->size, digest));
    if (wanted && wanted->size && wanted->size != exchange->size)
        return refuse(-EPROTO, "%s: the index has %llu bytes, %zu came", wanted->digest, (unsigned long long)wanted->size,
                      exchange->size);
    if (wanted && !text_equal(wanted->digest, digest))
        return refuse(-EPROTO, "%s: what came is %s", wanted->digest, digest);
    TRY(check_header(&exchange->answer, digest));
    document->digest = arena_strdup(pull->arena, digest);
    document->type = exchange->answer.type;
    document->size = exchange->size;
    document->text = take_ptr(&exchange->body);
    int r = blob_write(pull->ingest, digest, document->text, document->size);
    pull->ours = r < 0;
    return r;
}

/* WANTED, NULL for what the reference's tag names, from here or from ORIGIN. */
static int get_document(struct pull *pull, struct origin *origin, const struct descriptor *wanted,
                        struct document_text *document)
{
    if (wanted && read_local(pull, wanted->digest, document)) {
        document->digest = wanted->digest;
        event_blob(document->digest, "manifest", document->size, document->size, "exists");
        return 0;
    }
    struct request request = {
        .actions = "pull",
        .path = arena_printf(pull->arena, "manifests/%s", wanted ? wanted->digest : pull->reference.tag),
        .exchange = {.accept = MEDIA_ACCEPT, .most = DOCUMENT_MAX},
    };
    int r = origin_run(origin, &request);
    if (r == 0)
        r = accept_document(pull, &request, wanted, document);
    http_release(pull->http, &request.exchange);
    TRY(r);
    event_blob(document->digest, "manifest", document->size, document->size, "done");
    return 0;
}

/* From the reference to a manifest. */
static int get_manifest(struct pull *pull, struct origin *origin, struct image_manifest *manifest)
{
    const struct reference *reference = &pull->reference;
    const struct descriptor named = {.digest = reference->digest}, *wanted = reference->digest ? &named : NULL;
    struct image_document document;
    pull->index = NULL;
    pull->chosen = false;
    for (int depth = 0; depth < NESTING_MOST; depth++) {
        struct document_text text = {0};
        int r = get_document(pull, origin, wanted, &text);
        auto_free char *owned = text.text;
        TRY(r);
        const char *name = wanted && depth ? wanted->digest : "the manifest";
        const char *type = wanted && wanted->media_type ? wanted->media_type : text.type;
        document = (struct image_document){0};
        TRY(document_decode(pull->arena, owned, text.size, name, type, &document));
        if (document.kind == MEDIA_MANIFEST) {
            *manifest = document.manifest;
            pull->manifest = (struct descriptor){.media_type = document.manifest.type->name, .digest = text.digest,
                                                 .size = text.size};
            return 0;
        }
        pull->index = pull->index ? pull->index : text.digest;
        TRY(index_choose(&document.index, &pull->platform, "the index", &wanted));
        pull->chosen = wanted->platform.architecture;
    }
    return refuse(-ELOOP, "more than %d indexes, one in the other", NESTING_MOST);
}

/* ---- blobs ---- */

struct blobs {
    struct pull *pull;
    struct origin *origin;
    struct job *jobs;
    size_t count, next, running;
};

static void add_job(struct blobs *blobs, const struct descriptor *descriptor, const char *kind)
{
    for (size_t i = 0; i < blobs->count; i++)
        if (text_equal(blobs->jobs[i].blob.digest, descriptor->digest))
            return;
    struct job *job = &blobs->jobs[blobs->count++];
    job->blob = (struct blob){.ingest = blobs->pull->ingest, .digest = descriptor->digest, .size = descriptor->size,
                              .kind = kind, .fd = -1};
    job->request = (struct request){
        .path = arena_printf(blobs->pull->arena, "blobs/%s", descriptor->digest),
        .actions = "pull",
        .exchange = {.sink = &blob_sink, .data = &job->blob},
    };
}

static void close_job(struct blobs *blobs, struct job *job)
{
    if (!job->running)
        return;
    http_release(blobs->pull->http, &job->request.exchange);
    blobs->pull->ours = blobs->pull->ours || job->blob.ours;
    blob_close(&job->blob);
    job->running = false;
    blobs->running--;
}

/* Begins JOB, unless its blob is here already. */
static int begin_job(struct blobs *blobs, struct job *job)
{
    struct blob *blob = &job->blob;
    if (blob_is_left(blobs->pull->ingest, blob->digest, blob->size) ||
        blob_exists(blobs->pull->store, blob->digest, blob->size)) {
        event_blob(blob->digest, blob->kind, blob->size, blob->size, "exists");
        return 0;
    }
    job->running = true;
    blobs->running++;
    TRY(blob_open(blob));
    if (blob->size && blob->have == blob->size) { /* an earlier try was ended just before it was done */
        int r = blob_sink.end(blob);
        if (r == 0)
            close_job(blobs, job);
        if (r != -EAGAIN)
            return r;
    }
    return origin_begin(blobs->origin, &job->request);
}

/* An image that no index has for a platform says in its config what it is for: who asked for a platform gets that one, or nothing;
 * who did not is told. Once JOB, the config's, is through. */
static int check_config(struct pull *pull, const struct job *job)
{
    struct document_text document = {0};
    struct image_config config;
    bool there = read_local(pull, job->blob.digest, &document);
    auto_free char *owned = document.text;
    if (!there)
        return refuse(-EFBIG, "more than %d bytes", DOCUMENT_MAX);
    TRY(image_config_decode(pull->arena, owned, document.size, "the config", &config));
    if (pull->chosen || platform_serves(&config.platform, &pull->platform))
        return 0;
    const char *sentence = arena_printf(pull->arena, "the image is for %s, not for %s",
                                        platform_text(pull->arena, &config.platform),
                                        platform_text(pull->arena, &pull->platform));
    if (pull->options->platform)
        return refuse(-ENOENT, "%s", sentence);
    event_notice(NULL, sentence);
    return 0;
}

/* With manifest and config bocal can begin to unpack. A mirror that failed may have had another one. */
static void tell_chosen(const struct pull *pull)
{
    struct json_writer json = event_begin();
    json_put_string(&json, "chosen", pull->manifest.digest);
    event_end(&json);
}

/* JOB's blob is here. */
static int finish_job(struct blobs *blobs, struct job *job)
{
    close_job(blobs, job);
    if (job != blobs->jobs)
        return 0;
    TRY(check_config(blobs->pull, job));
    tell_chosen(blobs->pull);
    return 0;
}

static int step(struct blobs *blobs)
{
    while (blobs->next < blobs->count && blobs->running < (size_t)blobs->pull->options->parallel) {
        struct job *begun = &blobs->jobs[blobs->next++];
        TRY(begin_job(blobs, begun));
        if (!begun->running)
            TRY(finish_job(blobs, begun));
    }
    struct job *job = (struct job *)http_next(blobs->pull->http);
    if (!job)
        return 0;
    int r = origin_settle(blobs->origin, &job->request);
    if (r < 0)
        return because(r, "%s %s", job->blob.kind, job->blob.digest);
    return r == 0 ? finish_job(blobs, job) : 0;
}

static int get_blobs(struct pull *pull, struct origin *origin, const struct image_manifest *manifest)
{
    struct blobs blobs = {.pull = pull, .origin = origin};
    blobs.jobs = arena_alloc(pull->arena, (manifest->n_layers + 1) * sizeof *blobs.jobs);
    add_job(&blobs, &manifest->config, "config");
    for (size_t i = 0; i < manifest->n_layers; i++)
        add_job(&blobs, &manifest->layers[i], "layer");
    int r = 0;
    while (r == 0 && (blobs.running || blobs.next < blobs.count))
        r = step(&blobs);
    for (size_t i = 0; i < blobs.count; i++)
        close_job(&blobs, &blobs.jobs[i]);
    return r;
}

/* ---- places ---- */

static int pull_from(struct pull *pull, struct origin *origin)
{
    struct image_manifest manifest = {0};
    TRY(get_manifest(pull, origin, &manifest));
    return get_blobs(pull, origin, &manifest);
}

static int pull_from_any(struct pull *pull)
{
    for (size_t i = 0;; i++) {
        int r = pull_from(pull, &pull->origins[i]);
        if (r == 0 || pull->ours || i + 1 == pull->n_origins)
            return r < 0 ? because(r, "pull %s", pull->reference.text) : 0;
        char sentence[1200];
        snprintf(sentence, sizeof sentence, "the mirror %.100s is left: %.1000s", pull->origins[i].host, error_text());
        event_notice(NULL, sentence);
        error_clear();
    }
}

static bool is_plain(const struct pull_options *options, const char *host)
{
    for (size_t i = 0; i < options->plain_hosts.count; i++)
        if (text_equal(options->plain_hosts.words[i], host))
            return true;
    return false;
}

static int add_origin(struct pull *pull, const char *host, const char *prefix)
{
    const struct pull_options *options = pull->options;
    struct origin *origin = LIST_ADD(pull->arena, &pull->origins, &pull->n_origins);
    *origin = origin_of(pull->arena, pull->http, host,
                        arena_printf(pull->arena, "%s%s%s", prefix, *prefix ? "/" : "", pull->reference.repository),
                        options->plain_http || is_plain(options, host));
    return credentials_find(pull->arena, options->authfiles.words, options->authfiles.count, host, origin->repository,
                            &origin->auth.credentials);
}

/* HOST[:PORT][/PREFIX], checked by the grammar of references. */
static int add_mirror(struct pull *pull, const char *text)
{
    struct reference parsed;
    const char *word = arena_printf(pull->arena, "%s%sx", text, *text && text[strlen(text) - 1] == '/' ? "" : "/");
    if (reference_parse(pull->arena, word, &parsed) < 0 || parsed.kind != REFERENCE_NAME || !parsed.host) {
        error_clear();
        return refuse(-EINVAL, "--mirror %.200s: not HOST[:PORT][/PREFIX]", text);
    }
    size_t length = strlen(parsed.repository);
    const char *prefix = length > 1 ? arena_strndup(pull->arena, parsed.repository, length - 2) : "";
    return add_origin(pull, parsed.host, prefix);
}

static int read_reference(struct pull *pull)
{
    const char *word = pull->options->reference;
    if (!word)
        return refuse(-EINVAL, "pull: --reference is missing");
    TRY(reference_parse(pull->arena, word, &pull->reference));
    if (pull->reference.kind != REFERENCE_NAME || !pull->reference.host)
        return refuse(-EINVAL, "%.200s: a registry's host is missing in front", word);
    return pull->options->platform ? platform_parse(pull->arena, pull->options->platform, &pull->platform)
                                   : platform_host(pull->arena, &pull->platform);
}

static void print_result(const struct pull *pull)
{
    struct json_writer json = event_begin();
    json_put_string(&json, "manifest", pull->manifest.digest);
    json_put_string(&json, "mediaType", pull->manifest.media_type);
    json_put_u64(&json, "size", pull->manifest.size);
    if (pull->index)
        json_put_string(&json, "index", pull->index);
    event_end(&json);
}

/* What bocal has to know of a failure beside its sentence. */
static void tell_failure(int error)
{
    static const struct {
        int error;
        const char *what;
    } known[] = {{-EREMOTEIO, "unreachable"}, {-EBUSY, "unreachable"}, {-ENOSPC, "room"}, {-EDQUOT, "room"}};
    for (size_t i = 0; i < COUNT(known); i++)
        if (known[i].error == error) {
            struct json_writer json = event_begin();
            json_put_string(&json, "failure", known[i].what);
            event_end(&json);
        }
}

/* All that needs files; then the fences; then the network. */
static int prepare(struct pull *pull, struct http_options *http)
{
    TRY(read_reference(pull));
    if (pull->options->cert_dir)
        TRY(http_trust_read(pull->arena, pull->options->cert_dir, &http->trust));
    TRY(http_open(pull->arena, http, &pull->http));
    for (size_t i = 0; i < pull->options->mirrors.count; i++)
        TRY(add_mirror(pull, pull->options->mirrors.words[i]));
    TRY(add_origin(pull, pull->reference.host, ""));
    return confine_network(pull->ingest, pull->store, SIGKILL);
}

int pull_run(const struct pull_options *options, int ingest, int store)
{
    auto_arena arena = {0};
    struct pull pull = {.arena = &arena, .options = options, .ingest = ingest, .store = store};
    struct http_options http = {.insecure = options->insecure, .retries = (unsigned)options->retries,
                                .stall = (unsigned)options->stall, .notice = event_notice};
    int r = prepare(&pull, &http);
    if (r == 0)
        r = pull_from_any(&pull);
    if (pull.http)
        http_close(pull.http);
    if (r == 0)
        print_result(&pull);
    else
        tell_failure(r);
    return r;
}
