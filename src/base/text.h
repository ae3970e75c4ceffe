/* Strings and strict numbers. "Strict" means: the whole text is the number, decimal, in range, no
 * sign, no blanks; `-1`, `4294967295` as an id, twenty digits and "" never become something else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

static inline bool text_equal(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* The rest of TEXT after PREFIX, or NULL. */
static inline const char *text_after(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* Whether PATH is BELOW or a directory above it; slashes at PATH's end are nothing. Neither is looked up. False where one
 * is NULL. */
bool text_path_covers(const char *path, const char *below);

/* Decimal digits only, value at most MAX. 0 or -EINVAL / -ERANGE; leaves no sentence. */
int text_to_u64(const char *text, uint64_t max, uint64_t *value);
int text_to_u32(const char *text, uint32_t *value);
/* A uid or gid: at most 4294967294, for (uid_t)-1 means "leave unchanged" to setresuid(2). */
int text_to_id(const char *text, uint32_t *value);
/* An optional '-' and decimal digits. */
int text_to_i64(const char *text, int64_t *value);
/* Bytes, with an optional suffix b k m g t (binary, either case), a fraction allowed: 1.5g. */
int text_to_bytes(const char *text, uint64_t *value);
/* Seconds, or a number with ms s m h, into milliseconds. */
int text_to_ms(const char *text, uint64_t *value);
/* "0-3,7", as cpuset(7) has lists of processors and of memory nodes, into WORDS words of bits. */
int text_to_bits(const char *text, unsigned long *bits, size_t words);

/* Splits at SEPARATOR into a NULL-terminated list in the arena; empty fields are kept. */
char **text_split(struct arena *arena, const char *text, char separator, size_t *count);
/* Joins a NULL-terminated list. */
char *text_join(struct arena *arena, char *const *list, const char *separator);
size_t text_count(char *const *list);

/* The time now as RFC 3339 has it, in UTC: "2026-11-24T17:29:37Z". */
enum { TEXT_NOW_SIZE = 21 };
/* The same of SECONDS since 1970, not negative, before the year 10000. */
void text_utc(int64_t seconds, char out[TEXT_NOW_SIZE]);
void text_now(char out[TEXT_NOW_SIZE]);

/* SIZE bytes as lowercase hexadecimal; OUT holds 2*SIZE+1. */
void text_hex(const unsigned char *bytes, size_t size, char *out);
/* Lowercase hexadecimal of SIZE random bytes from getrandom(2); OUT holds 2*SIZE+1. */
int text_random_hex(char *out, size_t size);

/* The length of the UTF-8 sequence that TEXT begins with, or 0 when it is none (RFC 3629: no surrogates, no long forms). */
int text_utf8_length(const char *text);
/* Whether TEXT begins with what a terminal acts on: C0, DEL, or C1, whose U+009B is as good as ESC [. */
bool text_control(const char *text);
/* Makes every byte of those, and of what is no UTF-8, a question mark: for what is shown to people and may be anybody's. */
void text_disarm(char *text);
/* A copy of TEXT in ARENA, so changed. */
char *text_disarmed(struct arena *arena, const char *text);
