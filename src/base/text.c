#include "base/text.h"

#include "base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

int text_to_u64(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        uint64_t digit = (uint64_t)(*text - '0');
        if (__builtin_mul_overflow(sum, 10U, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return -ERANGE;
    }
    if (sum > max)
        return -ERANGE;
    *value = sum;
    return 0;
}

int text_to_u32(const char *text, uint32_t *value)
{
    uint64_t wide;
    int r = text_to_u64(text, UINT32_MAX, &wide);
    if (r == 0)
        *value = (uint32_t)wide;
    return r;
}

int text_to_id(const char *text, uint32_t *value)
{
    uint64_t wide;
    int r = text_to_u64(text, UINT32_MAX - 1, &wide);
    if (r == 0)
        *value = (uint32_t)wide;
    return r;
}

int text_to_i64(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    uint64_t magnitude;
    int r = text_to_u64(text + negative, INT64_MAX, &magnitude);
    if (r == 0)
        *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return r;
}

/* Splits "1.5g" into 1500 thousandths and "g". */
static int thousandths(const char *text, uint64_t *value, const char **suffix)
{
    const char *p = text;
    uint64_t sum = 0;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(sum, 10U, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum))
            return -ERANGE;
    if (p == text)
        return -EINVAL;
    if (__builtin_mul_overflow(sum, 1000U, &sum))
        return -ERANGE;
    if (*p == '.') {
        uint64_t place = 100;
        const char *first = ++p;
        for (; *p >= '0' && *p <= '9'; p++, place /= 10)
            sum += place * (uint64_t)(*p - '0');
        if (p == first)
            return -EINVAL;
    }
    *value = sum;
    *suffix = p;
    return 0;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* VALUE in thousandths times the factor of SUFFIX, divided by 1000. */
static int scale(const char *text, const struct unit *units, uint64_t *value)
{
    uint64_t number;
    const char *suffix;
    int r = thousandths(text, &number, &suffix);
    if (r < 0)
        return r;
    for (; units->name; units++)
        if (strcasecmp(units->name, suffix) == 0) {
            unsigned __int128 product = (unsigned __int128)number * units->factor / 1000;
            if (product > INT64_MAX)
                return -ERANGE;
            *value = (uint64_t)product;
            return 0;
        }
    return -EINVAL;
}

int text_to_bytes(const char *text, uint64_t *value)
{
    static const struct unit units[] = {
        {"", 1},           {"b", 1},           {"k", 1ULL << 10},  {"kb", 1ULL << 10},
        {"kib", 1ULL << 10}, {"m", 1ULL << 20},  {"mb", 1ULL << 20}, {"mib", 1ULL << 20},
        {"g", 1ULL << 30}, {"gb", 1ULL << 30}, {"gib", 1ULL << 30}, {"t", 1ULL << 40},
        {"tb", 1ULL << 40}, {"tib", 1ULL << 40}, {NULL, 0},
    };
    return scale(text, units, value);
}

int text_to_ms(const char *text, uint64_t *value)
{
    static const struct unit units[] = {
        {"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0},
    };
    return scale(text, units, value);
}

int text_to_bits(const char *text, unsigned long *bits, size_t words)
{
    enum { PER_WORD = 8 * sizeof *bits };
    memset(bits, 0, words * sizeof *bits);
    for (const char *p = text;; p++) {
        uint64_t ends[2];
        for (int i = 0; i < 2; i++) {
            char digits[8] = "";
            size_t n = strspn(p, "0123456789");
            if (n >= sizeof digits)
                return -ERANGE;
            memcpy(digits, p, n);
            int r = text_to_u64(digits, words * PER_WORD - 1, &ends[i]);
            if (r < 0)
                return r;
            p += n;
            if (i == 0 && *p != '-')
                ends[++i] = ends[0];
            else if (i == 0)
                p++;
        }
        if (ends[0] > ends[1])
            return -EINVAL;
        for (uint64_t bit = ends[0]; bit <= ends[1]; bit++)
            bits[bit / PER_WORD] |= 1UL << bit % PER_WORD;
        if (*p != ',')
            return *p ? -EINVAL : 0;
    }
}

char **text_split(struct arena *arena, const char *text, char separator, size_t *count)
{
    size_t n = 1;
    for (const char *p = text; *p; p++)
        n += *p == separator;
    char **list = arena_alloc(arena, (n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        const char *end = strchrnul(text, separator);
        list[i] = arena_strndup(arena, text, (size_t)(end - text));
        text = end + 1;
    }
    if (count)
        *count = n;
    return list;
}

size_t text_count(char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

char *text_join(struct arena *arena, char *const *list, const char *separator)
{
    size_t size = 1;
    for (size_t i = 0; list[i]; i++)
        size += strlen(list[i]) + strlen(separator);
    char *text = arena_alloc(arena, size), *p = text;
    for (size_t i = 0; list[i]; i++)
        p = stpcpy(stpcpy(p, i ? separator : ""), list[i]);
    return text;
}

void text_hex(const unsigned char *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

int text_random_hex(char *out, size_t size)
{
    unsigned char bytes[64];
    if (size > sizeof bytes || getrandom(bytes, size, 0) != (ssize_t)size)
        return -EIO;
    text_hex(bytes, size, out);
    return 0;
}

/* Without gmtime(3) and strftime(3), which read the host's time zone first: a tenth of a millisecond, for nothing. Years
 * begin in March here, so that the leap day is the last of them; 400 of them have 146,097 days. */
void text_utc(int64_t seconds, char out[TEXT_NOW_SIZE])
{
    int64_t days = seconds / 86400 + 719468, rest = seconds % 86400; /* since 1 March of year 0 */
    int64_t era = days / 146097, day = days % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153; /* from March; five of them have 153 days */
    day -= (153 * month + 2) / 5;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    snprintf(out, TEXT_NOW_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)(day + 1) % 100, (unsigned)(rest / 3600), (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
}

void text_now(char out[TEXT_NOW_SIZE])
{
    text_utc(time(NULL), out);
}

/* ---- UTF-8 and terminals ---- */

int text_utf8_length(const char *text)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte; of the second */
        int length;
    } forms[] = {
        {0x20, 0x7f, 0, 0xff, 1},    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (*p < forms[i].first || *p > forms[i].last)
            continue;
        if (forms[i].length > 1 && (p[1] < forms[i].low || p[1] > forms[i].high))
            return 0;
        for (int k = 2; k < forms[i].length; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

bool text_control(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    return (*p && *p < 0x20) || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0);
}

void text_disarm(char *text)
{
    for (char *p = text; *p;) {
        int length = text_utf8_length(p);
        bool bad = length == 0 || text_control(p);
        for (int i = 0; i < (length ? length : 1); i++, p++)
            *p = bad ? '?' : *p;
    }
}

char *text_disarmed(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    text_disarm(copy);
    return copy;
}

bool text_path_covers(const char *path, const char *below)
{
    size_t length = path && below ? strlen(path) : 0;
    while (length && path[length - 1] == '/')
        length--;
    return path && below && strncmp(path, below, length) == 0 &&
           (below[length] == '/' || below[length] == '\0');
}
