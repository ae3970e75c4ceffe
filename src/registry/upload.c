/* A machine of stages, one request each, and what an answer means is a function a stage. LOOK asks whether the registry has the blob; MOUNT
 * whether it takes it from another of its repositories; OPEN begins a session, whose address the registry chooses anew with
 * each answer. SEND is a part; SEAL ends the session with the digest, and carries the whole blob where that is no larger than a part.
 * What breaks off is waited for and then looked into: STATUS says how much has come, and LOOK, where it was SEAL, whether all is done.
 *
 * Registries differ in what they make of a session that has broken: whenever one is lost or makes no sense a new one is begun, a few times. */
#include "registry/upload.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "registry/blob.h"
#include "registry/event.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { ANEW_MOST = 3 };

static int enter(struct upload *upload, enum upload_stage stage);

static void tell(struct upload *upload, const char *state, uint64_t sent)
{
    upload->told = event_now_ms();
    event_blob(upload->digest, upload->kind, upload->size, sent, state);
}

static void on_told(void *data, uint64_t sent)
{
    struct upload *upload = data;
    if (event_now_ms() - upload->told >= EVENT_EVERY)
        tell(upload, "uploading", upload->have + sent);
}

/* ---- what is asked ---- */

static struct arena *arena_of(const struct upload *upload)
{
    return upload->origin->arena;
}

static void aim_look(struct upload *upload)
{
    upload->request.path = arena_printf(arena_of(upload), "blobs/%s", upload->digest);
}

static void aim_mount(struct upload *upload)
{
    upload->request.path = arena_printf(arena_of(upload), "blobs/uploads/?mount=%s&from=%s", http_escape(arena_of(upload), upload->digest),
                                        http_escape(arena_of(upload), upload->source));
    upload->request.also = arena_printf(arena_of(upload), "repository:%s:pull", upload->source);
}

static void aim_open(struct upload *upload)
{
    upload->request.path = "blobs/uploads/";
}

static void give(struct upload *upload, uint64_t size, bool ranged)
{
    const char *range = arena_printf(arena_of(upload), "%llu-%llu", (unsigned long long)upload->have,
                                     (unsigned long long)(upload->have + size - 1));
    upload->content = (struct http_content){.type = "application/octet-stream", .range = ranged ? range : NULL, .fd = upload->fd,
                                            .from = upload->have, .size = size, .told = on_told};
    upload->request.exchange.content = &upload->content;
}

static void aim_send(struct upload *upload)
{
    uint64_t left = upload->size - upload->have;
    give(upload, left < upload->part ? left : upload->part, true);
}

static void aim_seal(struct upload *upload)
{
    const char *url = upload->request.url;
    upload->request.url = arena_printf(arena_of(upload), "%s%cdigest=%s", url, strchr(url, '?') ? '&' : '?',
                                       http_escape(arena_of(upload), upload->digest));
    if (upload->have < upload->size)
        give(upload, upload->size - upload->have, false);
    upload->sealing = true;
}

/* ---- what is answered ---- */

static int done(struct upload *upload, const char *state)
{
    tell(upload, state, upload->size);
    upload->request.url = NULL; /* there is no session any more */
    return 0;
}

static int refused(struct upload *upload)
{
    return origin_refused(upload->origin, &upload->request.exchange);
}

static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

/* Sends what is missing: all at once where nothing is there and it is no more than a part, else a part. */
static int go_on(struct upload *upload)
{
    bool whole = upload->have == 0 && (upload->whole || upload->size <= upload->part);
    return enter(upload, whole || upload->have == upload->size ? UPLOAD_SEAL : UPLOAD_SEND);
}

/* Another session, if this was not tried too often. */
static int begin_anew(struct upload *upload)
{
    int status = upload->request.exchange.answer.status;
    if (upload->anew++ == ANEW_MOST)
        return is_success(status) || status == 404 || status == 416
                   ? refuse(-EPROTO, "%s: its answers to uploads make no sense", upload->origin->host)
                   : refused(upload);
    upload->have = 0;
    upload->sealing = false;
    return enter(upload, UPLOAD_OPEN);
}

/* The address of the session: relative to what was asked, or on another host. */
static int take_location(struct upload *upload)
{
    const struct http_answer *answer = &upload->request.exchange.answer;
    if (!answer->location)
        return upload->request.url ? 0 : refuse(-EPROTO, "%s: does not say where to upload to", upload->origin->host);
    upload->request.url = http_resolve(arena_of(upload), answer->url, answer->location);
    if (answer->chunk_least > upload->part)
        upload->part = answer->chunk_least;
    return upload->request.url ? 0 : -EPROTO;
}

