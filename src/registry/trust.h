/* Certificates in memory, as PEM; NULL: none of that kind. */
#pragma once

struct http_trust {
    const char *authorities; /* the system's and those that were added */
    const char *certificate, *key; /* the client's own */
};
