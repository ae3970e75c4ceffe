/* Trying: the registry's own address is asked for (distribution-spec, "Determining support"), and what it wants to see is shown to it. Who
 * lets everybody in has verified nothing, and that is said. */
#include "registry/login.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "registry/confine.h"
#include "registry/event.h"
#include "registry/origin.h"
#include "registry/trust.h"

#include <fcntl.h>
#include <signal.h>

enum { SECRET_MOST = 64 << 10 };

int login_read(struct arena *arena, const char **user, const char **secret)
{
    auto_free char *text = NULL;
    const char *shown;
    ssize_t size = file_read_operand("-", SECRET_MOST, &text, &shown);
    if (size < 0)
        return (int)size;
    char *newline = strchr(text, '\n');
    if (!newline || strlen(text) != (size_t)size)
        return refuse(-EINVAL, "standard input: a name and a password are wanted, on lines of their own");
    *newline = '\0';
    if (!*text || strchr(text, ':'))
        return refuse(-EINVAL, "a user's name has letters, and no colon");
    *user = arena_strdup(arena, text);
    *secret = arena_strdup(arena, newline + 1);
    return 0;
}

static void print_result(const struct login_options *options, bool verified)
{
    struct json_writer json = event_begin();
    json_put_string(&json, "login", options->host);
    json_put_bool(&json, "verified", verified);
    event_end(&json);
}

static int ask(struct origin *origin, const struct login_options *options)
{
    struct request request = {.path = "/v2/", .exchange = {.most = 1 << 20}};
    int r = origin_run(origin, &request);
    bool verified = request.exchange.authorization;
    http_release(origin->http, &request.exchange);
    if (r == -ENOENT)
        return because(r, "%s: is it a registry? /v2/", options->host);
    if (r < 0)
        return because(r, "log in to %s", options->host);
    print_result(options, verified);
    return 0;
}

int login_check(const struct login_options *options)
{
    auto_arena arena = {0};
    struct http *http;
    struct http_options manners = {.insecure = options->insecure, .retries = (unsigned)options->retries,
                                   .stall = (unsigned)options->stall, .notice = event_notice};
    struct credentials given = {0};
    TRY(login_read(&arena, &given.user, &given.secret));
    if (options->cert_dir)
        TRY(http_trust_read(&arena, options->cert_dir, &manners.trust));
    TRY(http_open(&arena, &manners, &http));
    struct origin origin = origin_of(&arena, http, options->host, "", options->plain_http);
    origin.auth.credentials = given;
    origin.auth.trial = true;
    int r = confine_network(-1, -1, SIGKILL);
    if (r == 0)
        r = ask(&origin, options);
    http_close(http);
    return r;
}
