/* A request may be refused twice: the first 401 is met without a token, or with one that has expired meanwhile; the second
 * with a fresh one, and then nothing helps. */
#include "registry/origin.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { REFUSALS_MOST = 2 };

bool origin_is_loopback(const char *host)
{
    const char *port = *host == '[' ? strchr(host, ']') : strrchr(host, ':');
    char name[64];
    size_t length = port ? (size_t)(port - host) : strlen(host);
    struct in_addr address;
    struct in6_addr address6;
    if (length >= sizeof name)
        return false;
    memcpy(name, host, length);
    name[length] = '\0';
    if (*name == '[')
        return inet_pton(AF_INET6, name + 1, &address6) == 1 && IN6_IS_ADDR_LOOPBACK(&address6);
    return strcasecmp(name, "localhost") == 0 ||
           (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static const char *scope_of(const struct origin *origin, const struct request *request)
{
    return arena_printf(origin->arena, "repository:%s:%s", origin->repository, request->actions);
}

int origin_begin(struct origin *origin, struct request *request)
{
    struct http_exchange *exchange = &request->exchange;
    exchange->url = arena_printf(origin->arena, "%s://%s/v2/%s/%s", origin->plain ? "http" : "https", origin->host,
                                 origin->repository, request->path);
    exchange->plain = origin->plain;
    exchange->patient = origin->answered;
    exchange->handshake_failed = false;
    exchange->authorization = auth_known(&origin->auth, scope_of(origin, request));
    return http_begin(origin->http, exchange);
}

static int use_plain(struct origin *origin, struct request *request)
{
    char sentence[700];
    snprintf(sentence, sizeof sentence, "plain http is used with %.200s, which is this machine: %.400s", origin->host,
             error_text());
    origin->notice(origin->data, sentence);
    error_clear();
    origin->plain = true;
    TRY(origin_begin(origin, request));
    return 1;
}

/* With the token that another request got meanwhile, where several ran into an old one; else with a new one. */
static int answer_challenge(struct origin *origin, struct request *request)
{
    struct http_exchange *exchange = &request->exchange;
    const char *scope = scope_of(origin, request), *known = auth_known(&origin->auth, scope);
    if (known && !text_equal(known, exchange->authorization))
        exchange->authorization = known;
    else
        TRY(auth_answer(&origin->auth, exchange, scope, &exchange->authorization));
    TRY(http_begin(origin->http, exchange));
    return 1;
}

/* A status that is no success, as a sentence with what the registry says itself. */
static int failed(struct origin *origin, const struct http_exchange *exchange)
{
    static const struct {
        int status, error;
        const char *text;
    } known[] = {
        {401, -EACCES, "unauthorized"},
        {403, -EACCES, "denied"},
        {404, -ENOENT, "not found"},
        {429, -EBUSY, "too many requests"},
    };
    const char *words = auth_words(origin->arena, exchange);
    const char *text = arena_printf(origin->arena, "%s answers %d", origin->host, exchange->answer.status);
    int error = -EREMOTEIO;
    for (size_t i = 0; i < COUNT(known); i++)
        if (known[i].status == exchange->answer.status) {
            text = known[i].text;
            error = known[i].error;
        }
    refuse(error, "%s%s%s", text, words ? ": the registry says: " : "", words ? words : "");
    return error == -EACCES ? remedy(error, "log in: bocal login %s", origin->host) : error;
}

int origin_settle(struct origin *origin, struct request *request)
{
    struct http_exchange *exchange = &request->exchange;
    if (exchange->handshake_failed && origin->may_be_plain && !origin->plain)
        return use_plain(origin, request);
    TRY(exchange->result);
    origin->answered = true;
    if (exchange->answer.status == 401 && request->refusals++ < REFUSALS_MOST)
        return answer_challenge(origin, request);
    return exchange->answer.status == 200 || exchange->answer.status == 206 ? 0 : failed(origin, exchange);
}

int origin_run(struct origin *origin, struct request *request)
{
    int r = origin_begin(origin, request);
    for (r = r < 0 ? r : 1; r == 1;) {
        http_wait(origin->http, &request->exchange);
        r = origin_settle(origin, request);
    }
    return r;
}
