/* Moments, as images and people write them. */
#pragma once

#include <stdint.h>

struct instant {
    int64_t seconds; /* since 1970, UTC */
    uint32_t nanoseconds;
};

/* Reads RFC 3339 ("2026-11-27T12:00:00.123456789+01:00"; the year 0 to 9999). -EINVAL, no sentence. */
int instant_parse(const char *text, struct instant *instant);

/* The same; or a day ("2026-11-27", in UTC), seconds since 1970, or how long ago: a number with s, m, h or d. -EINVAL, no
 * sentence. */
int instant_parse_word(const char *word, struct instant *instant);

/* Negative, 0 or positive, as A is before B, the same or after it. */
int instant_compare(const struct instant *a, const struct instant *b);
