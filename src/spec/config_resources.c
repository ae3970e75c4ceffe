/* /linux/resources: limits, throttles, device rules. */
#include "spec/config_decode.h"
#include "spec/config_fields.h"

#include "base/error.h"
#include "spec/config_decode.h"

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

static int decode_flag_limit(struct json_source *s, struct json_object *value, void *into)
{
    struct limit *limit = into;
    bool flag;
    TRY(json_flag(s, value, &flag));
    limit->origin = flag ? config_origin(s) : NULL;
    limit->value = flag;
    return 0;
}

/* Deprecated by the specification, and without effect in the kernels that bocal knows. */
static int check_number(struct json_source *s, struct json_object *value, void *into)
{
    int64_t number;
    (void)into;
    return json_i64(s, value, &number);
}

/* Without a limit is how it is anyway, and all that cgroup v2 has. */
static int decode_kernel_tcp(struct json_source *s, struct json_object *value, void *into)
{
    struct limit *limit = into;
    TRY(decode_limit_above_0(s, value, into));
    if (limit->value < 0)
        limit->origin = NULL;
    return 0;
}

static int check_flag(struct json_source *s, struct json_object *value, void *into)
{
    bool flag;
    (void)into;
    return json_flag(s, value, &flag);
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
    {"disableOOMKiller", decode_flag_limit, AT(resources, oom_kill_disable)},
    {"checkBeforeUpdate", json_flag, AT(resources, check_before_update)},
    {"kernel", check_number, 0},
    {"kernelTCP", decode_kernel_tcp, AT(resources, memory_kernel_tcp)},
    {"useHierarchy", check_flag, 0},
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
    {"realtimeRuntime", decode_limit_above_0, AT(resources, rt_runtime)},
    {"realtimePeriod", decode_limit_above_0, AT(resources, rt_period)},
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

/* leafWeight was the CFQ scheduler's, which left Linux with 5.0. */
static int decode_leaf_weight(struct json_source *s, struct json_object *value, void *into)
{
    int64_t weight;
    (void)into;
    TRY(config_read_range(s, value, 0, UINT16_MAX, &weight));
    return weight ? refuse(-EOPNOTSUPP, "%s: %s: Linux has none since 5.0 (leave it out)", s->name, s->pointer) : 0;
}

static int decode_weight_number(struct json_source *s, struct json_object *value, void *into)
{
    int64_t weight;
    TRY(config_read_range(s, value, 1, UINT16_MAX, &weight));
    *(uint64_t *)into = (uint64_t)weight;
    return 0;
}

static const struct json_field weight_fields[] = {
    {"major", json_u32, AT(throttle, major)},
    {"minor", json_u32, AT(throttle, minor)},
    {"weight", decode_weight_number, AT(throttle, rate)},
    {"leafWeight", decode_leaf_weight, 0},
    {0},
};

static int decode_weight(struct json_source *s, struct json_object *value, void *into)
{
    struct throttle *weight = into;
    weight->origin = config_origin(s);
    TRY(json_read_object(s, value, weight_fields, weight));
    return weight->rate ? 0 : config_missing(s, "weight");
}

/* decode_MEMBER, which reads the list MEMBER of struct resources by DECODE and READ. */
#define LIST(member, read, decode)                                                                 \
    static int decode_##member(struct json_source *s, struct json_object *value, void *into)       \
    {                                                                                              \
        struct resources *r = into;                                                                \
        void *list;                                                                                \
        TRY(read(s, value, decode, sizeof *r->member, &list, &r->n_##member));                     \
        r->member = list;                                                                          \
        return 0;                                                                                  \
    }
LIST(weights, json_read_list, decode_weight)
LIST(read_bps, json_read_list, decode_throttle)
LIST(write_bps, json_read_list, decode_throttle)
LIST(read_iops, json_read_list, decode_throttle)
LIST(write_iops, json_read_list, decode_throttle)

static const struct json_field block_fields[] = {
    {"weight", decode_limit_above_0, AT(resources, blkio_weight)},
    {"throttleReadBpsDevice", decode_read_bps, 0},
    {"throttleWriteBpsDevice", decode_write_bps, 0},
    {"throttleReadIOPSDevice", decode_read_iops, 0},
    {"throttleWriteIOPSDevice", decode_write_iops, 0},
    {"leafWeight", decode_leaf_weight, 0},
    {"weightDevice", decode_weights, 0},
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

LIST(devices, json_read_list, decode_rule)

static int decode_unified(struct json_source *s, struct json_object *value, void *into)
{
    struct resources *r = into;
    TRY(config_read_pairs(s, value, &r->unified, &r->n_unified));
    for (size_t i = 0; i < r->n_unified; i++)
        if (strchr(r->unified[i].key, '/') || !strchr(r->unified[i].key, '.'))
            return refuse(-EINVAL, "%s: %s: not the name of a cgroup's file", s->name, r->unified[i].origin);
    return 0;
}

/* ---- huge pages, RDMA, network ---- */

static const struct json_field huge_page_fields[] = {
    {"pageSize", json_string, AT(huge_page_limit, page_size)},
    {"limit", json_u64, AT(huge_page_limit, limit)},
    {0},
};

static int decode_huge_page(struct json_source *s, struct json_object *value, void *into)
{
    struct huge_page_limit *limit = into;
    limit->origin = config_origin(s);
    TRY(json_read_object(s, value, huge_page_fields, limit));
    return limit->page_size ? 0 : config_missing(s, "pageSize");
}
LIST(huge_pages, json_read_list, decode_huge_page)

static int decode_handles(struct json_source *s, struct json_object *value, void *into)
{
    return config_read_range(s, value, 0, UINT32_MAX, into);
}

static const struct json_field rdma_fields[] = {
    {"hcaHandles", decode_handles, AT(rdma_limit, handles)},
    {"hcaObjects", decode_handles, AT(rdma_limit, objects)},
    {0},
};

static int decode_rdma_device(struct json_source *s, struct json_object *value, void *into)
{
    struct rdma_limit *limit = into;
    limit->origin = config_origin(s);
    limit->handles = limit->objects = -1;
    TRY(json_read_object(s, value, rdma_fields, limit));
    return limit->handles < 0 && limit->objects < 0 ? json_expected(s, "hcaHandles or hcaObjects") : 0;
}
LIST(rdma, json_read_map, decode_rdma_device)

static const struct json_field priority_fields[] = {
    {"name", json_string, AT(network_priority, name)},
    {"priority", json_u32, AT(network_priority, priority)},
    {0},
};

static int decode_priority(struct json_source *s, struct json_object *value, void *into)
{
    struct network_priority *priority = into;
    priority->origin = config_origin(s);
    TRY(json_read_object(s, value, priority_fields, priority));
    return priority->name ? 0 : config_missing(s, "name");
}
LIST(network_priorities, json_read_list, decode_priority)

static int decode_class_id(struct json_source *s, struct json_object *value, void *into)
{
    struct limit *limit = into;
    TRY(config_read_range(s, value, 0, UINT32_MAX, &limit->value));
    limit->origin = limit->value ? config_origin(s) : NULL;
    return 0;
}

static const struct json_field network_fields[] = {
    {"classID", decode_class_id, AT(resources, class_id)},
    {"priorities", decode_network_priorities, 0},
    {0},
};

GROUP(memory)
GROUP(cpu)
GROUP(pids)
GROUP(block)
GROUP(network)

static const struct json_field resources_fields[] = {
    {"devices", decode_devices, 0},
    {"memory", decode_memory, 0},
    {"cpu", decode_cpu, 0},
    {"pids", decode_pids, 0},
    {"blockIO", decode_block, 0},
    {"unified", decode_unified, 0},
    {"hugepageLimits", decode_huge_pages, 0},
    {"network", decode_network, 0},
    {"rdma", decode_rdma, 0},
    {0},
};

int config_read_resources(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, resources_fields, into);
}

int config_decode_resources(struct config *config, const char *text, size_t length, const char *name)
{
    config->resources = (struct resources){0};
    return json_read(config->arena, text, length, name, resources_fields, &config->resources);
}
