/* A challenge is a scheme and then parameters, separated by commas; so are challenges. What follows a comma is told by
 * what stands behind its first word: "=" makes it a parameter, anything else a scheme. */
#include "registry/header.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum { CHALLENGES_MOST = 16, VALUE_MOST = 4096 };

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* The end of the token (5.6.2) at P. */
static const char *token_end(const char *p)
{
    return p + strspn(p, "!#$%&'*+-.^_`|~0123456789"
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

bool header_safe(const char *text, size_t most)
{
    size_t length = 0;
    for (; length <= most && text[length]; length++)
        if (text[length] <= ' ' || text[length] > '~')
            return false;
    return length > 0 && length <= most;
}

/* A parameter's value at P, quoted or a token, into *VALUE. The place behind it, or NULL: malformed, or with bytes that
 * nobody prints. */
static const char *parse_value(struct arena *arena, const char *p, const char **value)
{
    if (*p != '"') {
        const char *end = p + strcspn(p, " \t,\"");
        *value = arena_strndup(arena, p, (size_t)(end - p));
        return header_safe(*value, VALUE_MOST) ? end : NULL;
    }
    size_t length = 0, room = strnlen(p, VALUE_MOST);
    char *text = arena_alloc(arena, room + 1);
    for (p++; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1])
            p++;
        if (*p < ' ' || *p > '~' || length == room)
            return NULL;
        text[length++] = *p;
    }
    *value = text;
    return *p == '"' ? p + 1 : NULL;
}

static void store(struct challenge *challenge, const char *name, size_t length, const char *value)
{
    static const struct {
        const char *name;
        size_t offset;
    } known[] = {
        {"realm", offsetof(struct challenge, realm)},
        {"service", offsetof(struct challenge, service)},
        {"scope", offsetof(struct challenge, scope)},
        {"error", offsetof(struct challenge, error)},
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        const char **field = (const char **)((char *)challenge + known[i].offset);
        if (strlen(known[i].name) == length && strncasecmp(known[i].name, name, length) == 0 && !*field)
            *field = value; /* the first one: 11.2 has each but once */
    }
}

/* The parameters at P, up to the next challenge; NULL where they are malformed. */
static const char *parse_parameters(struct arena *arena, const char *p, struct challenge *challenge)
{
    for (;;) {
        const char *name = p = p + strspn(p, " \t,"), *end = token_end(p);
        const char *equals = skip_blanks(end);
        if (end == name || *equals != '=')
            return *name && end == name ? NULL : name;
        const char *value;
        p = parse_value(arena, skip_blanks(equals + 1), &value);
        if (!p || (*(p = skip_blanks(p)) && *p != ','))
            return NULL;
        store(challenge, name, (size_t)(end - name), value);
    }
}

void challenge_parse(struct arena *arena, const char *value, struct challenge **list, size_t *count)
{
    static const struct {
        const char *name;
        enum challenge_scheme scheme;
    } schemes[] = {{"basic", CHALLENGE_BASIC}, {"bearer", CHALLENGE_BEARER}};
    const char *p = value + strspn(value, " \t,");
    while (p && *p && *count < CHALLENGES_MOST) {
        struct challenge challenge = {0};
        const char *end = token_end(p);
        if (end == p || (*end && !strchr(" \t,", *end)))
            return;
        for (size_t i = 0; i < COUNT(schemes); i++)
            if (strlen(schemes[i].name) == (size_t)(end - p) &&
                strncasecmp(schemes[i].name, p, (size_t)(end - p)) == 0)
                challenge.scheme = schemes[i].scheme;
        p = parse_parameters(arena, end, &challenge);
        if (p)
            *LIST_ADD(arena, list, count) = challenge;
    }
}

int64_t retry_after_parse(const char *value, time_t now)
{
    uint64_t seconds;
    int r = text_to_u64(value, INT32_MAX, &seconds);
    if (r == 0)
        return (int64_t)seconds;
    if (r == -ERANGE)
        return INT32_MAX;
    time_t date = curl_getdate(value, NULL);
    if (date == (time_t)-1)
        return -EINVAL;
    return date > now ? date - now : 0;
}

bool content_range_parse(const char *value, struct content_range *range)
{
    if (strncasecmp(value, "bytes ", 6) != 0)
        return false;
    uint64_t *const numbers[] = {&range->first, &range->last, &range->total};
    const char *p = skip_blanks(value + 6);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        char digits[24] = "";
        size_t length = strspn(p, "0123456789");
        if (length == 0 || length >= sizeof digits || p[length] != "-/"[i])
            return false;
        memcpy(digits, p, length);
        if (text_to_u64(digits, INT64_MAX, numbers[i]) < 0)
            return false;
        p += length + (i < 2);
    }
    return range->first <= range->last && range->last < range->total;
}
