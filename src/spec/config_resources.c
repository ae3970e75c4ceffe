/* /linux/resources: limits, throttles, device rules. */
#include "spec/config_fields.h"

#include "base/error.h"

#include <json-c/json.h>
#include <string.h>

static int decode_limit(struct json_source *s, struct json_object *value, void *into)
{
    struct limit *limit = into;
    limit->origin = config_origin(s);
    return json_i64(s, value, &limit->value);
}

/* 0 has been "none given" since the first runtimes. */
static int decode_limit_above_0(struct json_source *s, struct json_object *value, void *into)
{
    struct limit *limit = into;
    TRY(decode_limit(s, value, limit));
    if (!limit->value)
        limit->origin = NULL;
    return 0;
}

static int decode_text_limit(struct json_source *s, struct json_object *value, void *into)
{
    struct text_limit *limit = into;
    TRY(json_string(s, value, &limit->value));
    limit->origin = *limit->value ? config_origin(s) : NULL;
    return 0;
}

static const struct json_field memory_fields[] = {
    {"limit", decode_limit_above_0, AT(resources, memory)},
    {"swap", decode_limit_above_0, AT(resources, memory_swap)},
    {"reservation", decode_limit_above_0, AT(resources, memory_reservation)},
    {"swappiness", decode_limit, AT(resources, memory_swappiness)},
    {"disableOOMKiller", config_read_unbuilt, 0},
    {0},
};

static const struct json_field cpu_fields[] = {
    {"shares", decode_limit_above_0, AT(resources, cpu_shares)},
    {"quota", decode_limit_above_0, AT(resources, cpu_quota)},
    {"period", decode_limit_above_0, AT(resources, cpu_period)},
    {"burst", decode_limit, AT(resources, cpu_burst)},
    {"idle", decode_limit, AT(resources, cpu_idle)},
    {"cpus", decode_text_limit, AT(resources, cpuset_cpus)},
    {"mems", decode_text_limit, AT(resources, cpuset_mems)},
    {"realtimeRuntime", config_read_unbuilt, 0},
    {"realtimePeriod", config_read_unbuilt, 0},
    {0},
};

static const struct json_field pids_fields[] = {
    {"limit", decode_limit_above_0, AT(resources, pids)},
    {0},
};

static const struct json_field throttle_fields[] = {
    {"major", json_u32, AT(throttle, major)},
    {"minor", json_u32, AT(throttle, minor)},
    {"rate", json_u64, AT(throttle, rate)},
    {0},
};

static int decode_throttle(struct json_source *s, struct json_object *value, void *into)
{
    ((struct throttle *)into)->origin = config_origin(s);
    return json_read_object(s, value, throttle_fields, into);
}

#define THROTTLES(kind)                                                                             \
    static int decode_##kind(struct json_source *s, struct json_object *value, void *into)         \
    {                                                                                              \
        struct resources *r = into;                                                                \
        void *list;                                                                                \
        TRY(json_read_list(s, value, decode_throttle, sizeof *r->kind, &list, &r->n_##kind));      \
        r->kind = list;                                                                            \
        return 0;                                                                                  \
    }
THROTTLES(read_bps)
THROTTLES(write_bps)
THROTTLES(read_iops)
THROTTLES(write_iops)

static const struct json_field block_fields[] = {
    {"weight", decode_limit_above_0, AT(resources, blkio_weight)},
    {"throttleReadBpsDevice", decode_read_bps, 0},
    {"throttleWriteBpsDevice", decode_write_bps, 0},
    {"throttleReadIOPSDevice", decode_read_iops, 0},
    {"throttleWriteIOPSDevice", decode_write_iops, 0},
    {"leafWeight", config_read_unbuilt, 0},
    {"weightDevice", config_read_unbuilt, 0},
    {0},
};

static int decode_access(struct json_source *s, struct json_object *value, void *into)
{
    struct device_rule *rule = into;
    const char *access;
    TRY(json_string(s, value, &access));
    if (strspn(access, "rwm") != strlen(access))
        return json_expected(s, "letters of rwm");
    rule->read = strchr(access, 'r') != NULL;
    rule->write = strchr(access, 'w') != NULL;
    rule->mknod = strchr(access, 'm') != NULL;
    return 0;
}

static const struct json_field rule_fields[] = {
    {"allow", json_flag, AT(device_rule, allow)},
    {"type", config_read_device_type, AT(device_rule, type)},
    {"major", json_i64, AT(device_rule, major)},
    {"minor", json_i64, AT(device_rule, minor)},
    {"access", decode_access, 0},
    {0},
};

static int decode_rule(struct json_source *s, struct json_object *value, void *into)
{
    struct device_rule *rule = into;
    *rule = (struct device_rule){.type = 'a', .major = -1, .minor = -1, .read = true, .write = true, .mknod = true};
    TRY(json_read_object(s, value, rule_fields, rule));
    return rule->major < -1 || rule->minor < -1 ? json_expected(s, "numbers of -1 or more") : 0;
}

static int decode_rules(struct json_source *s, struct json_object *value, void *into)
{
    struct resources *r = into;
    void *list;
    TRY(json_read_list(s, value, decode_rule, sizeof *r->devices, &list, &r->n_devices));
    r->devices = list;
    return 0;
}

static int decode_unified(struct json_source *s, struct json_object *value, void *into)
{
    struct resources *r = into;
    TRY(config_read_pairs(s, value, &r->unified, &r->n_unified));
    for (size_t i = 0; i < r->n_unified; i++)
        if (strchr(r->unified[i].key, '/') || !strchr(r->unified[i].key, '.'))
            return refuse(-EINVAL, "%s: %s: not the name of a cgroup's file", s->name, r->unified[i].origin);
    return 0;
}

GROUP(memory)
GROUP(cpu)
GROUP(pids)
GROUP(block)

static const struct json_field resources_fields[] = {
    {"devices", decode_rules, 0},
    {"memory", decode_memory, 0},
    {"cpu", decode_cpu, 0},
    {"pids", decode_pids, 0},
    {"blockIO", decode_block, 0},
    {"unified", decode_unified, 0},
    {"hugepageLimits", config_read_unbuilt, 0},
    {"network", config_read_unbuilt, 0},
    {"rdma", config_read_unbuilt, 0},
    {0},
};

int config_read_resources(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, resources_fields, into);
}
