#include "spec/config_fields.h"

#include "base/error.h"
#include "base/text.h"

#include <json-c/json.h>
#include <string.h>

const char *config_origin(struct json_source *s)
{
    return arena_strdup(s->arena, s->pointer);
}

static int decode_pair(struct json_source *s, struct json_object *value, void *into)
{
    struct key_value *pair = into;
    pair->origin = config_origin(s);
    return json_string(s, value, &pair->value);
}

int config_read_pairs(struct json_source *s, struct json_object *value, struct key_value **list,
                      size_t *count)
{
    void *pairs;
    TRY(json_read_map(s, value, decode_pair, sizeof **list, &pairs, count));
    *list = pairs;
    return 0;
}

/* ---- words and numbers ---- */

/* "A, B or C" */
static const char *alternatives(struct json_source *s, const struct config_word *words)
{
    const char *text = words->name;
    for (words++; words->name; words++)
        text = arena_printf(s->arena, "%s%s%s", text, words[1].name ? ", " : " or ", words->name);
    return text;
}

static const struct config_word *find_word(const struct config_word *words, const char *name)
{
    while (words->name && !text_equal(words->name, name))
        words++;
    return words->name ? words : NULL;
}

int config_read_word(struct json_source *s, struct json_object *value, const struct config_word *words,
                     const struct config_word **word)
{
    const char *name;
    TRY(json_string(s, value, &name));
    *word = find_word(words, name);
    return *word ? 0 : json_expected(s, alternatives(s, words));
}

int config_read_flags(struct json_source *s, struct json_object *value, const struct config_word *words,
                      uint64_t *flags)
{
    char **names;
    TRY(json_strings(s, value, &names));
    for (size_t i = 0; names[i]; i++) {
        const struct config_word *word = find_word(words, names[i]);
        if (!word)
            return refuse(-EINVAL, "%s: %s/%zu: expected %s", s->name, s->pointer, i, alternatives(s, words));
        *flags |= word->value;
    }
    return 0;
}

int config_read_range(struct json_source *s, struct json_object *value, int64_t least, int64_t most, int64_t *number)
{
    TRY(json_i64(s, value, number));
    return *number >= least && *number <= most
               ? 0
               : json_expected(s, arena_printf(s->arena, "%lld to %lld", (long long)least, (long long)most));
}

int config_missing(struct json_source *s, const char *name)
{
    return refuse(-EINVAL, "%s: %s/%s: is missing", s->name, s->pointer, name);
}

int config_read_label(struct json_source *s, struct json_object *value, void *into)
{
    TRY(json_string(s, value, into));
    const char **label = into;
    if (!**label || text_equal(*label, "unconfined"))
        *label = NULL;
    return 0;
}

int config_read_device_type(struct json_source *s, struct json_object *value, void *into)
{
    const char *type;
    TRY(json_string(s, value, &type));
    if (!*type || type[1] || !strchr("abcup", *type))
        return json_expected(s, "a, b, c, u or p");
    *(char *)into = *type == 'u' ? 'c' : *type;
    return 0;
}

int config_read_id(struct json_source *s, struct json_object *value, void *into)
{
    uint32_t id;
    if (json_u32(s, value, &id) < 0 || id == UINT32_MAX) {
        error_clear(); /* said better here */
        return json_expected(s, "an id of 0 to 4294967294");
    }
    *(uint32_t *)into = id;
    return 0;
}

static const struct json_field map_fields[] = {
    {"containerID", config_read_id, AT(idmap, inside)},
    {"hostID", config_read_id, AT(idmap, outside)},
    {"size", json_u32, AT(idmap, count)},
    {0},
};

static int decode_map(struct json_source *s, struct json_object *value, void *into)
{
    struct idmap *map = into;
    TRY(json_read_object(s, value, map_fields, map));
    if (!map->count || (uint64_t)map->inside + map->count > UINT32_MAX ||
        (uint64_t)map->outside + map->count > UINT32_MAX)
        return json_expected(s, "a size of 1 or more, with all ids below 4294967295");
    return 0;
}

int config_read_maps(struct json_source *s, struct json_object *value, void *into)
{
    struct idmaps *maps = into;
    void *list;
    TRY(json_read_list(s, value, decode_map, sizeof *maps->list, &list, &maps->count));
    maps->list = list;
    return 0;
}
