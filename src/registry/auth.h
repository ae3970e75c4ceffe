/* Being let in: a server that answers 401 says how, with a challenge (distribution-spec, "Authentication"; the token
 * protocol is Docker's, its OAuth2 form is for identity tokens). Tokens are kept in memory, by scope, until they expire.
 *
 * Credentials go to the registry that they are for and to the token server that this registry names, and only over
 * https, unless the registry itself is plain http. A challenge of another host, behind a redirect, is not looked at. */
#pragma once

#include "base/arena.h"
#include "registry/credentials.h"
#include "registry/http.h"

#include <time.h>

struct auth_token {
    const char *scope;         /* NULL: any */
    const char *authorization; /* the header's value */
    time_t until;
};

struct auth {
    struct arena *arena;
    struct http *http;
    const char *host;
    struct credentials credentials;
    bool trial; /* they were just given, to be tried */
    struct auth_token *tokens;
    size_t count;
};

/* What to send for SCOPE ("repository:NAME:pull"; several with blanks between; "": the registry itself) before being asked; NULL: nothing is known yet. */
const char *auth_known(const struct auth *auth, const char *scope);

/* Answers the challenges of the 401 that REFUSED has ended with: *AUTHORIZATION is what to send for SCOPE. -EACCES with a
 * sentence where nothing would help. Asks the token server, if any, and waits for it. */
int auth_answer(struct auth *auth, const struct http_exchange *refused, const char *scope, const char **authorization);

/* Puts behind the sentence of -EACCES what helps. Returns R. */
int auth_remedy(const struct auth *auth, int r);

/* What the server said about its failure, on one line, in the arena: its own words, at most 300 bytes; NULL when it said
 * nothing that people could read. */
const char *auth_words(struct arena *arena, const struct http_exchange *exchange);
