#include "base/json_read.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"

#include <stdint.h>
#include <string.h>

enum { DEEPEST = 32 };

int json_expected(struct json_source *source, const char *what)
{
    return refuse(-EINVAL, "%s: %s: expected %s", source->name,
                  *source->pointer ? source->pointer : "/", what);
}

/* Appends "/KEY" with ~ and / escaped, and cut where there is no room; returns the old length, for pop(). */
static size_t push(struct json_source *source, const char *key)
{
    size_t old = strlen(source->pointer), at = old;
    if (at + 1 < sizeof source->pointer)
        source->pointer[at++] = '/';
    for (; *key && at + 3 < sizeof source->pointer; key++)
        if (*key == '~' || *key == '/') {
            source->pointer[at++] = '~';
            source->pointer[at++] = *key == '~' ? '0' : '1';
        } else {
            source->pointer[at++] = *key;
        }
    source->pointer[at] = '\0';
    return old;
}

static void pop(struct json_source *source, size_t old)
{
    source->pointer[old] = '\0';
}

int json_read_object(struct json_source *source, struct json_object *value,
                     const struct json_field *fields, void *into)
{
    if (!json_object_is_type(value, json_type_object))
        return json_expected(source, "an object");
    for (; fields->name; fields++) {
        struct json_object *member = NULL;
        if (!json_object_object_get_ex(value, fields->name, &member) || !member)
            continue;
        if (strlen(source->pointer) + strlen(fields->name) + 8 > sizeof source->pointer)
            return json_expected(source, "less depth");
        size_t old = push(source, fields->name);
        TRY(fields->decode(source, member, (char *)into + fields->offset));
        pop(source, old);
    }
    return 0;
}

int json_read_list(struct json_source *source, struct json_object *value, json_decoder *decode,
                   size_t size, void **list, size_t *count)
{
    if (!json_object_is_type(value, json_type_array))
        return json_expected(source, "an array");
    *list = NULL;
    *count = 0;
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        size_t old = push(source, index);
        *list = arena_grow(source->arena, *list, *count, size);
        TRY(decode(source, json_object_array_get_idx(value, i), (char *)*list + *count * size));
        ++*count;
        pop(source, old);
    }
    return 0;
}

int json_read_map(struct json_source *source, struct json_object *value, json_decoder *decode,
                  size_t size, void **list, size_t *count)
{
    if (!json_object_is_type(value, json_type_object))
        return json_expected(source, "an object");
    *list = NULL;
    *count = 0;
    json_object_object_foreach(value, key, member) {
        size_t old = push(source, key);
        *list = arena_grow(source->arena, *list, *count, size);
        void *element = (char *)*list + *count * size;
        *(const char **)element = arena_strdup(source->arena, key);
        TRY(decode(source, member, element));
        ++*count;
        pop(source, old);
    }
    return 0;
}

int json_flag(struct json_source *source, struct json_object *value, void *into)
{
    if (!json_object_is_type(value, json_type_boolean))
        return json_expected(source, "true or false");
    *(bool *)into = json_object_get_boolean(value);
    return 0;
}

static bool is_negative(struct json_object *value)
{
    return json_object_get_int64(value) < 0;
}

int json_u64(struct json_source *source, struct json_object *value, void *into)
{
    if (!json_object_is_type(value, json_type_int) || is_negative(value))
        return json_expected(source, "an integer of 0 or more");
    *(uint64_t *)into = json_object_get_uint64(value);
    return 0;
}

int json_i64(struct json_source *source, struct json_object *value, void *into)
{
    if (!json_object_is_type(value, json_type_int))
        return json_expected(source, "an integer");
    if (!is_negative(value) && json_object_get_uint64(value) > INT64_MAX)
        return json_expected(source, "an integer of 64 bits");
    *(int64_t *)into = json_object_get_int64(value);
    return 0;
}

int json_u32(struct json_source *source, struct json_object *value, void *into)
{
    uint64_t wide;
    TRY(json_u64(source, value, &wide));
    if (wide > UINT32_MAX)
        return json_expected(source, "an integer of 32 bits");
    *(uint32_t *)into = (uint32_t)wide;
    return 0;
}

int json_string(struct json_source *source, struct json_object *value, void *into)
{
    if (!json_object_is_type(value, json_type_string))
        return json_expected(source, "a string");
    const char *text = json_object_get_string(value);
    size_t length = (size_t)json_object_get_string_len(value);
    if (strlen(text) != length)
        return json_expected(source, "a string without zero bytes");
    *(const char **)into = arena_strndup(source->arena, text, length);
    return 0;
}

int json_strings(struct json_source *source, struct json_object *value, void *into)
{
    void *list;
    size_t count;
    TRY(json_read_list(source, value, json_string, sizeof(char *), &list, &count));
    char **strings = list;
    *LIST_ADD(source->arena, &strings, &count) = NULL;
    *(char ***)into = strings;
    return 0;
}

static void cleanup_tokener(struct json_tokener **tokener)
{
    if (*tokener)
        json_tokener_free(*tokener);
}

