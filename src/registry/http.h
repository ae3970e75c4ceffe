/* HTTP as registries need it: several exchanges at once over libcurl's multi interface, each with its time-outs, its
 * redirects, and its retries. An exchange ends once: with an answer, whatever its status, or with an error that has a
 * sentence. Statuses that a retry may cure (429, 5xx) become answers only when the retries are used up.
 *
 * Redirects are followed here and not in libcurl: to http(s) only, never from https to http, at most ten, and
 * Authorization goes nowhere but to the origin (scheme, host, port) that it was given for. */
#pragma once

#include "base/arena.h"
#include "registry/header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;
struct http_trust;

struct http_options {
    const struct http_trust *trust; /* NULL: the system's */
    bool insecure;                  /* any certificate will do */
    unsigned retries;               /* of one exchange, between two times that it got on */
    unsigned stall;                 /* seconds without a byte until a connection counts as broken */
    int interrupt;                  /* a descriptor: once it can be read, whatever is under way ends with -EINTR; 0: none */
    void (*notice)(void *data, const char *sentence); /* of what goes on although something failed */
    void *data;
};

struct http_answer {
    const char *url;       /* who answers, behind redirects */
    int status;
    bool has_length, has_range;
    uint64_t length; /* Content-Length */
    struct content_range range;
    int64_t retry_after; /* seconds; negative: not said */
    const char *type, *digest, *location, *encoding, *tag; /* NULL: not said */
    const char *received;  /* Range, as answers to uploads have it; NULL: not said */
    uint64_t chunk_least;  /* OCI-Chunk-Min-Length; 0: not said */
    struct challenge *challenges;
    size_t challenge_count;
};

struct http_exchange;

/* What takes the body of a success. All may refuse: -errno with a sentence ends the exchange. */
struct http_sink {
    /* Bytes that are there already and are not asked for again. */
    uint64_t (*have)(void *data);
    /* The head of an answer is complete. Status 200 begins from the first byte, whatever was there; 206 goes on. */
    int (*begin)(void *data, const struct http_answer *answer);
    int (*take)(void *data, const char *bytes, size_t size);
    /* The body has ended; -EAGAIN without a sentence: too early, and to be tried again. */
    int (*end)(void *data);
};

/* A body to be sent: of a file, or TEXT. */
struct http_content {
    const char *type, *range; /* Content-Type, Content-Range; NULL: without */
    const char *text;         /* NULL: SIZE bytes of FD from FROM on; the caller's */
    int fd;
    uint64_t from, size;
    void (*told)(void *data, uint64_t sent); /* how much of it is on its way; NULL: nobody asks */
};

struct http_exchange {
    /* What is asked, the caller's, who keeps it until http_release(). */
    const char *url, *accept;
    const char *authorization; /* a header's value, or NULL */
    const char *form;          /* a body of application/x-www-form-urlencoded: makes it a POST */
    const char *method;        /* NULL: GET, or that POST */
    const struct http_content *content; /* its body; NULL: none, which POST, PUT and PATCH say */
    bool once;                 /* what a retry may cure ends it all the same, as `passing` */
    bool plain;                /* an http address is all right */
    const struct http_sink *sink; /* NULL: the body is kept in memory */
    void *data;                /* the sink's, and told's */
    size_t most;               /* bytes of a body in memory */
    bool patient;              /* the server has answered before: that it can't be reached will pass */

    /* What came. */
    int result;                /* 0 or -errno, with a sentence */
    bool handshake_failed;     /* TLS could not even be begun */
    bool passing;              /* with `once`: broken off, or put off */
    struct http_answer answer;
    char *body;                /* in memory, or of what was no success; NUL-terminated */
    size_t size;

    struct http_attempt *attempt; /* http.c's own */
};

/* Reads what is needed of the certificates in DIR (as Docker has it: *.crt are authorities beside the system's, NAME.cert
 * and NAME.key the client's own), so that nothing is opened later. Lives in ARENA. */
int http_trust_read(struct arena *arena, const char *dir, const struct http_trust **trust);

/* What is opened later of the system's trust, file and directory; NULL: none. */
void http_trust_places(const char **file, const char **directory);

/* Takes LINE of a head, which is changed, into ANSWER if it is a field that is known. Texts live in ARENA. */
void http_answer_note(struct arena *arena, struct http_answer *answer, char *line);

/* Strings of answers live in ARENA. OPTIONS is kept. */
int http_open(struct arena *arena, const struct http_options *options, struct http **http);
void http_close(struct http *http);

/* Begins EXCHANGE, which was zeroed before it was filled in; it may be begun again once it has ended. */
int http_begin(struct http *http, struct http_exchange *exchange);
/* The same for the next step of one matter, whose tries are counted on: EXCHANGE has ended before, and what it asks may have
 * changed. */
int http_go_on(struct http *http, struct http_exchange *exchange);
/* The same after the wait that is due, as a further try, after an end that was `passing`; with GOT_ON tries are counted anew.
 * 1; 0 where no try is left, and a sentence, if there was one, stays; -EBUSY with a sentence where the server wants a longer wait
 * than anybody has. */
int http_try_again(struct http *http, struct http_exchange *exchange, bool got_on);
/* Goes on with all of them until one has ended, and returns that; NULL when there is none. */
struct http_exchange *http_next(struct http *http);
/* The same until the time UNTIL, in ms of CLOCK_MONOTONIC, at most about a second longer; NULL then, too. */
struct http_exchange *http_next_by(struct http *http, int64_t until);
/* Goes on until EXCHANGE, which was begun, has ended, whatever else ends meanwhile. Returns its result. */
int http_wait(struct http *http, struct http_exchange *exchange);
/* Begins it and waits for it. */
int http_run(struct http *http, struct http_exchange *exchange);
/* Ends it, and frees what it holds. Not HTTP's strings. */
void http_release(struct http *http, struct http_exchange *exchange);

/* "HOST" or "HOST:PORT" of URL, for sentences and comparisons; "?" where there is none. In the arena. */
const char *http_host(struct arena *arena, const char *url);
/* Whether both have the same scheme, host and port. */
bool http_same_origin(const char *a, const char *b);
/* What REFERENCE means where BASE was asked for. NULL with a sentence: no http(s) address, or one with a password in it. */
const char *http_resolve(struct arena *arena, const char *base, const char *reference);
/* TEXT as a value in an address's query or in a form. */
const char *http_escape(struct arena *arena, const char *text);
