/* The fields of HTTP answers that this program acts on. All come from strangers: a parser here takes any bytes without
 * NUL, never fails loudly, and hands out only what is printable ASCII. RFC 9110. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum challenge_scheme { CHALLENGE_OTHER, CHALLENGE_BASIC, CHALLENGE_BEARER };

/* What a server wants to see before it answers: one of WWW-Authenticate (11.6.1). What was not said is NULL. */
struct challenge {
    enum challenge_scheme scheme;
    const char *realm, *service, *scope, *error;
};

/* Appends the challenges of one field's VALUE to *LIST of *COUNT, in the arena. What is malformed ends the list: the
 * challenges before it stand. */
void challenge_parse(struct arena *arena, const char *value, struct challenge **list, size_t *count);

/* Seconds from NOW until the time that Retry-After (10.2.3) names, as a number or a date, 0 for one that has passed.
 * -EINVAL for neither. */
int64_t retry_after_parse(const char *value, time_t now);

/* "bytes FIRST-LAST/TOTAL" of Content-Range (14.4). False for anything else, and for numbers that contradict each other. */
struct content_range {
    uint64_t first, last, total;
};
bool content_range_parse(const char *value, struct content_range *range);

/* Whether TEXT may stand in a header or an address that we send: visible ASCII, at most MOST bytes, and some. */
bool header_safe(const char *text, size_t most);
