/* /linux: namespaces, devices, and what else is Linux's own. */
#include "spec/config_fields.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "spec/config_decode.h"

#include <ctype.h>
#include <json-c/json.h>
#include <net/if.h>
#include <string.h>

/* ---- namespaces, devices ---- */

struct ns_row {
    const char *type, *path, *origin;
    enum ns_kind kind;
};

static const struct json_field ns_fields[] = {
    {"type", json_string, AT(ns_row, type)},
    {"path", json_string, AT(ns_row, path)},
    {0},
};

static int decode_namespace(struct json_source *s, struct json_object *value, void *into)
{
    struct ns_row *row = into;
    row->origin = config_origin(s);
    TRY(json_read_object(s, value, ns_fields, row));
    if (row->path && *row->path && *row->path != '/')
        return refuse(-EINVAL, "%s: %s/path: expected an absolute path", s->name, s->pointer);
    for (int i = 0; i < NS_COUNT; i++)
        if (text_equal(ns_names[i], row->type)) {
            row->kind = (enum ns_kind)i;
            return 0;
        }
    return refuse(-EINVAL, "%s: %s/type: expected user, mount, pid, network, uts, ipc, cgroup or time", s->name,
                  s->pointer);
}

/* A list in the file, by type here. */
static int decode_namespaces(struct json_source *s, struct json_object *value, void *into)
{
    struct ns_config *namespaces = into;
    size_t count;
    void *list;
    TRY(json_read_list(s, value, decode_namespace, sizeof(struct ns_row), &list, &count));
    const struct ns_row *rows = list;
    for (size_t i = 0; i < count; i++) {
        struct ns_config *ns = &namespaces[rows[i].kind];
        if (ns->listed)
            return refuse(-EINVAL, "%s: %s: a second %s namespace", s->name, rows[i].origin, rows[i].type);
        *ns = (struct ns_config){.listed = true, .origin = rows[i].origin,
                                 .path = rows[i].path && *rows[i].path ? rows[i].path : NULL};
    }
    return 0;
}

static int decode_mode(struct json_source *s, struct json_object *value, void *into)
{
    struct device_config *device = into;
    device->has_mode = true;
    return json_u32(s, value, &device->mode);
}

static int decode_device_uid(struct json_source *s, struct json_object *value, void *into)
{
    struct device_config *device = into;
    device->has_uid = true;
    return config_read_id(s, value, &device->uid);
}

static int decode_device_gid(struct json_source *s, struct json_object *value, void *into)
{
    struct device_config *device = into;
    device->has_gid = true;
    return config_read_id(s, value, &device->gid);
}

static const struct json_field device_fields[] = {
    {"path", json_string, AT(device_config, path)},
    {"type", config_read_device_type, AT(device_config, type)},
    {"major", json_u32, AT(device_config, major)},
    {"minor", json_u32, AT(device_config, minor)},
    {"fileMode", decode_mode, 0},
    {"uid", decode_device_uid, 0},
    {"gid", decode_device_gid, 0},
    {0},
};

static int decode_device(struct json_source *s, struct json_object *value, void *into)
{
    struct device_config *device = into;
    device->origin = config_origin(s);
    TRY(json_read_object(s, value, device_fields, device));
    size_t length = device->path ? strlen(device->path) : 0;
    while (length > 1 && device->path[length - 1] == '/')
        device->path = arena_strndup(s->arena, device->path, --length);
    if (!device->path || *device->path != '/' || !device->type || device->type == 'a')
        return json_expected(s, "an absolute path and a type, c, b or p");
    return 0;
}

static int decode_devices(struct json_source *s, struct json_object *value, void *into)
{
    struct config *config = into;
    void *list;
    TRY(json_read_list(s, value, decode_device, sizeof *config->devices, &list, &config->n_devices));
    config->devices = list;
    return 0;
}

/* ---- linux ---- */

static int decode_sysctl(struct json_source *s, struct json_object *value, void *into)
{
    struct config *config = into;
    return config_read_pairs(s, value, &config->sysctls, &config->n_sysctls);
}

