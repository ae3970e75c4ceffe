/* A request may be refused twice: the first 401 is met without a token, or with one that has expired meanwhile; the second
 * with a fresh one, and then nothing helps. */
#include "registry/origin.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "registry/event.h"

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

struct origin origin_of(struct arena *arena, struct http *http, const char *host, const char *repository, bool plain)
{
    return (struct origin){
        .arena = arena,
        .http = http,
        .host = host,
        .repository = repository,
        .plain = plain,
        .may_be_plain = origin_is_loopback(host),
        .auth = {.arena = arena, .http = http, .host = host},
        .notice = event_notice,
    };
}

static const char *scope_of(const struct origin *origin, const struct request *request)
{
    if (!request->actions)
        return "";
    return arena_printf(origin->arena, "repository:%s:%s%s%s", origin->repository, request->actions, request->also ? " " : "",
                        request->also ? request->also : "");
}

static const char *own_url(const struct origin *origin, const char *path)
{
    const char *scheme = origin->plain ? "http" : "https";
    return *path == '/' ? arena_printf(origin->arena, "%s://%s%s", scheme, origin->host, path)
                        : arena_printf(origin->arena, "%s://%s/v2/%s/%s", scheme, origin->host, origin->repository, path);
}

/* Whether what is asked now is asked of the registry itself, and not where it has said to go on. */
static bool is_own(const struct origin *origin, const struct request *request)
{
    return http_same_origin(request->exchange.url, own_url(origin, "/"));
}

/* What is known for the repository alone is tried before more is asked for. */
static const char *authorization_for(const struct origin *origin, const struct request *request)
{
    struct request alone = *request;
    const char *known = auth_known(&origin->auth, scope_of(origin, request));
    alone.also = NULL;
    return known || !request->also ? known : auth_known(&origin->auth, scope_of(origin, &alone));
}

int origin_aim(struct origin *origin, struct request *request)
{
    struct http_exchange *exchange = &request->exchange;
    if (request->url && !origin->plain && text_after(request->url, "http:"))
        return refuse(-EPROTO, "%s: sends us from https to http", origin->host);
    exchange->url = request->url ? request->url : own_url(origin, request->path);
    exchange->plain = origin->plain;
    exchange->authorization = is_own(origin, request) ? authorization_for(origin, request) : NULL;
    return 0;
}

int origin_begin(struct origin *origin, struct request *request)
{
    struct http_exchange *exchange = &request->exchange;
    TRY(origin_aim(origin, request));
    exchange->patient = origin->answered;
    exchange->handshake_failed = false;
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
    TRY(http_go_on(origin->http, exchange));
    return 1;
}

int origin_refused(struct origin *origin, const struct http_exchange *exchange)
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
    return error != -EACCES ? error : auth_remedy(&origin->auth, error);
}

int origin_hear(struct origin *origin, struct request *request)
{
    struct http_exchange *exchange = &request->exchange;
    if (exchange->handshake_failed && origin->may_be_plain && !origin->plain)
        return use_plain(origin, request);
    TRY(exchange->result);
    origin->answered = true;
    if (exchange->answer.status == 401 && is_own(origin, request) && request->refusals++ < REFUSALS_MOST)
        return answer_challenge(origin, request);
    return 0;
}

int origin_settle(struct origin *origin, struct request *request)
{
    int r = origin_hear(origin, request), status = request->exchange.answer.status;
    if (r != 0)
        return r;
    return status == 200 || status == 206 ? 0 : origin_refused(origin, &request->exchange);
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
