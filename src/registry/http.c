/* An attempt is what runs for an exchange: waiting for its time, running in libcurl, or ended. libcurl calls back with
 * headers and bytes while it runs; settle() decides when it is through: follow a redirect, wait and try again, or end. A
 * retry begins at the exchange's own address, for what redirects lead to expires.
 *
 * A body that is sent begins anew with each try and each redirect, of which only those that keep the method (307, 308) are followed.
 *
 * A head may have 256 KiB, the body of an answer that is no success counts up to 64 KiB and is not awaited any further. */
#include "registry/attempt.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <sys/random.h>

enum {
    HEAD_MOST = 256 << 10,
    FAILURE_MOST = 64 << 10,
    HOPS_MOST = 10,
    WAIT_FIRST = 250, /* ms; doubled with each try, up to WAIT_LAST */
    WAIT_LAST = 30000,
    WAIT_SECONDS_MOST = 120, /* of Retry-After: longer, and people are told instead */
    GOT_ON = 1 << 20,        /* bytes after which the tries are counted anew */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *host_of(const struct http_attempt *attempt)
{
    return http_host(attempt->http->arena, attempt->url);
}

static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

/* ---- the head of an answer ---- */

/* libcurl calls for each line of each head, also of those before the last (100, redirects of a proxy), and for trailers. */
static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
    struct http_attempt *attempt = data;
    struct http_exchange *exchange = attempt->exchange;
    size *= count;
    attempt->head += size;
    if (attempt->head > HEAD_MOST) {
        exchange->result = refuse(-EPROTO, "%s: a header without end", host_of(attempt));
        return 0;
    }
    if (attempt->began)
        return size;
    char *line = arena_strndup(attempt->http->arena, bytes, size);
    if (text_after(line, "HTTP/"))
        exchange->answer = (struct http_answer){.retry_after = -1};
    else
        http_answer_note(attempt->http->arena, &exchange->answer, line);
    return size;
}

static int check_range(struct http_attempt *attempt)
{
    const struct http_answer *answer = &attempt->exchange->answer;
    if (answer->status != 206)
        return 0;
    if (!attempt->from || !answer->has_range || answer->range.first != attempt->from)
        return refuse(-EPROTO, "%s: sends another part than it was asked for", host_of(attempt));
    return 0;
}

/* The head is complete. */
static int begin_body(struct http_attempt *attempt)
{
    struct http_exchange *exchange = attempt->exchange;
    struct http_answer *answer = &exchange->answer;
    long status = 0;
    curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
    attempt->began = true;
    answer->status = (int)status;
    answer->url = attempt->url;
    if (attempt->stranger)
        answer->challenge_count = 0; /* our credentials are none of its business */
    if (!is_success(answer->status))
        return 0;
    if (answer->encoding)
        return refuse(-EPROTO, "%s: sends content-encoding %.40s, which was not asked for", host_of(attempt),
                      answer->encoding);
    TRY(check_range(attempt));
    attempt->tag = answer->tag;
    if (exchange->sink)
        return exchange->sink->begin(exchange->data, answer);
    return 0;
}

/* ---- the body ---- */

static int keep(struct http_attempt *attempt, const char *bytes, size_t size)
{
    struct http_exchange *exchange = attempt->exchange;
    bool success = is_success(exchange->answer.status);
    size_t most = success ? exchange->most : FAILURE_MOST;
    if (size > most - exchange->size) {
        attempt->enough = !success;
        return success ? refuse(-EFBIG, "%s: sends more than %zu bytes", host_of(attempt), most) : -ENOSPC;
    }
    char *grown = realloc(exchange->body, exchange->size + size + 1);
    if (!grown)
        return fail(-ENOMEM, "%s", host_of(attempt));
    exchange->body = grown;
    memcpy(grown + exchange->size, bytes, size);
    exchange->size += size;
    grown[exchange->size] = '\0';
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct http_attempt *attempt = data;
    struct http_exchange *exchange = attempt->exchange;
    size *= count;
    int r = attempt->began ? 0 : begin_body(attempt);
    if (r == 0)
        r = exchange->sink && is_success(exchange->answer.status) ? exchange->sink->take(exchange->data, bytes, size)
                                                                   : keep(attempt, bytes, size);
    if (r < 0 && !attempt->enough)
        exchange->result = r;
    return r < 0 ? 0 : size;
}

/* ---- asking ---- */

static void end(struct http_attempt *attempt, int result)
{
    attempt->state = ENDED;
    attempt->exchange->result = result;
}