static int parse(const char *text, size_t length, const char *name, int flags, struct json_object **root)
{
    if (length > INT32_MAX)
        return refuse(-EFBIG, "%s: too large", name);
    __attribute__((cleanup(cleanup_tokener))) struct json_tokener *tokener =
        json_tokener_new_ex(DEEPEST);
    if (!tokener)
        return fail(-ENOMEM, "%s", name);
    json_tokener_set_flags(tokener, flags);
    *root = json_tokener_parse_ex(tokener, text, (int)length + 1); /* with its NUL: complete or not */
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error != json_tokener_success)
        return refuse(-EINVAL, "%s: not JSON: %s at byte %zu", name, json_tokener_error_desc(error),
                      json_tokener_get_parse_end(tokener));
    return 0;
}

int json_read(struct arena *arena, const char *text, size_t length, const char *name,
              const struct json_field *fields, void *into)
{
    auto_json *root = NULL;
    TRY(parse(text, length, name, JSON_TOKENER_STRICT, &root));
    struct json_source source = {.arena = arena, .name = name};
    return json_read_object(&source, root, fields, into);
}

int json_read_array(struct arena *arena, const char *text, size_t length, const char *name, json_decoder *decode,
                    size_t size, void **list, size_t *count)
{
    auto_json *root = NULL;
    TRY(parse(text, length, name, JSON_TOKENER_STRICT, &root));
    struct json_source source = {.arena = arena, .name = name};
    return json_read_list(&source, root, decode, size, list, count);
}

/* ---- strictly ---- */

/* What a text has, without a tree. */
struct counts {
    size_t objects, values, members;
};

/* What stands outside of strings: space, punctuation, numbers, true, false, null. */
static const bool is_bare[256] = {
    [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, ['{'] = true, ['}'] = true, ['['] = true, [']'] = true,
    [','] = true, [':'] = true, ['+'] = true, ['-'] = true, ['.'] = true, ['0' ... '9'] = true, ['E'] = true, ['t'] = true,
    ['r'] = true, ['u'] = true, ['e'] = true, ['f'] = true, ['a'] = true, ['l'] = true, ['s'] = true, ['n'] = true,
};

/* Over the string that begins behind the quote at AT; returns its closing quote, or what is wrong in it. */
static const char *skip_string(const char *at, const char *end, const char **fault)
{
    for (at++; at < end && *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            *fault = "a control character in a string";
        if (*at == '\\' && ++at < end && end - at >= 5 && memcmp(at, "u0000", 5) == 0)
            *fault = "a zero byte in a string";
        if (*fault)
            break;
    }
    return at;
}

/* json-c takes single quotes, NaN and Infinity, and the end of a text for a zero byte. */
static int count(const char *text, size_t length, const char *name, struct counts *counts)
{
    const char *fault = NULL, *end = text + length, *at = text;
    for (; at < end && !fault; at++)
        if (*at == '"')
            at = skip_string(at, end, &fault);
        else if (!is_bare[(unsigned char)*at])
            fault = "unexpected character";
        else {
            counts->objects += *at == '{';
            counts->values += *at == ',';
            counts->members += *at == ':';
        }
    return fault ? refuse(-EINVAL, "%s: not JSON: %s at byte %zu", name, fault, (size_t)(at - text)) : 0;
}

/* How many members all objects of a tree have; no deeper than it could be parsed. */
static size_t count_members(struct json_object *value)
{
    size_t n = 0;
    if (json_object_is_type(value, json_type_array))
        for (size_t i = 0; i < json_object_array_length(value); i++)
            n += count_members(json_object_array_get_idx(value, i));
    if (json_object_is_type(value, json_type_object)) {
        n += (size_t)json_object_object_length(value);
        struct json_object_iterator at = json_object_iter_begin(value), end = json_object_iter_end(value);
        for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
            n += count_members(json_object_iter_peek_value(&at));
    }
    return n;
}

int json_read_strict_value(struct arena *arena, const char *text, size_t length, const char *name,
                           json_decoder *decode, void *into)
{
    struct counts counts = {0};
    TRY(count(text, length, name, &counts));
    if (counts.objects > 4096 + length / 64 || counts.values > 4096 + length / 8)
        return refuse(-EFBIG, "%s: more values than a document of its size has", name);
    auto_json *root = NULL;
    TRY(parse(text, length, name, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8, &root));
    if (count_members(root) != counts.members)
        return refuse(-EINVAL, "%s: an object has a member twice", name);
    struct json_source source = {.arena = arena, .name = name};
    return decode(&source, root, into);
}

/* The table of json_read_strict(), and what it is read into, as a decoder's target. */
struct table {
    const struct json_field *fields;
    void *into;
};

static int decode_table(struct json_source *source, struct json_object *value, void *into)
{
    const struct table *table = into;
    return json_read_object(source, value, table->fields, table->into);
}

int json_read_strict(struct arena *arena, const char *text, size_t length, const char *name,
                     const struct json_field *fields, void *into)
{
    struct table table = {fields, into};
    return json_read_strict_value(arena, text, length, name, decode_table, &table);
}
