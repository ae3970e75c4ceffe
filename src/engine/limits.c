/* --memory, --cpus and their like, and --sysctl. Syntax and sense here; whether the host can apply them
 * is the planner's. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/request.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { LEAST_MEMORY = 6 << 20, DEFAULT_PIDS = 2048, PERIOD = 100000 };

static int add_bytes(struct request *r, const char *option, const char *value, bool unlimited,
                     struct limit *limit)
{
    uint64_t bytes;
    if (!value)
        return 0;
    *limit = (struct limit){.origin = request_origin(r, option, value)};
    if (unlimited && text_equal(value, "-1")) {
        limit->value = -1;
        return 0;
    }
    if (text_to_bytes(value, &bytes) < 0)
        return request_refuse(option, value, "not a size in bytes (64m, 1.5g)");
    if (bytes < LEAST_MEMORY)
        return request_refuse(option, value, "at least 6m: less does not start a process");
    limit->value = (int64_t)bytes;
    return 0;
}

static int add_number(struct request *r, const char *option, const char *value, int64_t least,
                      int64_t most, struct limit *limit)
{
    if (!value)
        return 0;
    *limit = (struct limit){.origin = request_origin(r, option, value)};
    if (text_to_i64(value, &limit->value) < 0 || limit->value < least || limit->value > most)
        return request_refuse(option, value, "not a number from %lld to %lld", (long long)least,
                              (long long)most);
    return 0;
}

static int add_memory(struct request *r)
{
    const struct run_options *o = r->options;
    struct resources *res = &r->config->resources;
    TRY(add_bytes(r, "memory", o->memory, false, &res->memory));
    TRY(add_bytes(r, "memory-reservation", o->memory_reservation, false, &res->memory_reservation));
    TRY(add_bytes(r, "memory-swap", o->memory_swap, true, &res->memory_swap));
    TRY(add_number(r, "memory-swappiness", o->memory_swappiness, 0, 100, &res->memory_swappiness));
    if (res->memory_swap.origin && !res->memory.origin)
        return request_refuse("memory-swap", o->memory_swap, "it goes with --memory (give both)");
    if (res->memory_swap.origin && res->memory_swap.value >= 0 &&
        res->memory_swap.value < res->memory.value)
        return request_refuse("memory-swap", o->memory_swap, "memory and swap together: at least --memory");
    if (res->memory_reservation.origin && res->memory.origin &&
        res->memory_reservation.value > res->memory.value)
        return request_refuse("memory-reservation", o->memory_reservation, "more than --memory");
    if (res->memory.origin && !res->memory_swap.origin)
        res->memory_swap = (struct limit){
            .defaulted = true,
            .origin = "default: as much swap as --memory",
            .value = res->memory.value > INT64_MAX / 2 ? INT64_MAX : res->memory.value * 2};
    return 0;
}

static int add_cpu(struct request *r)
{
    const struct run_options *o = r->options;
    struct resources *res = &r->config->resources;
    TRY(add_number(r, "cpu-shares", o->cpu_shares, 2, 262144, &res->cpu_shares));
    TRY(add_number(r, "cpu-period", o->cpu_period, 1000, 1000000, &res->cpu_period));
    TRY(add_number(r, "cpu-quota", o->cpu_quota, -1, INT64_MAX / 1000, &res->cpu_quota));
    if (res->cpu_quota.origin && res->cpu_quota.value >= 0 && res->cpu_quota.value < 1000)
        return request_refuse("cpu-quota", o->cpu_quota, "at least 1000 microseconds, or -1");
    if (!o->cpus)
        return 0;
    if (o->cpu_quota || o->cpu_period)
        return request_refuse("cpus", o->cpus, "--cpu-quota and --cpu-period say the same (give one or the "
                                               "other)");
    size_t whole = strspn(o->cpus, "0123456789");
    double cpus = 0;
    char rest;
    bool valid = strspn(o->cpus, "0123456789.") == strlen(o->cpus) && whole < 6 &&
                 sscanf(o->cpus, "%lf%c", &cpus, &rest) == 1;
    if (!valid || cpus < 0.01)
        return request_refuse("cpus", o->cpus, "not a number of processors (0.01 and more: 1.5)");
    const char *origin = request_origin(r, "cpus", o->cpus);
    res->cpu_period = (struct limit){.value = PERIOD, .origin = origin};
    res->cpu_quota = (struct limit){.value = (int64_t)(cpus * PERIOD + 0.5), .origin = origin};
    return 0;
}

/* cpuset(7) "list format": 0-3,5 */
static int add_cpuset(struct request *r, const char *option, const char *value,
                      struct text_limit *limit)
{
    if (!value)
        return 0;
    char **parts = text_split(r->arena, value, ',', NULL);
    for (; *parts; parts++) {
        size_t n;
        uint64_t first, last;
        char **ends = text_split(r->arena, *parts, '-', &n);
        if (n > 2 || text_to_u64(ends[0], 65535, &first) < 0 ||
            text_to_u64(ends[n - 1], 65535, &last) < 0 || first > last)
            return request_refuse(option, value, "not a list such as 0-3,5");
    }
    *limit = (struct text_limit){.value = value, .origin = request_origin(r, option, value)};
    return 0;
}

