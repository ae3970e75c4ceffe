#include "base/json_write.h"

#include <inttypes.h>
#include <stddef.h>

/* The length of the UTF-8 sequence at P, or 0 when it is none (RFC 3629: no surrogates, no long forms). */
static int utf8_length(const unsigned char *p)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte; of the second */
        int length;
    } forms[] = {
        {0x20, 0x7f, 0, 0xff, 1},    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
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

static void put_escaped(FILE *out, const char *text)
{
    putc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        int length = utf8_length(p);
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p == '\n')
            fputs("\\n", out);
        else if (*p == '\t')
            fputs("\\t", out);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(out, "\\u%04x", *p);
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