/* Hands the attempt to libcurl. */
static void start(struct http_attempt *attempt)
{
    struct http_exchange *exchange = attempt->exchange;
    cleanup_free(&exchange->body);
    exchange->body = NULL;
    exchange->size = 0;
    exchange->result = 0;
    exchange->answer = (struct http_answer){.retry_after = -1};
    exchange->passing = false;
    attempt->began = attempt->enough = false;
    attempt->head = 0;
    attempt->error[0] = '\0';
    attempt->state = RUNNING;
    curl_easy_reset(attempt->easy);
    attempt_compose(attempt);
    curl_easy_setopt(attempt->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(attempt->easy, CURLOPT_WRITEDATA, attempt);
    curl_easy_setopt(attempt->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(attempt->easy, CURLOPT_HEADERDATA, attempt);
    if (curl_multi_add_handle(attempt->http->multi, attempt->easy) != CURLM_OK)
        end(attempt, fail(-ENOMEM, "%s", host_of(attempt)));
}

/* From the exchange's own address. */
static void start_anew(struct http_attempt *attempt)
{
    attempt->url = attempt->exchange->url;
    attempt->stranger = false;
    attempt->hops = 0;
    start(attempt);
}

/* ---- deciding ---- */

/* SECONDS of Retry-After, or what doubles with each try; either way not all of us at the same moment. */
static int64_t delay(const struct http_attempt *attempt, int64_t seconds)
{
    unsigned short random = 0;
    (void)!getrandom(&random, sizeof random, 0);
    int64_t most = WAIT_LAST;
    int64_t wait = attempt->tries < 8 ? (int64_t)WAIT_FIRST << attempt->tries : most;
    if (seconds >= 0)
        return seconds * 1000 + WAIT_FIRST * random / 65536;
    return (wait < most ? wait : most) * (32768 + random) / 65536;
}

/* Another try, because of WHY, if there is one left. */
static bool again(struct http_attempt *attempt, int64_t seconds, const char *why)
{
    const struct http_exchange *exchange = attempt->exchange;
    const struct http_options *options = attempt->http->options;
    uint64_t have = exchange->sink ? exchange->sink->have(exchange->data) : 0;
    if (have >= attempt->reached + GOT_ON) {
        attempt->reached = have;
        attempt->tries = 0;
    }
    if (attempt->tries >= options->retries)
        return false;
    int64_t wait = delay(attempt, seconds);
    attempt->tries++;
    attempt->due = now_ms() + wait;
    attempt->state = WAITING;
    char sentence[600];
    snprintf(sentence, sizeof sentence, "%.200s: %.300s; once more in %lld.%lld s", host_of(attempt), why,
             (long long)wait / 1000, (long long)wait % 1000 / 100);
    if (options->notice)
        options->notice(options->data, sentence);
    return true;
}

static const char *reason(const struct http_attempt *attempt, CURLcode code)
{
    return attempt->error[0] ? attempt->error : curl_easy_strerror(code);
}

/* Whether CODE is of the kind that passes; PATIENT: and not of one's own making. */
static bool passes(const struct http_attempt *attempt, CURLcode code)
{
    static const struct {
        CURLcode code;
        bool reached; /* only where the server was reached before */
    } codes[] = {
        {CURLE_COULDNT_RESOLVE_HOST, true}, {CURLE_COULDNT_CONNECT, true}, {CURLE_SSL_CONNECT_ERROR, true},
        {CURLE_OPERATION_TIMEDOUT, true},   {CURLE_GOT_NOTHING, false},    {CURLE_SEND_ERROR, false},
        {CURLE_RECV_ERROR, false},          {CURLE_PARTIAL_FILE, false},
    };
    double connected = 0;
    curl_easy_getinfo(attempt->easy, CURLINFO_CONNECT_TIME, &connected);
    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i].code == code)
            return !codes[i].reached || attempt->exchange->patient ||
                   (code == CURLE_OPERATION_TIMEDOUT && connected > 0);
    return false;
}

/* libcurl could not bring it to an end. */
static void broken(struct http_attempt *attempt, CURLcode code)
{
    struct http_exchange *exchange = attempt->exchange;
    bool passing = passes(attempt, code);
    if (passing && !exchange->once && again(attempt, -1, reason(attempt, code)))
        return;
    exchange->passing = passing;
    exchange->handshake_failed = code == CURLE_SSL_CONNECT_ERROR && !exchange->patient;
    int r = refuse(-EREMOTEIO, "%s: %s", host_of(attempt), reason(attempt, code));
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        remedy(r, "--cert-dir DIR has certificates to trust; --tls-verify=false trusts any");
    if (attempt->tries && !(exchange->once && passing))
        remedy(r, "tried %u times", attempt->tries + 1);
    end(attempt, r);
}

