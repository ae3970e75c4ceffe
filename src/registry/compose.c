/* From an exchange to what libcurl is told. */
#include "registry/attempt.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "registry/trust.h"

#include <stdio.h>

enum {
    CONNECT_SECONDS = 30,
    RECEIVE_BUFFER = 512 << 10,
    SEND_BUFFER = 512 << 10,
    SLOWEST = 64, /* bytes a second */
};

/* ---- what is sent ---- */

static size_t on_send(char *bytes, size_t size, size_t count, void *data)
{
    struct http_attempt *attempt = data;
    struct http_exchange *exchange = attempt->exchange;
    const struct http_content *content = exchange->content;
    uint64_t left = content->size - attempt->sent;
    size_t most = left < size * count ? (size_t)left : size * count;
    ssize_t n = most ? pread(content->fd, bytes, most, (off_t)(content->from + attempt->sent)) : 0;
    if (n < 0 || (n == 0 && most)) {
        exchange->result = n < 0 ? fail(-errno, "read what is sent") : refuse(-EIO, "what is sent has become shorter");
        return CURL_READFUNC_ABORT;
    }
    attempt->sent += (uint64_t)n;
    if (content->told)
        content->told(exchange->data, attempt->sent);
    return (size_t)n;
}

/* libcurl begins anew where a connection that it had kept turns out to be closed. */
static int on_seek(void *data, curl_off_t offset, int origin)
{
    struct http_attempt *attempt = data;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > attempt->exchange->content->size)
        return CURL_SEEKFUNC_CANTSEEK;
    attempt->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void set_content(struct http_attempt *attempt, const struct http_content *content)
{
    CURL *easy = attempt->easy;
    attempt->sent = 0;
    if (content && !content->text) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)content->size);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(easy, CURLOPT_READDATA, attempt);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, attempt);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(content ? content->size : 0));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, content ? content->text : "");
}

static void set_method(struct http_attempt *attempt)
{
    const struct http_exchange *exchange = attempt->exchange;
    if (exchange->form)
        curl_easy_setopt(attempt->easy, CURLOPT_POSTFIELDS, exchange->form);
    if (!exchange->method)
        return;
    if (text_equal(exchange->method, "HEAD"))
        curl_easy_setopt(attempt->easy, CURLOPT_NOBODY, 1L);
    else
        set_content(attempt, exchange->content);
    curl_easy_setopt(attempt->easy, CURLOPT_CUSTOMREQUEST, exchange->method);
}

/* ---- headers ---- */

static void add_header(struct http_attempt *attempt, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_header(struct http_attempt *attempt, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    struct curl_slist *grown = text ? curl_slist_append(attempt->headers, text) : NULL;
    if (grown)
        attempt->headers = grown;
    free(text);
}

static void compose_headers(struct http_attempt *attempt)
{
    const struct http_exchange *exchange = attempt->exchange;
    curl_slist_free_all(attempt->headers);
    attempt->headers = NULL;
    add_header(attempt, "Accept: %s", exchange->accept ? exchange->accept : "*/*");
    add_header(attempt, "Accept-Encoding: identity");
    if (exchange->authorization && !attempt->stranger)
        add_header(attempt, "Authorization: %s", exchange->authorization);
    const struct http_content none = {0}, *content = exchange->content ? exchange->content : &none;
    if (content->type)
        add_header(attempt, "Content-Type: %s", content->type);
    else if (exchange->method)
        add_header(attempt, "Content-Type:"); /* which libcurl would make up */
    if (content->range)
        add_header(attempt, "Content-Range: %s", content->range);
    attempt->from = exchange->sink ? exchange->sink->have(exchange->data) : 0;
    if (attempt->from)
        add_header(attempt, "Range: bytes=%llu-", (unsigned long long)attempt->from);
    if (attempt->from && attempt->tag)
        add_header(attempt, "If-Range: %s", attempt->tag);
}

/* ---- manners ---- */

static void set_trust(struct http_attempt *attempt)
{
    const struct http_options *options = attempt->http->options;
    const struct http_trust *trust = options->trust;
    const char *file, *directory;
    http_trust_places(&file, &directory);
    curl_easy_setopt(attempt->easy, CURLOPT_SSL_VERIFYPEER, options->insecure ? 0L : 1L);
    curl_easy_setopt(attempt->easy, CURLOPT_SSL_VERIFYHOST, options->insecure ? 0L : 2L);
    curl_easy_setopt(attempt->easy, CURLOPT_CAINFO, file);
    curl_easy_setopt(attempt->easy, CURLOPT_CAPATH, directory);
    struct {
        CURLoption option;
        const char *pem;
    } const blobs[] = {
        {CURLOPT_CAINFO_BLOB, trust ? trust->authorities : NULL},
        {CURLOPT_SSLCERT_BLOB, trust ? trust->certificate : NULL},
        {CURLOPT_SSLKEY_BLOB, trust ? trust->key : NULL},
    };
    for (size_t i = 0; i < COUNT(blobs); i++) {
        struct curl_blob blob = {.data = (void *)blobs[i].pem, .len = blobs[i].pem ? strlen(blobs[i].pem) : 0};
        if (blobs[i].pem)
            curl_easy_setopt(attempt->easy, blobs[i].option, &blob);
    }
}

/* What is the same for every exchange. */
static void set_manners(struct http_attempt *attempt)
{
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1}, /* blobs side by side fail one by one */
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
        {CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS},
        {CURLOPT_LOW_SPEED_LIMIT, SLOWEST},
        {CURLOPT_LOW_SPEED_TIME, (long)attempt->http->options->stall},
        {CURLOPT_TIMEOUT, attempt->exchange->sink || attempt->exchange->content ? 0 : 5L * (long)attempt->http->options->stall},
        {CURLOPT_BUFFERSIZE, RECEIVE_BUFFER},
        {CURLOPT_TCP_KEEPALIVE, 1},
    };
    for (size_t i = 0; i < COUNT(numbers); i++)
        curl_easy_setopt(attempt->easy, numbers[i].option, numbers[i].value);
    curl_easy_setopt(attempt->easy, CURLOPT_USERAGENT, "bocal/" BOCAL_VERSION);
    curl_easy_setopt(attempt->easy, CURLOPT_NOPROXY, attempt->http->no_proxy);
    curl_easy_setopt(attempt->easy, CURLOPT_ERRORBUFFER, attempt->error);
    curl_easy_setopt(attempt->easy, CURLOPT_PRIVATE, attempt);
    curl_easy_setopt(attempt->easy, CURLOPT_PROTOCOLS_STR, attempt->exchange->plain ? "http,https" : "https");
    set_trust(attempt);
}

void attempt_compose(struct http_attempt *attempt)
{
    compose_headers(attempt);
    set_manners(attempt);
    set_method(attempt);
    curl_easy_setopt(attempt->easy, CURLOPT_URL, attempt->url);
    curl_easy_setopt(attempt->easy, CURLOPT_HTTPHEADER, attempt->headers);
}