static int decode_seccomp(struct json_source *s, struct json_object *value, void *into)
{
    static const struct json_field listener_fields[] = {
        {"listenerPath", json_string, AT(config, seccomp_listener)},
        {"listenerMetadata", json_string, AT(config, seccomp_metadata)},
        {0},
    };
    struct config *config = into;
    TRY(json_read_object(s, value, listener_fields, config));
    if (config->seccomp_listener && !*config->seccomp_listener)
        config->seccomp_listener = NULL;
    const char *text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
    config->seccomp_text = arena_strdup(s->arena, text);
    return 0;
}

struct offset {
    int64_t seconds, nanoseconds;
};

static const struct json_field offset_fields[] = {
    {"secs", json_i64, AT(offset, seconds)},
    {"nanosecs", json_i64, AT(offset, nanoseconds)},
    {0},
};

static int decode_offset(struct json_source *s, struct json_object *value, bool *given, int64_t *nanoseconds)
{
    struct offset offset = {0};
    TRY(json_read_object(s, value, offset_fields, &offset));
    if (offset.nanoseconds < 0 || offset.nanoseconds > 999999999 || offset.seconds > INT32_MAX ||
        offset.seconds < INT32_MIN)
        return json_expected(s, "seconds of 32 bits and 0 to 999999999 nanoseconds");
    *given = true;
    *nanoseconds = offset.seconds * 1000000000 + offset.nanoseconds;
    return 0;
}

static int decode_boottime(struct json_source *s, struct json_object *value, void *into)
{
    struct config *config = into;
    return decode_offset(s, value, &config->time_offset, &config->boottime_offset);
}

static int decode_monotonic(struct json_source *s, struct json_object *value, void *into)
{
    struct config *config = into;
    return decode_offset(s, value, &config->has_monotonic_offset, &config->monotonic_offset);
}

static const struct json_field time_fields[] = {
    {"boottime", decode_boottime, 0},
    {"monotonic", decode_monotonic, 0},
    {0},
};
GROUP(time)

static int decode_clos(struct json_source *s, struct json_object *value, void *into)
{
    const char **name = into;
    TRY(json_string(s, value, name));
    if (!**name)
        *name = NULL;
    bool path = *name && (strchr(*name, '/') || text_equal(*name, ".") || text_equal(*name, ".."));
    return path && !text_equal(*name, "/") ? json_expected(s, "a name, or /") : 0;
}

static bool is_line(const char *text, const char *begin)
{
    return text_after(text, begin) && strchr(text, ':') && !strchr(text, '\n');
}

static int decode_l3(struct json_source *s, struct json_object *value, void *into)
{
    const char **line = into;
    TRY(json_string(s, value, line));
    if (!**line)
        *line = NULL;
    return !*line || is_line(*line, "L3") ? 0 : json_expected(s, "one line such as L3:0=7f0;1=1f");
}

static int decode_bandwidth(struct json_source *s, struct json_object *value, void *into)
{
    const char **line = into;
    TRY(json_string(s, value, line));
    if (!**line)
        *line = NULL;
    return !*line || is_line(*line, "MB:") ? 0 : json_expected(s, "one line such as MB:0=20;1=70");
}

static int decode_schemata(struct json_source *s, struct json_object *value, void *into)
{
    char ***lines = into;
    TRY(json_strings(s, value, lines));
    for (size_t i = 0; (*lines)[i]; i++)
        if (!is_line((*lines)[i], ""))
            return refuse(-EINVAL, "%s: %s/%zu: expected one line such as L2:0=f", s->name, s->pointer, i);
    if (!**lines)
        *lines = NULL;
    return 0;
}

static const struct json_field rdt_fields[] = {
    {"closID", decode_clos, AT(rdt_config, clos_id)},
    {"l3CacheSchema", decode_l3, AT(rdt_config, l3)},
    {"memBwSchema", decode_bandwidth, AT(rdt_config, memory)},
    {"schemata", decode_schemata, AT(rdt_config, schemata)},
    {"enableMonitoring", json_flag, AT(rdt_config, monitoring)},
    {0},
};

static int decode_rdt(struct json_source *s, struct json_object *value, void *into)
{
    ((struct rdt_config *)into)->origin = config_origin(s);
    return json_read_object(s, value, rdt_fields, into);
}

