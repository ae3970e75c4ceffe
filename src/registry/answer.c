/* The head of an answer, line by line: those fields are kept that something here acts on. */
#include "registry/http.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>

static void note_type(struct arena *arena, struct http_answer *answer, const char *value)
{
    answer->type = arena_strndup(arena, value, strcspn(value, "; \t"));
}

static void note_digest(struct arena *arena, struct http_answer *answer, const char *value)
{
    answer->digest = arena_strdup(arena, value);
}

static void note_location(struct arena *arena, struct http_answer *answer, const char *value)
{
    answer->location = arena_strdup(arena, value);
}

static void note_encoding(struct arena *arena, struct http_answer *answer, const char *value)
{
    answer->encoding = strcasecmp(value, "identity") == 0 ? NULL : arena_strdup(arena, value);
}

static void note_tag(struct arena *arena, struct http_answer *answer, const char *value)
{
    answer->tag = *value == '"' && header_safe(value, 256) ? arena_strdup(arena, value) : NULL; /* a strong one */
}

static void note_length(struct arena *arena, struct http_answer *answer, const char *value)
{
    (void)arena;
    answer->has_length = text_to_u64(value, INT64_MAX, &answer->length) == 0;
}

static void note_range(struct arena *arena, struct http_answer *answer, const char *value)
{
    (void)arena;
    answer->has_range = content_range_parse(value, &answer->range);
}

static void note_retry(struct arena *arena, struct http_answer *answer, const char *value)
{
    (void)arena;
    answer->retry_after = retry_after_parse(value, time(NULL));
}

static void note_challenge(struct arena *arena, struct http_answer *answer, const char *value)
{
    challenge_parse(arena, value, &answer->challenges, &answer->challenge_count);
}

static void note_received(struct arena *arena, struct http_answer *answer, const char *value)
{
    answer->received = arena_strdup(arena, value);
}

static void note_chunk(struct arena *arena, struct http_answer *answer, const char *value)
{
    (void)arena;
    if (text_to_u64(value, INT64_MAX, &answer->chunk_least) < 0)
        answer->chunk_least = 0;
}

void http_answer_note(struct arena *arena, struct http_answer *answer, char *line)
{
    static const struct {
        const char *name;
        void (*note)(struct arena *arena, struct http_answer *answer, const char *value);
    } fields[] = {
        {"Content-Type", note_type},       {"Content-Length", note_length},
        {"Content-Range", note_range},     {"Content-Encoding", note_encoding},
        {"Location", note_location},       {"Retry-After", note_retry},
        {"ETag", note_tag},                {"Docker-Content-Digest", note_digest},
        {"WWW-Authenticate", note_challenge}, {"Range", note_received},
        {"OCI-Chunk-Min-Length", note_chunk},
    };
    char *colon = strchr(line, ':');
    if (!colon)
        return;
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t n = strlen(value); n && strchr(" \t\r\n", value[n - 1]); n--)
        value[n - 1] = '\0';
    for (size_t i = 0; i < COUNT(fields); i++)
        if (strcasecmp(line, fields[i].name) == 0)
            fields[i].note(arena, answer, value);
}
