/* The usual configuration lies in data/spec.json, to be read as it is, and is a part of the executable; its version is
 * the oldest that has words for it, so that every runtime takes it. Here is what an ordinary user's differs in: without
 * newuidmap(1) a user namespace has one id, so that no other can be named; a new sysfs needs a network namespace of the
 * same user namespace, so that without one the host's is bound; and cgroups may not be the user's to limit. */
#include "spec/template.h"

#include "base/json_tree.h"
#include "base/text.h"

extern const char bocal_spec_start[]; /* tools/embed, with a NUL behind it */

static struct json_object *part(struct json_object *object, const char *key)
{
    return json_object_object_get(object, key);
}

/* Where LIST has the object whose KEY is VALUE. */
static size_t place_of(struct json_object *list, const char *key, const char *value)
{
    size_t i = 0;
    while (i < json_length(list) && !text_equal(json_text_of(json_object_array_get_idx(list, i), key), value))
        i++;
    return i;
}

static void add_namespace(struct json_object *linux_part, const char *type)
{
    struct json_object *namespace = json_object_new_object();
    json_object_object_add(namespace, "type", json_object_new_string(type));
    json_object_array_add(part(linux_part, "namespaces"), namespace);
}

static void add_map(struct json_object *linux_part, const char *key, uint32_t id)
{
    struct json_object *map = json_object_new_object(), *list = json_object_new_array();
    json_object_object_add(map, "containerID", json_object_new_int(0));
    json_object_object_add(map, "hostID", json_object_new_int64(id));
    json_object_object_add(map, "size", json_object_new_int(1));
    json_object_array_add(list, map);
    json_object_object_add(linux_part, key, list);
}

static void drop_ids(struct json_object *words)
{
    for (size_t i = json_length(words); i-- > 0;)
        if (text_after(json_item(words, i), "gid="))
            json_object_array_del_idx(words, i, 1);
}

static void make_rootless(struct json_object *config, uid_t uid, gid_t gid)
{
    static const char sys[] = "{\"destination\": \"/sys\", \"type\": \"none\", \"source\": \"/sys\","
                              " \"options\": [\"rbind\", \"nosuid\", \"noexec\", \"nodev\", \"ro\"]}";
    struct json_object *mounts = part(config, "mounts"), *linux_part = part(config, "linux");
    struct json_object *namespaces = part(linux_part, "namespaces");
    for (size_t i = 0; i < json_length(mounts); i++)
        drop_ids(part(json_object_array_get_idx(mounts, i), "options"));
    json_object_array_put_idx(mounts, place_of(mounts, "destination", "/sys"), json_tokener_parse(sys));
    json_object_object_del(linux_part, "resources");
    json_object_array_del_idx(namespaces, place_of(namespaces, "type", "network"), 1);
    add_namespace(linux_part, "user");
    add_map(linux_part, "uidMappings", uid);
    add_map(linux_part, "gidMappings", gid);
}

void template_write(const struct template_options *options, FILE *out)
{
    auto_json *config = json_tokener_parse(bocal_spec_start);
    if (options->cgroup_namespace)
        add_namespace(part(config, "linux"), "cgroup");
    if (options->rootless)
        make_rootless(config, options->uid, options->gid);
    fputs(json_object_to_json_string_ext(config, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                     JSON_C_TO_STRING_NOSLASHESCAPE), out);
    putc('\n', out);
}