static int follow(struct http_attempt *attempt)
{
    struct http_exchange *exchange = attempt->exchange;
    const char *host = host_of(attempt);
    if (exchange->form)
        return refuse(-EPROTO, "%s: redirects a request that has credentials in it", host);
    if (exchange->method && !text_equal(exchange->method, "HEAD") && exchange->answer.status != 307 && exchange->answer.status != 308)
        return refuse(-EPROTO, "%s: redirects %s with status %d, which would make it something else", host, exchange->method,
                      exchange->answer.status);
    if (++attempt->hops > HOPS_MOST)
        return refuse(-ELOOP, "%s: more than %d redirects", host, HOPS_MOST);
    if (!exchange->answer.location)
        return refuse(-EPROTO, "%s: redirects without saying where to", host);
    const char *url = http_resolve(attempt->http->arena, attempt->url, exchange->answer.location);
    if (!url)
        return -EPROTO;
    if (text_after(url, "http:") && (!exchange->plain || text_after(attempt->url, "https:")))
        return refuse(-EPROTO, "%s: redirects from https to http", host);
    attempt->stranger = attempt->stranger || !http_same_origin(url, exchange->url);
    attempt->url = url;
    start(attempt);
    return 0;
}

static bool is_one_of(int status, const int *list)
{
    while (*list && *list != status)
        list++;
    return *list;
}

/* A status that a retry may cure. Returns whether the attempt goes on, or has been ended. */
static bool put_off(struct http_attempt *attempt)
{
    const struct http_answer *answer = &attempt->exchange->answer;
    if (answer->retry_after > WAIT_SECONDS_MOST) {
        end(attempt, refuse(-EBUSY, "%s: answers %d, and asks not to come back for %lld s", host_of(attempt),
                            answer->status, (long long)answer->retry_after));
        return true;
    }
    char why[32];
    snprintf(why, sizeof why, "answers %d", answer->status);
    return again(attempt, answer->retry_after, why);
}

static void settle(struct http_attempt *attempt, CURLcode code)
{
    static const int redirects[] = {301, 302, 303, 307, 308, 0};
    static const int passing[] = {408, 429, 500, 502, 503, 504, 0};
    struct http_exchange *exchange = attempt->exchange;
    int r = exchange->result;
    if (r < 0)
        return end(attempt, r);
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && attempt->enough))
        return broken(attempt, code);
    if (!attempt->began)
        r = begin_body(attempt);
    if (r < 0)
        return end(attempt, r);
    exchange->patient = true;
    if (is_one_of(exchange->answer.status, redirects)) {
        r = follow(attempt);
        return r < 0 ? end(attempt, r) : (void)0;
    }
    exchange->passing = exchange->once && is_one_of(exchange->answer.status, passing);
    if (!exchange->once && is_one_of(exchange->answer.status, passing) && put_off(attempt))
        return;
    if (is_success(exchange->answer.status) && exchange->sink)
        r = exchange->sink->end(exchange->data);
    if (r == -EAGAIN && again(attempt, -1, "ends too early"))
        return;
    end(attempt, r == -EAGAIN ? refuse(-EREMOTEIO, "%s: ends too early, each time", host_of(attempt)) : r);
}

/* ---- going on ---- */

static void start_due(struct http *http)
{
    for (struct http_attempt *a = http->attempts; a; a = a->next)
        if (a->state == WAITING && a->due <= now_ms())
            start_anew(a);
}

/* Somebody wants an end of it all. */
static void interrupt(struct http *http)
{
    http->interrupted = true;
    for (struct http_attempt *a = http->attempts; a; a = a->next) {
        if (a->state == ENDED)
            continue;
        curl_multi_remove_handle(http->multi, a->easy);
        a->exchange->passing = false;
        end(a, refuse(-EINTR, "interrupted"));
    }
}

/* Until something happens, or is due, or a second is over. */
static void wait_for_more(struct http *http)
{
    int64_t now = now_ms(), until = now + 1000;
    for (struct http_attempt *a = http->attempts; a; a = a->next)
        if (a->state == ENDED)
            return;
        else if (a->state == WAITING && a->due < until)
            until = a->due;
    bool watches = http->options->interrupt && !http->interrupted;
    struct curl_waitfd told = {.fd = http->options->interrupt, .events = CURL_WAIT_POLLIN};
    curl_multi_poll(http->multi, &told, watches, until > now ? (int)(until - now) : 0, NULL);
    if (told.revents)
        interrupt(http);
}

