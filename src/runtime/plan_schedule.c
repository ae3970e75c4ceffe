/* How the container's processes are scheduled, and where their memory comes from. Processor and disk
 * priorities and raised limits are HOST's to set: they need rights in the host's user namespace, which INIT has
 * lost where it has one of its own (sched(7), ioprio_set(2), prlimit(2)). Whom INIT bears inherits them. */
#include "runtime/plan_build.h"

#include "base/error.h"

#include <inttypes.h>
#include <linux/sched.h>

static const char *describe(struct builder *b, const struct scheduler_config *scheduler)
{
    if (scheduler->policy == SCHED_DEADLINE)
        return plan_text(b, "%s, %" PRIu64 " of %" PRIu64 " ns, within %" PRIu64, scheduler->name, scheduler->runtime,
                         scheduler->period, scheduler->deadline);
    return plan_text(b, "%s, nice %" PRId64 ", priority %" PRId64, scheduler->name, scheduler->nice,
                     scheduler->priority);
}

bool plan_is_raised(const struct builder *b, const struct rlimit_config *limit)
{
    return limit->hard > b->facts->limits[limit->resource].rlim_max;
}

const char *plan_limit_text(struct builder *b, const struct rlimit_config *limit)
{
    return plan_text(b, "%s %lld:%lld", limit->name, (long long)limit->soft, (long long)limit->hard);
}

/* OF: SLOT_INIT, or SLOT_NONE for HOST itself, and whom it bears. */
void plan_affinity(struct builder *b, const struct bit_list *cpus, enum slot of, const char *name)
{
    if (cpus->text)
        plan_add(b, (struct step){.op = OP_AFFINITY, .by = HOST, .phase = BIRTH, .in = of, .data = cpus,
                                  .text = plan_text(b, "%s for %s", cpus->text, of ? "INIT" : "bocal and whom it bears"),
                                  .why = plan_text(b, "/process/execCPUAffinity/%s", name)});
}

/* Before HOST says that it is done, so that the command never runs without. */
void plan_init_values(struct builder *b)
{
    const struct process_config *process = &b->config->process;
    plan_scope_leave(b);
    plan_outer_pid(b);
    plan_rdt_join(b);
    if (b->exec)
        plan_affinity(b, &process->affinity_final, SLOT_INIT, "final");
    for (size_t i = 0; i < process->n_rlimits; i++)
        if (plan_is_raised(b, &process->rlimits[i]))
            plan_add(b, (struct step){.op = OP_PRLIMIT, .by = HOST, .phase = BIRTH, .in = SLOT_INIT,
                                      .data = &process->rlimits[i],
                                      .text = plan_limit_text(b, &process->rlimits[i]),
                                      .why = process->rlimits[i].origin});
    if (process->scheduler.origin)
        plan_add(b, (struct step){.op = OP_SCHEDULER, .by = HOST, .phase = BIRTH, .in = SLOT_INIT,
                                  .data = &process->scheduler, .text = describe(b, &process->scheduler),
                                  .why = process->scheduler.origin});
    if (process->io_priority.origin)
        plan_add(b, (struct step){.op = OP_IO_PRIORITY, .by = HOST, .phase = BIRTH, .in = SLOT_INIT,
                                  .data = &process->io_priority,
                                  .text = plan_text(b, "%s, priority %" PRId64, process->io_priority.name,
                                                    process->io_priority.priority),
                                  .why = process->io_priority.origin});
}

static int check_mode(struct builder *b, const struct memory_policy_config *policy)
{
    unsigned since = policy->mode == CONFIG_WEIGHTED_INTERLEAVE ? KERNEL(6, 9)
                     : policy->mode == CONFIG_PREFERRED_MANY    ? KERNEL(5, 15)
                                                                : 0;
    return b->facts->kernel >= since
               ? 0
               : refuse(-EOPNOTSUPP, "%s/mode: %s needs Linux %u.%u", policy->origin, policy->name, since >> 16,
                        since & 0xffff);
}

int plan_own_schedule(struct builder *b)
{
    const struct memory_policy_config *policy = &b->config->memory_policy;
    const struct personality_config *personality = &b->config->personality;
    if (policy->origin) {
        TRY(check_mode(b, policy));
        plan_add(b, (struct step){.op = OP_MEMORY_POLICY, .by = INIT, .phase = IDENTITY, .data = policy,
                                  .text = policy->nodes.text
                                              ? plan_text(b, "%s of nodes %s", policy->name, policy->nodes.text)
                                              : policy->name,
                                  .why = policy->origin});
    }
    if (personality->origin)
        plan_add(b, (struct step){.op = OP_PERSONALITY, .by = INIT, .phase = IDENTITY,
                                  .text = personality->name, .number = (int64_t)personality->domain,
                                  .why = personality->origin});
    return 0;
}
