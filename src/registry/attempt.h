/* What http.c and compose.c share: an exchange's attempt, and all that is under way. */
#pragma once

#include "registry/http.h"

#include <curl/curl.h>

enum attempt_state { IDLE, WAITING, RUNNING, ENDED };

struct http_attempt {
    struct http_attempt *next; /* of all that are not idle */
    struct http *http;
    struct http_exchange *exchange;
    CURL *easy;
    struct curl_slist *headers;
    const char *url;  /* where redirects have led to */
    const char *tag;  /* the ETag of what was begun */
    enum attempt_state state;
    bool stranger;    /* url is of another origin than the exchange's */
    bool began;       /* the answer's head is complete */
    bool enough;      /* of a body that nobody needs */
    int64_t due;      /* ms */
    uint64_t from;    /* the first byte asked for */
    uint64_t sent;    /* bytes of the content */
    uint64_t reached; /* where the tries were last counted anew */
    size_t head;      /* bytes of headers */
    unsigned tries, hops;
    char error[CURL_ERROR_SIZE];
};

struct http {
    struct arena *arena;
    const struct http_options *options;
    CURLM *multi;
    const char *no_proxy; /* what of the environment's proxies is not for; and never this machine */
    struct http_attempt *attempts;
    bool interrupted; /* and what is begun since goes on */
};

/* Says to libcurl what is asked: address, headers, body, and the manners that are the same for every exchange. */
void attempt_compose(struct http_attempt *attempt);
