#include "base/json_write.h"

#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

static void put_escaped(FILE *out, const char *text)
{
    putc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        int length = text_utf8_length((const char *)p);
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p == '\n')
            fputs("\\n", out);
        else if (*p == '\t')
            fputs("\\t", out);
        else if (text_control((const char *)p))
            fprintf(out, "\\u%04x", length == 2 ? p[1] : *p);
        else if (length == 0)
            fputs("\\ufffd", out);
        else
            fwrite(p, 1, (size_t)length, out);
        p += length ? length : 1;
    }
    putc('"', out);
}

static void begin_value(struct json_writer *json, const char *key)
{
    if (json->follows)
        putc(',', json->out);
    if (json->pretty && json->depth)
        fprintf(json->out, "\n%*s", json->depth * 4, "");
    else if (json->follows)
        putc(' ', json->out);
    if (key) {
        put_escaped(json->out, key);
        fputs(": ", json->out);
    }
    json->follows = true;
}

static void begin(struct json_writer *json, const char *key, char bracket)
{
    begin_value(json, key);
    putc(bracket, json->out);
    json->depth++;
    json->follows = false;
}

static void end(struct json_writer *json, char bracket)
{
    json->depth--;
    if (json->pretty && json->follows)
        fprintf(json->out, "\n%*s", json->depth * 4, "");
    putc(bracket, json->out);
    json->follows = true;
}

void json_begin_object(struct json_writer *json, const char *key)
{
    begin(json, key, '{');
}

void json_end_object(struct json_writer *json)
{
    end(json, '}');
}

void json_begin_array(struct json_writer *json, const char *key)
{
    begin(json, key, '[');
}

void json_end_array(struct json_writer *json)
{
    end(json, ']');
}

void json_put_string(struct json_writer *json, const char *key, const char *value)
{
    begin_value(json, key);
    put_escaped(json->out, value);
}

void json_put_i64(struct json_writer *json, const char *key, int64_t value)
{
    begin_value(json, key);
    fprintf(json->out, "%" PRId64, value);
}

void json_put_u64(struct json_writer *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

void json_put_bool(struct json_writer *json, const char *key, bool value)
{
    begin_value(json, key);
    fputs(value ? "true" : "false", json->out);
}

void json_put_double(struct json_writer *json, const char *key, double value)
{
    begin_value(json, key);
    fprintf(json->out, "%.3f", value);
}

void json_put_raw(struct json_writer *json, const char *key, const char *text)
{
    begin_value(json, key);
    fputs(text, json->out);
}

void json_put_strings(struct json_writer *json, const char *key, char *const *list)
{
    if (!list)
        return;
    json_begin_array(json, key);
    for (; *list; list++)
        json_put_string(json, NULL, *list);
    json_end_array(json);
}

int json_write_text(json_encoder *encode, const void *data, char **text, size_t *length)
{
    *text = NULL;
    FILE *out = open_memstream(text, length);
    if (!out)
        return fail(-ENOMEM, "write JSON");
    struct json_writer json = json_writer_compact(out);
    encode(data, &json);
    if (fclose(out) == 0)
        return 0;
    free(*text);
    *text = NULL;
    return fail(-ENOMEM, "write JSON");
}
