/* The limits are planned and written like those of a new container. What belongs together in one file of cgroup v2, or is
 * a difference there, is completed with what is in force now. */
#include "engine/update.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/container.h"
#include "runtime/execute.h"
#include "spec/config_decode.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct update {
    struct arena arena;
    const struct update_options *options;
    struct container container;
    struct config config;
    struct facts facts;
    struct plan plan;
    struct execution execution;
    char **dirs;
};

static void cleanup_update(struct update *u)
{
    arena_free(&u->arena);
}

/* ---- what is asked for ---- */

static int read_resources(struct update *u)
{
    const char *name;
    auto_free char *text = NULL;
    ssize_t size = file_read_operand(u->options->resources, 16 << 20, &text, &name);
    TRY((int)size);
    return config_decode_resources(&u->config, text, (size_t)size, name);
}

enum unit { NUMBER, ABOVE_0, BYTES }; /* of all but the first, 0 is none given, as in config.json */

static int take_number(struct update *u, const char *option, const char *text, enum unit unit, struct limit *limit)
{
    uint64_t size = 0;
    if (!text)
        return 0;
    bool bytes = unit == BYTES && *text != '-';
    int r = bytes ? text_to_bytes(text, &size) : text_to_i64(text, &limit->value);
    if (r < 0 || size > INT64_MAX || limit->value < -1)
        return refuse(-EINVAL, "--%s %.64s: expected %s, or -1", option, text, unit == BYTES ? "bytes" : "a number");
    if (bytes)
        limit->value = (int64_t)size;
    if (unit == NUMBER || limit->value)
        limit->origin = arena_printf(&u->arena, "--%s %s", option, text);
    return 0;
}

static int take_options(struct update *u)
{
    const struct update_options *o = u->options;
    struct resources *r = &u->config.resources;
    const struct {
        const char *option, *text;
        struct limit *limit;
        enum unit unit;
    } numbers[] = {
        {"blkio-weight", o->blkio_weight, &r->blkio_weight, ABOVE_0},
        {"cpu-period", o->cpu_period, &r->cpu_period, ABOVE_0},
        {"cpu-quota", o->cpu_quota, &r->cpu_quota, ABOVE_0},
        {"cpu-burst", o->cpu_burst, &r->cpu_burst, NUMBER},
        {"cpu-share", o->cpu_share, &r->cpu_shares, ABOVE_0},
        {"cpu-idle", o->cpu_idle, &r->cpu_idle, NUMBER},
        {"cpu-rt-period", o->cpu_rt_period, &r->rt_period, ABOVE_0},
        {"cpu-rt-runtime", o->cpu_rt_runtime, &r->rt_runtime, ABOVE_0},
        {"memory", o->memory, &r->memory, BYTES},
        {"memory-reservation", o->memory_reservation, &r->memory_reservation, BYTES},
        {"memory-swap", o->memory_swap, &r->memory_swap, BYTES},
        {"pids-limit", o->pids_limit, &r->pids, ABOVE_0},
    };
    const struct {
        const char *option, *text;
        struct text_limit *limit;
    } texts[] = {
        {"cpuset-cpus", o->cpuset_cpus, &r->cpuset_cpus},
        {"cpuset-mems", o->cpuset_mems, &r->cpuset_mems},
    };
    for (size_t i = 0; i < COUNT(numbers); i++)
        TRY(take_number(u, numbers[i].option, numbers[i].text, numbers[i].unit, numbers[i].limit));
    for (size_t i = 0; i < COUNT(texts); i++)
        if (texts[i].text)
            *texts[i].limit = (struct text_limit){
                texts[i].text, arena_printf(&u->arena, "--%s %s", texts[i].option, texts[i].text)};
    return 0;
}

/* ---- what is in force ---- */

/* The words of FILE in the cgroup that has it; "" when none has. */
static char *in_force(struct update *u, const char *file)
{
    for (size_t i = 0; u->dirs[i]; i++) {
        const char *path = arena_printf(&u->arena, "%s/%s", u->dirs[i], file);
        auto_free char *text = NULL;
        if (access(path, F_OK) == 0 && file_read(AT_FDCWD, path, 4096, &text) > 0)
            return arena_strdup(&u->arena, text);
    }
    error_clear();
    return arena_strdup(&u->arena, "");
}

/* cpu.max is "QUOTA PERIOD", and memory.swap.max what "memory and swap" has more than memory. */
static void complete(struct update *u)
{
    struct resources *r = &u->config.resources;
    char *cpu = in_force(u, "cpu.max"), *period = strchr(cpu, ' ');
    char *memory = in_force(u, "memory.max");
    if (period && r->cpu_quota.origin && !r->cpu_period.origin)
        r->cpu_period = (struct limit){.value = strtoll(period, NULL, 10), .origin = r->cpu_quota.origin};
    else if (period && r->cpu_period.origin && !r->cpu_quota.origin)
        r->cpu_quota = (struct limit){.value = *cpu == 'm' ? -1 : strtoll(cpu, NULL, 10), .origin = r->cpu_period.origin};
    if (*memory && *memory != 'm' && r->memory_swap.origin && !r->memory.origin)
        r->memory = (struct limit){.value = strtoll(memory, NULL, 10), .origin = r->memory_swap.origin};
}

/* /linux/resources/memory/checkBeforeUpdate: the kernel would end processes to get below the new limit. */
static int check_usage(struct update *u)
{
    const struct resources *r = &u->config.resources;
    if (!r->check_before_update || !r->memory.origin || r->memory.value < 0)
        return 0;
    const char *usage = in_force(u, "memory.current");
    usage = *usage ? usage : in_force(u, "memory.usage_in_bytes");
    long long used = strtoll(usage, NULL, 10);
    return used <= r->memory.value ? 0
                                   : refuse(-EBUSY, "%s: %lld bytes are in use, more than the new limit", r->memory.origin, used);
}

/* ---- the whole ---- */

/* The path that create gave it when nobody chose one. */
static int find_container(struct update *u)
{
    struct config *config = &u->config;
    TRY(container_load(&u->arena, u->options->root, u->options->id, &u->container));
    enum container_status status = container_status(&u->container);
    if (status == CONTAINER_CREATING || status == CONTAINER_STOPPED)
        return refuse(-EINVAL, "container %s is %s, not running", u->container.id, container_status_names[status]);
    TRY(container_config(&u->container, config));
    config->recorded = true;
    config->n_mounts = 0; /* nothing is mounted any more */
    config->cgroup_manager = u->container.systemd ? MANAGER_SYSTEMD : MANAGER_CGROUPFS;
    config->cgroups_path = container_cgroups_path(&u->arena, u->container.id, config->cgroups_path, config->cgroup_manager);
    return container_cgroups(&u->container, &u->dirs);
}

int update_run(const struct update_options *options)
{
    __attribute__((cleanup(cleanup_update))) struct update u = {.options = options};
    TRY(find_container(&u));
    u.config.resources = (struct resources){0};
    if (options->resources)
        TRY(read_resources(&u));
    TRY(take_options(&u));
    complete(&u);
    TRY(check_usage(&u));
    TRY(facts_probe(&u.config, &u.facts));
    TRY(plan_update(&u.config, &u.facts, u.dirs, u.container.id, &u.plan));
    int r = u.plan.count ? execute(&u.execution, &u.plan) : 0;
    if (u.plan.count)
        execution_leave(&u.execution);
    return r;
}
