/* Of the challenges Bearer is answered before Basic. What comes back may hold anything: a token has to be visible ASCII, or
 * it would write headers of its own. */
#include "registry/auth.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/option.h"
#include "base/text.h"
#include "registry/base64.h"

#include <stdio.h>
#include <string.h>

enum {
    TOKEN_MOST = 64 << 10,   /* bytes of a token */
    REPLY_MOST = 1 << 20,    /* of what it comes in */
    LIFE_DEFAULT = 60,       /* seconds, where the server does not say */
    LIFE_MOST = 24 * 3600,
    LIFE_MARGIN = 5,         /* sooner than it expires, it is asked for again */
};

/* ---- what servers say ---- */

struct said {
    const char *code, *message;
};

struct words {
    struct said *errors;
    size_t n_errors;
    const char *details, *message, *description;
};

static int read_said(struct json_source *source, struct json_object *value, void *into)
{
    static const struct json_field fields[] = {
        {"code", json_string, offsetof(struct said, code)},
        {"message", json_string, offsetof(struct said, message)},
        {NULL, NULL, 0},
    };
    return json_read_object(source, value, fields, into);
}

static int read_errors(struct json_source *source, struct json_object *value, void *into)
{
    struct words *words = into;
    return json_read_list(source, value, read_said, sizeof *words->errors, (void **)&words->errors, &words->n_errors);
}

const char *auth_words(struct arena *arena, const struct http_exchange *exchange)
{
    static const struct json_field fields[] = {
        {"errors", read_errors, 0},
        {"details", json_string, offsetof(struct words, details)},
        {"message", json_string, offsetof(struct words, message)},
        {"error_description", json_string, offsetof(struct words, description)},
        {NULL, NULL, 0},
    };
    struct words words = {0};
    const char *text = NULL;
    if (!exchange->size || *error_text())
        return NULL;
    if (json_read(arena, exchange->body, exchange->size, "", fields, &words) == 0) {
        const struct said *first = words.n_errors ? words.errors : &(struct said){0};
        const char *const choices[] = {first->message, first->code, words.details, words.description, words.message};
        for (size_t i = 0; i < COUNT(choices) && !text; i++)
            text = choices[i] && *choices[i] ? choices[i] : NULL;
    } else if (text_equal(exchange->answer.type, "text/plain")) {
        text = arena_strndup(arena, exchange->body, strcspn(exchange->body, "\r\n"));
    }
    error_clear(); /* that there are no words is no failure */
    if (!text || !*text)
        return NULL;
    char *shown = arena_strndup(arena, text, strnlen(text, 300));
    text_disarm(shown);
    return shown;
}

int auth_remedy(const struct auth *auth, int r)
{
    if (auth->trial)
        return remedy(r, "the name or the password is wrong, or a token is wanted in its place");
    if (auth->credentials.from)
        return remedy(r, "log in again: it was shown what %s has for %s", auth->credentials.from, auth->host);
    return remedy(r, "log in: bocal login %s", auth->host);
}

/* ---- tokens ---- */

const char *auth_known(const struct auth *auth, const char *scope)
{
    time_t now = time(NULL);
    for (size_t i = auth->count; i-- > 0;)
        if ((!auth->tokens[i].scope || text_equal(auth->tokens[i].scope, scope)) && auth->tokens[i].until > now)
            return auth->tokens[i].authorization;
    return NULL;
}

static const char *remember(struct auth *auth, const char *scope, const char *authorization, uint64_t life)
{
    life = life > LIFE_MOST ? LIFE_MOST : life;
    *LIST_ADD(auth->arena, &auth->tokens, &auth->count) = (struct auth_token){
        .scope = scope,
        .authorization = authorization,
        .until = time(NULL) + (time_t)(life > 2 * LIFE_MARGIN ? life - LIFE_MARGIN : life),
    };
    return authorization;
}

static const char *basic(struct auth *auth)
{
    const struct credentials *mine = &auth->credentials;
    const char *pair = arena_printf(auth->arena, "%s:%s", mine->user, mine->secret ? mine->secret : "");
    return arena_printf(auth->arena, "Basic %s", base64_encode(auth->arena, pair, strlen(pair)));
}

struct reply {
    const char *token, *access_token;
    uint64_t expires_in;
};

static int read_reply(struct auth *auth, const struct http_exchange *exchange, struct reply *reply)
{
    static const struct json_field fields[] = {
        {"token", json_string, offsetof(struct reply, token)},
        {"access_token", json_string, offsetof(struct reply, access_token)},
        {"expires_in", json_u64, offsetof(struct reply, expires_in)},
        {NULL, NULL, 0},
    };
    const char *name = arena_printf(auth->arena, "token from %s", http_host(auth->arena, exchange->url));
    TRY(json_read(auth->arena, exchange->size ? exchange->body : "", exchange->size, name, fields, reply));
    reply->token = reply->token && *reply->token ? reply->token : reply->access_token;
    if (!reply->token || !header_safe(reply->token, TOKEN_MOST))
        return refuse(-EPROTO, "%s: there is none that could be sent", name);
    return 0;
}

