/* How processes are scheduled, and where their memory comes from: /process/scheduler, ioPriority and
 * execCPUAffinity, /linux/memoryPolicy and personality. What is only wrong together is left to the kernel, whose
 * rules change: sched_setattr(2), ioprio_set(2), set_mempolicy(2). */
#include "spec/config_fields.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <json-c/json.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/personality.h>

/* ---- processors ---- */

enum { ISO = 4 }; /* SCHED_ISO: reserved in linux/sched.h since 2.6.16, and never implemented */

static int decode_policy(struct json_source *s, struct json_object *value, void *into)
{
    static const struct config_word words[] = {
        {"SCHED_OTHER", SCHED_NORMAL}, {"SCHED_FIFO", SCHED_FIFO},         {"SCHED_RR", SCHED_RR},
        {"SCHED_BATCH", SCHED_BATCH},  {"SCHED_ISO", ISO},                 {"SCHED_IDLE", SCHED_IDLE},
        {"SCHED_DEADLINE", SCHED_DEADLINE}, {0},
    };
    struct scheduler_config *scheduler = into;
    const struct config_word *word;
    TRY(config_read_word(s, value, words, &word));
    if (word->value == ISO)
        return refuse(-EOPNOTSUPP, "%s: %s: Linux has no SCHED_ISO (leave it out)", s->name, s->pointer);
    scheduler->name = word->name;
    scheduler->policy = word->value;
    return 0;
}

