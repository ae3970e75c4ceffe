/* Writing JSON in order, without a tree. Keys are NULL inside arrays. Strings are escaped: control
 * characters as \u00XX, bytes that are no UTF-8 as U+FFFD. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
    FILE *out;
    int depth;
    bool pretty, follows;
};

static inline struct json_writer json_writer_compact(FILE *out)
{
    return (struct json_writer){.out = out};
}

static inline struct json_writer json_writer_pretty(FILE *out)
{
    return (struct json_writer){.out = out, .pretty = true};
}

void json_begin_object(struct json_writer *json, const char *key);
void json_end_object(struct json_writer *json);
void json_begin_array(struct json_writer *json, const char *key);
void json_end_array(struct json_writer *json);
void json_put_string(struct json_writer *json, const char *key, const char *value);
void json_put_i64(struct json_writer *json, const char *key, int64_t value);
void json_put_u64(struct json_writer *json, const char *key, uint64_t value);
void json_put_bool(struct json_writer *json, const char *key, bool value);
void json_put_double(struct json_writer *json, const char *key, double value);
/* TEXT is JSON already. */
void json_put_raw(struct json_writer *json, const char *key, const char *text);
/* A list that ends in NULL; nothing at all when LIST is NULL. */
void json_put_strings(struct json_writer *json, const char *key, char *const *list);

/* What ENCODE writes of DATA, compact, in *TEXT, of *LENGTH bytes and a NUL, which the caller frees. -ENOMEM with a
 * sentence. */
typedef void json_encoder(const void *data, struct json_writer *json);
int json_write_text(json_encoder *encode, const void *data, char **text, size_t *length);