/* The token server's NO: its words, and whose credentials it had. */
static int denied(struct auth *auth, const struct http_exchange *exchange)
{
    const char *words = auth_words(auth->arena, exchange);
    const char *place = http_host(auth->arena, exchange->url);
    if (exchange->answer.status != 401 && exchange->answer.status != 403 && exchange->answer.status != 400)
        return refuse(-EREMOTEIO, "no token: %s answers %d%s%s", place, exchange->answer.status, words ? ": " : "",
                      words ? words : "");
    refuse(-EACCES, "unauthorized: %s gives no token%s%s", place, words ? ": " : "", words ? words : "");
    return auth_remedy(auth, -EACCES);
}

/* Adds TEXT's words to LIST, each once. */
static void add_scopes(struct arena *arena, struct word_list *list, const char *text)
{
    for (char **word = text ? text_split(arena, text, ' ', NULL) : (char *[]){NULL}; *word; word++) {
        size_t i = 0;
        while (i < list->count && !text_equal(list->words[i], *word))
            i++;
        if (**word && i == list->count)
            *LIST_ADD(arena, &list->words, &list->count) = *word;
    }
}

/* What is to be allowed: what the challenge says and SCOPE, for the challenge of a HEAD may say less than what comes then. In
 * an address a parameter each, in a form one. */
static const char *scopes_text(struct arena *arena, const char *said, const char *scope, bool form)
{
    struct word_list list = {0};
    const char *text = "";
    add_scopes(arena, &list, said);
    add_scopes(arena, &list, scope);
    for (size_t i = 0; i < list.count; i++)
        text = arena_printf(arena, "%s%s%s", text, form && i ? "%20" : i ? "&scope=" : "scope=", http_escape(arena, list.words[i]));
    return text;
}

/* The question for a token: in the address, or with an identity token in a form (OAuth2). */
static void compose(struct auth *auth, const struct challenge *challenge, const char *realm, const char *scope,
                    struct http_exchange *exchange)
{
    struct arena *arena = auth->arena;
    const struct credentials *mine = &auth->credentials;
    const char *wanted = scopes_text(arena, challenge->scope, scope, mine->identity);
    const char *service = challenge->service ? http_escape(arena, challenge->service) : NULL;
    const char *query = arena_printf(arena, "%s%s%s%s", wanted, service && *wanted ? "&" : "", service ? "service=" : "",
                                     service ? service : "");
    exchange->url = realm;
    if (mine->identity) {
        exchange->form = arena_printf(arena, "grant_type=refresh_token&client_id=bocal&%s&refresh_token=%s", query,
                                      http_escape(arena, mine->identity));
        return;
    }
    const char *account = mine->user ? http_escape(arena, mine->user) : NULL;
    exchange->url = arena_printf(arena, "%s%c%s%s%s", realm, strchr(realm, '?') ? '&' : '?', query,
                                 account ? "&account=" : "", account ? account : "");
    exchange->authorization = account ? basic(auth) : NULL;
}

static int ask_token(struct auth *auth, const struct http_exchange *refused, const struct challenge *challenge,
                     const char *scope, const char **authorization)
{
    struct http_exchange exchange = {.plain = refused->plain, .most = REPLY_MOST, .accept = "application/json"};
    const char *realm = http_resolve(auth->arena, refused->url, challenge->realm);
    if (!realm)
        return because(-EPROTO, "the token server");
    if (text_after(realm, "http:") && !text_after(refused->url, "http:"))
        return refuse(-EPROTO, "%s: wants a token from %.200s, which is plain http", auth->host, realm);
    compose(auth, challenge, realm, scope, &exchange);
    int r = http_run(auth->http, &exchange);
    struct reply reply = {.expires_in = LIFE_DEFAULT};
    if (r == 0)
        r = exchange.answer.status == 200 ? read_reply(auth, &exchange, &reply) : denied(auth, &exchange);
    http_release(auth->http, &exchange);
    TRY(r);
    *authorization = remember(auth, scope, arena_printf(auth->arena, "Bearer %s", reply.token), reply.expires_in);
    return 0;
}

/* Bearer where it is offered, else Basic. */
static const struct challenge *choose(const struct http_answer *answer)
{
    const struct challenge *best = NULL;
    for (size_t i = 0; i < answer->challenge_count; i++) {
        const struct challenge *challenge = &answer->challenges[i];
        if (challenge->scheme == CHALLENGE_BEARER && challenge->realm)
            return challenge;
        if (challenge->scheme == CHALLENGE_BASIC && !best)
            best = challenge;
    }
    return best;
}

int auth_answer(struct auth *auth, const struct http_exchange *refused, const char *scope, const char **authorization)
{
    const struct challenge *challenge = choose(&refused->answer);
    if (challenge && challenge->scheme == CHALLENGE_BEARER)
        return ask_token(auth, refused, challenge, scope, authorization);
    const char *words = auth_words(auth->arena, refused);
    bool again = challenge && refused->authorization && text_after(refused->authorization, "Basic ");
    if (challenge && auth->credentials.user && !again) {
        *authorization = remember(auth, NULL, basic(auth), LIFE_MOST);
        return 0;
    }
    refuse(-EACCES, "unauthorized%s%s", words ? ": the registry says: " : "", words ? words : "");
    return auth_remedy(auth, -EACCES);
}
