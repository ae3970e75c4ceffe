#include "kernel/seccomp_resolve.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "kernel/capability.h"

#include <seccomp.h>
#include <stdio.h>

int seccomp_rule_applies(const char *name, const char *pointer, struct json_object *rule, uint64_t caps,
                         bool *applies)
{
    static const char *const keys[] = {"includes", "excludes"};
    *applies = true;
    for (size_t k = 0; k < COUNT(keys); k++) {
        struct json_object *condition = NULL;
        if (!json_object_object_get_ex(rule, keys[k], &condition))
            continue;
        struct json_object *list = json_list_of(condition, "caps");
        for (size_t i = 0; i < json_length(list); i++) {
            uint64_t mask;
            if (capability_parse(json_item(list, i), &mask) < 0)
                return refuse(-EINVAL, "%s: %s: unknown capability %.64s", name, pointer, json_item(list, i));
            bool has = (caps & mask) == mask;
            *applies &= k == 0 ? has : !has;
        }
    }
    return 0;
}

struct json_object *seccomp_arch_map(struct json_object *profile)
{
    const char *native = seccomp_arch_native() == SCMP_ARCH_X86_64 ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
    struct json_object *map = json_list_of(profile, "archMap");
    for (size_t i = 0; i < json_length(map); i++) {
        struct json_object *entry = json_object_array_get_idx(map, i);
        if (text_equal(json_text_of(entry, "architecture"), native))
            return entry;
    }
    return NULL;
}

static void resolve_arches(struct json_object *profile)
{
    struct json_object *entry = seccomp_arch_map(profile), *name = NULL;
    if (!entry || !json_object_object_get_ex(entry, "architecture", &name))
        return;
    struct json_object *arches = json_object_new_array(), *others = json_list_of(entry, "subArchitectures");
    json_object_array_add(arches, json_object_get(name));
    for (size_t i = 0; i < json_length(others); i++)
        json_object_array_add(arches, json_object_get(json_object_array_get_idx(others, i)));
    json_object_object_add(profile, "architectures", arches);
    json_object_object_del(profile, "archMap");
}

static int resolve_rules(struct json_object *profile, const char *name, uint64_t caps)
{
    static const char *const extensions[] = {"includes", "excludes", "comment"};
    struct json_object *rules = json_list_of(profile, "syscalls");
    for (size_t i = 0; i < json_length(rules);) {
        struct json_object *rule = json_object_array_get_idx(rules, i);
        char pointer[48];
        bool applies;
        snprintf(pointer, sizeof pointer, "/syscalls/%zu", i);
        TRY(seccomp_rule_applies(name, pointer, rule, caps, &applies));
        for (size_t k = 0; k < COUNT(extensions); k++)
            json_object_object_del(rule, extensions[k]);
        if (applies)
            i++;
        else
            json_object_array_del_idx(rules, i, 1);
    }
    return 0;
}

int seccomp_resolve(struct arena *arena, const char *text, const char *name, uint64_t caps, char **resolved)
{
    enum json_tokener_error error;
    auto_json *profile =
        json_tokener_parse_verbose(text, &error);
    if (!profile || !json_object_is_type(profile, json_type_object))
        return refuse(-EINVAL, "%s: not a JSON object: %s", name, json_tokener_error_desc(error));
    resolve_arches(profile);
    TRY(resolve_rules(profile, name, caps));
    *resolved = arena_strdup(arena, json_object_to_json_string_ext(profile, JSON_C_TO_STRING_PLAIN));
    return 0;
}
