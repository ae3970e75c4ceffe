/* Heads of HTTP answers, line by line, and what is made of their Location: all that is handed out is printable and fits. */
#include "target.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "registry/header.h"
#include "registry/http.h"

static void check_text(const char *text)
{
    for (; text && *text; text++)
        CHECK(*text >= ' ' && *text <= '~');
}

static void check_challenges(const struct http_answer *answer)
{
    CHECK(answer->challenge_count <= 16);
    for (size_t i = 0; i < answer->challenge_count; i++) {
        const struct challenge *challenge = &answer->challenges[i];
        const char *const texts[] = {challenge->realm, challenge->service, challenge->scope, challenge->error};
        CHECK(challenge->scheme <= CHALLENGE_BEARER);
        for (size_t k = 0; k < COUNT(texts); k++)
            check_text(texts[k]);
    }
}

static void check_address(struct arena *arena, const char *reference)
{
    static const char base[] = "https://a.example/v2/b/blobs/c";
    error_clear();
    const char *url = reference ? http_resolve(arena, base, reference) : NULL;
    CHECK(url || !reference || *error_text());
    if (!url)
        return;
    check_text(url);
    CHECK(text_after(url, "https://") || text_after(url, "http://"));
    CHECK(http_same_origin(url, url));
    const char *host = http_host(arena, url);
    CHECK(!http_same_origin(base, url) || (strncasecmp(host, "a.example", 9) == 0 && (!host[9] || host[9] == ':')));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena arena = {0};
    struct http_answer answer = {.retry_after = -1};
    const char *text = arena_strndup(&arena, (const char *)data, size), *p = text;
    while (p < text + size) { /* as libcurl does, a line may have a NUL in it */
        const char *end = memchr(p, '\n', (size_t)(text + size - p));
        size_t length = end ? (size_t)(end - p) + 1 : (size_t)(text + size - p);
        http_answer_note(&arena, &answer, arena_strndup(&arena, p, length));
        p += length;
    }
    check_challenges(&answer);
    CHECK(!answer.has_length || answer.length <= INT64_MAX);
    CHECK(!answer.has_range || (answer.range.first <= answer.range.last && answer.range.last < answer.range.total));
    CHECK(!answer.tag || header_safe(answer.tag, 256));
    check_address(&arena, answer.location);
    return 0;
}
