/* One place where an image may be had: a registry, or a mirror of it, with its scheme, its tokens and its way to say no.
 * Requests go through here, so that 401 is answered and failures become sentences in one place. */
#pragma once

#include "registry/auth.h"
#include "registry/http.h"

struct origin {
    struct arena *arena;
    struct http *http;
    const char *host;       /* "HOST" or "HOST:PORT" */
    const char *repository; /* with a mirror's prefix in front */
    bool plain;             /* http */
    bool may_be_plain;      /* loopback: http where TLS cannot even be begun, and then that is said */
    bool answered;
    struct auth auth;
    void (*notice)(void *data, const char *sentence);
    void *data;
};

struct request {
    struct http_exchange exchange;
    const char *path;    /* "manifests/latest"; of the registry itself with a "/" in front: "/v2/" */
    const char *url;     /* where the registry has said to go on, in place of path; NULL: it has not */
    const char *actions; /* "pull"; NULL: none, for the registry itself */
    const char *also;    /* a further scope, "repository:OTHER:pull"; or NULL */
    unsigned refusals;   /* answered so far */
};

/* The registry HOST, without credentials, its notices as events. */
struct origin origin_of(struct arena *arena, struct http *http, const char *host, const char *repository, bool plain);

/* HOST as it is written before a repository: whether it is this machine. */
bool origin_is_loopback(const char *host);

/* Begins REQUEST, whose path, accept, sink and most are filled in. */
int origin_begin(struct origin *origin, struct request *request);
/* What is asked now, address and authorization, into its exchange: for http_go_on() and http_try_again(). -EPROTO with a sentence for a
 * url that leads from https to http. To another host goes no authorization. */
int origin_aim(struct origin *origin, struct request *request);

/* When its exchange has ended: 1 when it was begun again (a token was asked for, another scheme tried), 0 with an answer that is
 * a success, else -errno with a sentence: -ENOENT not found, -EACCES not let in. */
int origin_settle(struct origin *origin, struct request *request);

/* The same, but 0 with an answer whatever its status. */
int origin_hear(struct origin *origin, struct request *request);

/* A status that is no success, as a sentence with what the registry says itself. */
int origin_refused(struct origin *origin, const struct http_exchange *exchange);

/* Both, until it is through. */
int origin_run(struct origin *origin, struct request *request);