static int decode_scheduler_flags(struct json_source *s, struct json_object *value, void *into)
{
    static const struct config_word words[] = {
        {"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
        {"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
        {"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
        {"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
        {"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
        {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
        {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
        {0},
    };
    return config_read_flags(s, value, words, into);
}

static int decode_nice(struct json_source *s, struct json_object *value, void *into)
{
    return config_read_range(s, value, -20, 19, into);
}

static int decode_static_priority(struct json_source *s, struct json_object *value, void *into)
{
    return config_read_range(s, value, 0, 99, into);
}

static const struct json_field scheduler_fields[] = {
    {"policy", decode_policy, 0},
    {"nice", decode_nice, AT(scheduler_config, nice)},
    {"priority", decode_static_priority, AT(scheduler_config, priority)},
    {"flags", decode_scheduler_flags, AT(scheduler_config, flags)},
    {"runtime", json_u64, AT(scheduler_config, runtime)},
    {"deadline", json_u64, AT(scheduler_config, deadline)},
    {"period", json_u64, AT(scheduler_config, period)},
    {0},
};

/* sched(7), in the words that crun has for it, which people look for; the kernel says EINVAL to all of them. */
static int check_deadline(struct json_source *s, const struct scheduler_config *d)
{
    const uint64_t least = 1024, most = INT64_MAX;
    const char *reason = d->runtime == UINT64_MAX                  ? "requires `runtime`"
                         : d->deadline == UINT64_MAX               ? "requires `deadline`"
                         : d->runtime == 0                         ? "runtime must be greater than 0"
                         : d->runtime < least || d->runtime > most ? "runtime must be between 1024 and 2^63 - 1"
                         : d->runtime > d->deadline                ? "runtime must be <= deadline"
                         : d->period && d->deadline > d->period    ? "deadline must be <= period"
                                                                   : NULL;
    return reason ? refuse(-EINVAL, "%s: %s: sched_setattr: `SCHED_DEADLINE` %s", s->name, s->pointer, reason) : 0;
}

int config_read_scheduler(struct json_source *s, struct json_object *value, void *into)
{
    struct scheduler_config *scheduler = into;
    scheduler->origin = config_origin(s);
    scheduler->runtime = scheduler->deadline = UINT64_MAX; /* none given */
    TRY(json_read_object(s, value, scheduler_fields, scheduler));
    if (!scheduler->name)
        return config_missing(s, "policy");
    if (scheduler->policy == SCHED_DEADLINE)
        TRY(check_deadline(s, scheduler));
    scheduler->runtime = scheduler->runtime == UINT64_MAX ? 0 : scheduler->runtime;
    scheduler->deadline = scheduler->deadline == UINT64_MAX ? 0 : scheduler->deadline;
    return 0;
}

static int decode_list(struct json_source *s, struct json_object *value, void *into)
{
    struct bit_list *list = into;
    TRY(json_string(s, value, &list->text));
    if (!*list->text)
        list->text = NULL;
    return list->text && text_to_bits(list->text, list->bits, COUNT(list->bits)) < 0
               ? json_expected(s, "a list such as 0-3,7, of numbers below 1024")
               : 0;
}

static const struct json_field affinity_fields[] = {
    {"initial", decode_list, AT(process_config, affinity_initial)},
    {"final", decode_list, AT(process_config, affinity_final)},
    {0},
};

int config_read_affinity(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, affinity_fields, into);
}

/* ---- disks ---- */

static int decode_class(struct json_source *s, struct json_object *value, void *into)
{
    static const struct config_word words[] = {
        {"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}, {0},
    };
    struct io_priority_config *priority = into;
    const struct config_word *word;
    TRY(config_read_word(s, value, words, &word));
    priority->name = word->name;
    priority->class = word->value;
    return 0;
}

static int decode_level(struct json_source *s, struct json_object *value, void *into)
{
    return config_read_range(s, value, 0, 7, into);
}

static const struct json_field io_priority_fields[] = {
    {"class", decode_class, 0},
    {"priority", decode_level, AT(io_priority_config, priority)},
    {0},
};

int config_read_io_priority(struct json_source *s, struct json_object *value, void *into)
{
    struct io_priority_config *priority = into;
    priority->origin = config_origin(s);
    enum { NONE = -1, IDLE = 3 }; /* ioprio_set(2): within the idle class there are no levels */
    priority->priority = NONE;
    TRY(json_read_object(s, value, io_priority_fields, priority));
    if (!priority->name)
        return config_missing(s, "class");
    if (priority->priority == NONE && priority->class != IDLE)
        return config_missing(s, "priority");
    priority->priority = priority->priority == NONE ? 0 : priority->priority;
    return 0;
}

/* ---- memory ---- */

const struct config_word config_memory_modes[] = {
    {"MPOL_DEFAULT", MPOL_DEFAULT},
    {"MPOL_BIND", MPOL_BIND},
    {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
    {"MPOL_WEIGHTED_INTERLEAVE", CONFIG_WEIGHTED_INTERLEAVE},
    {"MPOL_PREFERRED", MPOL_PREFERRED},
    {"MPOL_PREFERRED_MANY", CONFIG_PREFERRED_MANY},
    {"MPOL_LOCAL", MPOL_LOCAL},
    {0},
};

const struct config_word config_memory_flags[] = {
    {"MPOL_F_NUMA_BALANCING", 1 << 13},
    {"MPOL_F_RELATIVE_NODES", 1 << 14},
    {"MPOL_F_STATIC_NODES", 1 << 15},
    {0},
};

static int decode_mode(struct json_source *s, struct json_object *value, void *into)
{
    struct memory_policy_config *policy = into;
    const struct config_word *word;
    TRY(config_read_word(s, value, config_memory_modes, &word));
    policy->name = word->name;
    policy->mode = word->value;
    return 0;
}

static int decode_mode_flags(struct json_source *s, struct json_object *value, void *into)
{
    return config_read_flags(s, value, config_memory_flags, into);
}

static const struct json_field memory_policy_fields[] = {
    {"mode", decode_mode, 0},
    {"nodes", decode_list, AT(memory_policy_config, nodes)},
    {"flags", decode_mode_flags, AT(memory_policy_config, flags)},
    {0},
};

int config_read_memory_policy(struct json_source *s, struct json_object *value, void *into)
{
    struct memory_policy_config *policy = into;
    policy->origin = config_origin(s);
    TRY(json_read_object(s, value, memory_policy_fields, policy));
    return policy->name ? 0 : config_missing(s, "mode");
}

/* ---- what uname(2) says ---- */

static int decode_domain(struct json_source *s, struct json_object *value, void *into)
{
    static const struct config_word words[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}, {0}};
    struct personality_config *personality = into;
    const struct config_word *word;
    TRY(config_read_word(s, value, words, &word));
    personality->name = word->name;
    personality->domain = word->value;
    return 0;
}

static int decode_personality_flags(struct json_source *s, struct json_object *value, void *into)
{
    char **flags;
    (void)into;
    TRY(json_strings(s, value, &flags));
    return *flags ? json_expected(s, "no flags: the specification has none yet") : 0;
}

static const struct json_field personality_fields[] = {
    {"domain", decode_domain, 0},
    {"flags", decode_personality_flags, 0},
    {0},
};

int config_read_personality(struct json_source *s, struct json_object *value, void *into)
{
    struct personality_config *personality = into;
    personality->origin = config_origin(s);
    TRY(json_read_object(s, value, personality_fields, personality));
    return personality->name ? 0 : config_missing(s, "domain");
}