/* dev_valid_name() of the kernel's, where "%d" is the template's. */
static bool is_device_name(const char *name)
{
    size_t length = strlen(name);
    if (!length || length >= IFNAMSIZ || text_equal(name, ".") || text_equal(name, ".."))
        return false;
    for (const char *c = name; *c; c++)
        if (*c == '/' || *c == ':' || isspace((unsigned char)*c) || (*c == '%' && !text_equal(c, "%d")))
            return false;
    return true;
}

static int decode_device_name(struct json_source *s, struct json_object *value, void *into)
{
    const char *name;
    TRY(json_string(s, value, &name));
    if (!*name)
        return 0;
    *(const char **)into = name;
    return is_device_name(name) ? 0 : json_expected(s, "the name of a network device");
}

static const struct json_field net_device_fields[] = {
    {"name", decode_device_name, AT(net_device, inside)},
    {0},
};

static int decode_net_device(struct json_source *s, struct json_object *value, void *into)
{
    struct net_device *device = into;
    device->origin = config_origin(s);
    if (!is_device_name(device->name) || strchr(device->name, '%'))
        return json_expected(s, "the name of a network device as key");
    device->inside = device->name;
    return json_read_object(s, value, net_device_fields, device);
}

static int decode_net_devices(struct json_source *s, struct json_object *value, void *into)
{
    struct config *config = into;
    void *list;
    TRY(json_read_map(s, value, decode_net_device, sizeof *config->net_devices, &list, &config->n_net_devices));
    config->net_devices = list;
    return 0;
}

static int decode_propagation(struct json_source *s, struct json_object *value, void *into)
{
    static const char *const known[] = {"shared",  "slave",  "private",  "unbindable",
                                        "rshared", "rslave", "rprivate", "runbindable"};
    const char **propagation = into;
    TRY(json_string(s, value, propagation));
    for (size_t i = 0; i < COUNT(known); i++)
        if (text_equal(known[i], *propagation))
            return 0;
    if (**propagation)
        return json_expected(s, "shared, slave, private or unbindable");
    *propagation = NULL;
    return 0;
}

/* Below the top of each hierarchy, wherever that is mounted, and not the top itself; without "/" it is a name. */
static int decode_cgroups_path(struct json_source *s, struct json_object *value, void *into)
{
    const char **path = into;
    TRY(json_string(s, value, path));
    const char *part = **path == '/' ? *path + 1 : *path;
    for (size_t length; **path; part += length + 1) {
        length = strcspn(part, "/");
        if (!length || (length == 1 && *part == '.') || (length == 2 && strncmp(part, "..", 2) == 0) ||
            strcspn(part, "\n") < length)
            return json_expected(s, "a path below the top, without empty parts, . and ..");
        if (!part[length])
            break;
    }
    return 0;
}

static const struct json_field linux_fields[] = {
    {"namespaces", decode_namespaces, AT(config, namespaces)},
    {"uidMappings", config_read_maps, AT(config, uid_mappings)},
    {"gidMappings", config_read_maps, AT(config, gid_mappings)},
    {"devices", decode_devices, 0},
    {"cgroupsPath", decode_cgroups_path, AT(config, cgroups_path)},
    {"resources", config_read_resources, AT(config, resources)},
    {"sysctl", decode_sysctl, 0},
    {"seccomp", decode_seccomp, 0},
    {"maskedPaths", json_strings, AT(config, masked_paths)},
    {"readonlyPaths", json_strings, AT(config, readonly_paths)},
    {"rootfsPropagation", decode_propagation, AT(config, rootfs_propagation)},
    {"timeOffsets", decode_time, 0},
    {"mountLabel", config_read_label, AT(config, mount_label)},
    {"intelRdt", decode_rdt, AT(config, rdt)},
    {"memoryPolicy", config_read_memory_policy, AT(config, memory_policy)},
    {"netDevices", decode_net_devices, 0},
    {"personality", config_read_personality, AT(config, personality)},
    {0},
};

int config_read_linux(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, linux_fields, into);
}