static void step(struct http *http)
{
    int running, left;
    start_due(http);
    CURLMcode code = curl_multi_perform(http->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        struct http_attempt *attempt = NULL;
        CURLcode result = message->data.result;
        CURL *easy = message->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &attempt);
        curl_multi_remove_handle(http->multi, easy);
        settle(attempt, result);
    }
    for (struct http_attempt *a = http->attempts; code != CURLM_OK && a; a = a->next)
        if (a->state != ENDED)
            end(a, refuse(-EIO, "%s: %s", host_of(a), curl_multi_strerror(code)));
    wait_for_more(http);
}

static void put_aside(struct http *http, struct http_attempt *attempt)
{
    struct http_attempt **link = &http->attempts;
    while (*link && *link != attempt)
        link = &(*link)->next;
    if (*link)
        *link = attempt->next;
    attempt->state = IDLE;
}

struct http_exchange *http_next_by(struct http *http, int64_t until)
{
    while (http->attempts && now_ms() < until) {
        for (struct http_attempt *a = http->attempts; a; a = a->next)
            if (a->state == ENDED) {
                put_aside(http, a);
                return a->exchange;
            }
        step(http);
    }
    return NULL;
}

struct http_exchange *http_next(struct http *http)
{
    return http_next_by(http, INT64_MAX);
}

static void take_up(struct http *http, struct http_attempt *attempt)
{
    attempt->next = http->attempts;
    http->attempts = attempt;
}

int http_go_on(struct http *http, struct http_exchange *exchange)
{
    take_up(http, exchange->attempt);
    start_anew(exchange->attempt);
    return 0;
}

int http_try_again(struct http *http, struct http_exchange *exchange, bool got_on)
{
    struct http_attempt *attempt = exchange->attempt;
    const char *why = exchange->result < 0 ? arena_strdup(http->arena, error_text()) : NULL;
    if (got_on)
        attempt->tries = 0;
    if (!(why ? again(attempt, -1, why) : put_off(attempt)))
        return why && attempt->tries ? (remedy(exchange->result, "tried %u times", attempt->tries + 1), 0) : 0;
    if (attempt->state == ENDED)
        return exchange->result;
    error_clear();
    take_up(http, attempt);
    return 1;
}

int http_begin(struct http *http, struct http_exchange *exchange)
{
    struct http_attempt *attempt = exchange->attempt;
    if (!attempt)
        attempt = exchange->attempt = calloc(1, sizeof *attempt);
    if (attempt && !attempt->easy)
        attempt->easy = curl_easy_init();
    if (!attempt || !attempt->easy)
        return fail(-ENOMEM, "%s", exchange->url);
    attempt->http = http;
    attempt->exchange = exchange;
    attempt->tries = 0;
    take_up(http, attempt);
    start_anew(attempt);
    return 0;
}

int http_run(struct http *http, struct http_exchange *exchange)
{
    TRY(http_begin(http, exchange));
    return http_wait(http, exchange);
}

int http_wait(struct http *http, struct http_exchange *exchange)
{
    while (exchange->attempt->state != ENDED)
        step(http);
    put_aside(http, exchange->attempt);
    return exchange->result;
}

void http_release(struct http *http, struct http_exchange *exchange)
{
    struct http_attempt *attempt = exchange->attempt;
    if (attempt) {
        curl_multi_remove_handle(http->multi, attempt->easy);
        put_aside(http, attempt);
        curl_easy_cleanup(attempt->easy);
        curl_slist_free_all(attempt->headers);
        free(attempt);
    }
    free(exchange->body);
    exchange->attempt = NULL;
    exchange->body = NULL;
}

int http_open(struct arena *arena, const struct http_options *options, struct http **result)
{
    struct http *http = arena_alloc(arena, sizeof *http);
    const char *lower = getenv("no_proxy"), *none = lower ? lower : getenv("NO_PROXY");
    *http = (struct http){.arena = arena, .options = options, .multi = curl_multi_init()};
    if (!http->multi)
        return fail(-ENOMEM, "libcurl");
    http->no_proxy = text_equal(none, "*") ? none : arena_printf(arena, "%s,localhost,127.0.0.0/8,::1", none ? none : "");
    *result = http;
    return 0;
}

void http_close(struct http *http)
{
    curl_multi_cleanup(http->multi);
}
