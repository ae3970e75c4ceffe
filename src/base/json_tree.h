/* Looking into a JSON document whose shape is not that of a struct. What is missing or of another kind is NULL,
 * and an empty list. All is borrowed from the document. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void cleanup_json(struct json_object **json)
{
    json_object_put(*json);
}
#define auto_json __attribute__((cleanup(cleanup_json))) struct json_object

static inline const char *json_text_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    json_object_object_get_ex(object, key, &value);
    return value && json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* 0 for what is no number. */
static inline uint64_t json_number_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    json_object_object_get_ex(object, key, &value);
    return value ? (uint64_t)json_object_get_int64(value) : 0;
}

/* false for what is neither. */
static inline bool json_flag_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    json_object_object_get_ex(object, key, &value);
    return value && json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

static inline struct json_object *json_list_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    json_object_object_get_ex(object, key, &value);
    return value && json_object_is_type(value, json_type_array) ? value : NULL;
}

static inline size_t json_length(struct json_object *list)
{
    return list ? json_object_array_length(list) : 0;
}

/* "" for what is no text. */
static inline const char *json_item(struct json_object *list, size_t i)
{
    const char *text = json_object_get_string(json_object_array_get_idx(list, i));
    return text ? text : "";
}