/* "0-LAST", or "bytes=0-LAST": the last byte that has come. False: it says something else. */
static bool read_received(const struct upload *upload, uint64_t *last)
{
    const char *text = upload->request.exchange.answer.received;
    const char *rest = text ? text_after(text, "bytes=") : NULL;
    const char *digits = text ? text_after(rest ? rest : text, "0-") : NULL;
    return digits && text_to_u64(digits, INT64_MAX - 1, last) == 0;
}

/* Opens what is to be sent. */
static int open_blob(struct upload *upload)
{
    struct stat status;
    if (upload->fd >= 0)
        return 0;
    upload->fd = openat(upload->store, digest_hex(upload->digest), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (upload->fd < 0 && errno == ENOENT)
        return refuse(-ENOENT, "neither the store nor %s has it (pull or load the image again)", upload->origin->host);
    if (upload->fd < 0 || fstat(upload->fd, &status) < 0)
        return fail(-errno, "open it in the store");
    if (S_ISREG(status.st_mode) && (uint64_t)status.st_size == upload->size)
        return 0;
    return refuse(-EBADMSG, "the manifest has %llu bytes, the store %lld (bocal image verify)", (unsigned long long)upload->size,
                  (long long)status.st_size);
}

static int answer_look(struct upload *upload, const struct http_answer *answer)
{
    static const int errors[] = {401, 408, 429};
    if (is_success(answer->status) && (!answer->has_length || answer->length == upload->size))
        return done(upload, upload->sealing ? "done" : "exists");
    for (size_t i = 0; i < COUNT(errors); i++)
        if (answer->status == errors[i])
            return refused(upload);
    if (answer->status >= 500)
        return refused(upload);
    if (upload->sealing)
        return enter(upload, UPLOAD_STATUS);
    TRY(open_blob(upload));
    return enter(upload, upload->source ? UPLOAD_MOUNT : UPLOAD_OPEN);
}

/* Who does not mount begins a session, or knows no such request. */
static int answer_mount(struct upload *upload, const struct http_answer *answer)
{
    if (answer->status == 201)
        return done(upload, "mounted");
    if (answer->status != 202 || !answer->location)
        return enter(upload, UPLOAD_OPEN);
    TRY(take_location(upload));
    tell(upload, "uploading", 0);
    return go_on(upload);
}

static int answer_open(struct upload *upload, const struct http_answer *answer)
{
    if (!is_success(answer->status))
        return refused(upload);
    upload->request.url = NULL;
    TRY(take_location(upload));
    tell(upload, "uploading", 0);
    return go_on(upload);
}

static int answer_status(struct upload *upload, const struct http_answer *answer)
{
    uint64_t last = 0;
    if (!is_success(answer->status) || !read_received(upload, &last) || last >= upload->size)
        return begin_anew(upload);
    upload->have = last ? last + 1 : 0; /* "0-0" is one byte, and what many say of none: if it was one, the next part is not taken */
    upload->resumed = upload->resumed || upload->have;
    TRY(take_location(upload));
    return go_on(upload);
}

/* Who takes no parts gets all of it at once. */
static int without_parts(struct upload *upload)
{
    const struct http_answer *answer = &upload->request.exchange.answer;
    if (upload->whole || answer->status == 401 || answer->status == 403)
        return refused(upload);
    char sentence[400];
    snprintf(sentence, sizeof sentence, "%.200s: answers %d to a part of %.20s; it gets all at once", upload->origin->host, answer->status,
             upload->digest);
    event_notice(NULL, sentence);
    upload->whole = true;
    return begin_anew(upload);
}

/* What the registry takes next is not what it was given. */
static int ask_again(struct upload *upload)
{
    if (upload->anew == ANEW_MOST)
        return begin_anew(upload);
    upload->anew++;
    TRY(take_location(upload));
    return enter(upload, UPLOAD_STATUS);
}

static int answer_send(struct upload *upload, const struct http_answer *answer)
{
    uint64_t sent = upload->have + upload->content.size, last = sent - 1;
    if (answer->status == 416)
        return ask_again(upload);
    if (answer->status == 404 && (upload->have || !upload->anew))
        return begin_anew(upload);
    if (!is_success(answer->status))
        return without_parts(upload);
    if (answer->received && (!read_received(upload, &last) || last < upload->have || last >= sent))
        return begin_anew(upload);
    upload->have = last + 1;
    upload->resumed = true;
    TRY(take_location(upload));
    return go_on(upload);
}

/* Whose fault it is that the registry does not take it. */
static int check_blob(struct upload *upload)
{
    char digest[BLOB_DIGEST_SIZE];
    TRY(blob_digest_of(upload->fd, digest));
    return text_equal(digest, upload->digest) ? 0 : refuse(-EBADMSG, "what the store has is %s (bocal image verify)", digest);
}

static int answer_seal(struct upload *upload, const struct http_answer *answer)
{
    if (is_success(answer->status)) {
        bool other = digest_valid(answer->digest) && !text_equal(answer->digest, upload->digest);
        return other ? refuse(-EPROTO, "%s: has stored it as %s", upload->origin->host, answer->digest) : done(upload, "done");
    }
    if (answer->status == 404 || answer->status == 416)
        return ask_again(upload);
    if (answer->status == 400)
        TRY(check_blob(upload));
    return answer->status == 400 && upload->resumed && !upload->anew ? begin_anew(upload) : refused(upload);
}

/* ---- stages ---- */

static const struct {
    const char *method;
    bool at_session; /* asked where the registry has said */
    bool once;
    void (*aim)(struct upload *upload);
    int (*answer)(struct upload *upload, const struct http_answer *answer);
} stages[] = {
    [UPLOAD_LOOK] = {"HEAD", false, false, aim_look, answer_look},
    [UPLOAD_MOUNT] = {"POST", false, false, aim_mount, answer_mount},
    [UPLOAD_OPEN] = {"POST", false, false, aim_open, answer_open},
    [UPLOAD_STATUS] = {"GET", true, false, NULL, answer_status},
    [UPLOAD_SEND] = {"PATCH", true, true, aim_send, answer_send},
    [UPLOAD_SEAL] = {"PUT", true, true, aim_seal, answer_seal},
};

/* What the stage asks, into the request. The session's address stays for the stages to come. */
static int aim(struct upload *upload, enum upload_stage stage)
{
    struct request *request = &upload->request;
    const char *session = request->url;
    upload->stage = stage;
    request->also = NULL;
    request->exchange.content = NULL;
    request->exchange.method = stages[stage].method;
    request->exchange.once = stages[stage].once;
    if (stages[stage].aim)
        stages[stage].aim(upload);
    if (!stages[stage].at_session)
        request->url = NULL;
    int r = origin_aim(upload->origin, request);
    request->url = session;
    return r;
}

static int enter(struct upload *upload, enum upload_stage stage)
{
    TRY(aim(upload, stage));
    upload->request.refusals = 0;
    TRY(http_go_on(upload->origin->http, &upload->request.exchange));
    return 1;
}

/* It was broken off, or put off. */
static int recover(struct upload *upload)
{
    struct http_exchange *exchange = &upload->request.exchange;
    bool got_on = upload->have > upload->reached;
    upload->reached = got_on ? upload->have : upload->reached;
    int failed = exchange->result;
    TRY(aim(upload, upload->stage == UPLOAD_SEAL ? UPLOAD_LOOK : UPLOAD_STATUS));
    int r = http_try_again(upload->origin->http, exchange, got_on);
    if (r)
        return r;
    return failed < 0 ? failed : refused(upload);
}

int upload_begin(struct upload *upload)
{
    upload->fd = -1;
    upload->request.actions = "pull,push";
    upload->request.exchange.data = upload;
    TRY(aim(upload, UPLOAD_LOOK));
    return origin_begin(upload->origin, &upload->request);
}

int upload_settle(struct upload *upload)
{
    struct http_exchange *exchange = &upload->request.exchange;
    if (exchange->passing)
        return recover(upload);
    int r = origin_hear(upload->origin, &upload->request);
    return r ? r : stages[upload->stage].answer(upload, &exchange->answer);
}

/* Once: there is no time for more. Registries want another right for it than for pushing. */
int upload_take_back(struct upload *upload)
{
    const char *session = upload->request.url;
    http_release(upload->origin->http, &upload->request.exchange);
    if (!session)
        return 0;
    upload->request = (struct request){.url = session, .actions = "delete", .exchange = {.method = "DELETE", .once = true, .most = 64 << 10}};
    TRY(origin_begin(upload->origin, &upload->request));
    return 1;
}

void upload_close(struct upload *upload)
{
    http_release(upload->origin->http, &upload->request.exchange);
    cleanup_fd(&upload->fd);
    upload->fd = -1;
}