static int add_pids(struct request *r)
{
    const char *value = r->options->pids_limit;
    struct limit *limit = &r->config->resources.pids;
    *limit = (struct limit){.value = DEFAULT_PIDS, .origin = "default: 2048 processes",
                            .defaulted = true};
    if (!value)
        return 0;
    TRY(add_number(r, "pids-limit", value, -1, 4194304, limit));
    limit->value = limit->value <= 0 ? -1 : limit->value;
    if (limit->value < 0)
        *limit = (struct limit){0};
    return 0;
}

/* ---- block devices ---- */

static int add_throttle(struct request *r, const char *option, const char *word, bool bytes,
                        struct throttle **list, size_t *count)
{
    const char *colon = strrchr(word, ':');
    if (!colon || colon == word)
        return request_refuse(option, word, "not DEVICE:RATE");
    struct throttle t = {.device = arena_strndup(r->arena, word, (size_t)(colon - word)),
                         .origin = request_origin(r, option, word)};
    int parsed = bytes ? text_to_bytes(colon + 1, &t.rate) : text_to_u64(colon + 1, INT64_MAX, &t.rate);
    if (parsed < 0 || t.rate == 0)
        return request_refuse(option, word, "%s is no rate above zero", colon + 1);
    struct stat st;
    if (stat(t.device, &st) < 0)
        return request_refuse(option, word, "%s: %s", t.device, strerror(errno));
    if (!S_ISBLK(st.st_mode))
        return request_refuse(option, word, "%s is not a block device", t.device);
    t.major = major(st.st_rdev);
    t.minor = minor(st.st_rdev);
    *LIST_ADD(r->arena, list, count) = t;
    return 0;
}

static int add_block_io(struct request *r)
{
    const struct run_options *o = r->options;
    struct resources *res = &r->config->resources;
    TRY(add_number(r, "blkio-weight", o->blkio_weight, 10, 1000, &res->blkio_weight));
    const struct {
        const char *option;
        const struct word_list *words;
        bool bytes;
        struct throttle **list;
        size_t *count;
    } kinds[] = {
        {"device-read-bps", &o->device_read_bps, true, &res->read_bps, &res->n_read_bps},
        {"device-write-bps", &o->device_write_bps, true, &res->write_bps, &res->n_write_bps},
        {"device-read-iops", &o->device_read_iops, false, &res->read_iops, &res->n_read_iops},
        {"device-write-iops", &o->device_write_iops, false, &res->write_iops, &res->n_write_iops},
    };
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; i < kinds[k].words->count; i++)
            TRY(add_throttle(r, kinds[k].option, kinds[k].words->words[i], kinds[k].bytes,
                             kinds[k].list, kinds[k].count));
    return 0;
}

/* ---- sysctls ---- */

static int add_sysctl(struct request *r, const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals || equals == word)
        return request_refuse("sysctl", word, "not NAME=VALUE");
    *LIST_ADD(r->arena, &r->config->sysctls, &r->config->n_sysctls) =
        (struct key_value){.key = arena_strndup(r->arena, word, (size_t)(equals - word)), .value = equals + 1,
                           .origin = request_origin(r, "sysctl", word)};
    return 0;
}

static int add_cgroup(struct request *r)
{
    const char *parent = r->options->cgroup_parent;
    r->config->cgroup_manager = r->options->cgroup_manager;
    if (r->config->cgroup_manager == MANAGER_SYSTEMD) {
        r->config->cgroups_path = arena_printf(r->arena, "%s:bocal:%.12s", parent ? parent : "", r->context->id);
        return 0;
    }
    if (!parent)
        return 0;
    if (*parent != '/' || strstr(parent, ".."))
        return request_refuse("cgroup-parent", parent, "not an absolute path of the cgroup tree (/name)");
    r->config->cgroups_path = arena_printf(r->arena, "%s/bocal-%.12s", parent, r->context->id);
    return 0;
}

int request_limits(struct request *r)
{
    const struct run_options *o = r->options;
    TRY(add_memory(r));
    TRY(add_cpu(r));
    TRY(add_cpuset(r, "cpuset-cpus", o->cpuset_cpus, &r->config->resources.cpuset_cpus));
    TRY(add_cpuset(r, "cpuset-mems", o->cpuset_mems, &r->config->resources.cpuset_mems));
    TRY(add_pids(r));
    TRY(add_block_io(r));
    for (size_t i = 0; i < o->sysctls.count; i++)
        TRY(add_sysctl(r, o->sysctls.words[i]));
    return add_cgroup(r);
}
