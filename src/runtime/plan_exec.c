/* A further process in a container that runs. JOINER is born into the container's cgroups and enters all its
 * namespaces at once, by the pidfd of its first process (setns(2), Linux 5.8); INIT, its child, is in them. What
 * the container's processes could do to one that enters is thought of here: it cannot be traced (CVE-2016-9962), it
 * executes a sealed memfd (CVE-2019-5736), it opens nothing of theirs but a devpts that the kernel vouches for, and
 * it has no fd of the host's but those that it was given. */
#include "runtime/plan_build.h"

#include "base/error.h"
#include "kernel/sys.h"

static int open_cgroups(struct builder *b, const struct exec_target *target)
{
    if (target->v2_cgroup)
        *LIST_ADD(b->arena, &b->cgroups, &b->n_cgroups) = (struct cgroup_dir){.directory = target->v2_cgroup, .v2 = true};
    for (size_t i = 0; target->v1_cgroups && target->v1_cgroups[i]; i++) {
        if (i == MAX_TASKS)
            return refuse(-E2BIG, "the container is in more than %d cgroup hierarchies", MAX_TASKS);
        *LIST_ADD(b->arena, &b->cgroups, &b->n_cgroups) = (struct cgroup_dir){.directory = target->v1_cgroups[i]};
    }
    plan_cgroup_open(b);
    return 0;
}

static void add_pty(struct builder *b)
{
    if (!b->config->process.terminal)
        return;
    plan_add(b, (struct step){.op = OP_OPEN, .by = INIT, .phase = FILES, .path = "/dev/pts", .out = SLOT_PTS,
                              .why = "the container's: taken only if it is a devpts"});
    plan_terminal(b);
}

int plan_exec(const struct config *config, const struct facts *facts, const struct exec_target *target,
              const char *id, struct plan *plan)
{
    struct builder b = plan_begin(config, facts, id, plan);
    const struct idmaps *uids = &config->uid_mappings, *gids = &config->gid_mappings;
    uint64_t *start_time = arena_alloc(b.arena, sizeof *start_time);
    *start_time = target->start_time;
    b.joins = b.exec = true;
    b.target = target;
    b.ids.joined = target->namespaces & CLONE_NEWUSER;
    b.ids.inside_uid = uids->count ? uids->list[0].inside : 0;
    b.ids.inside_gid = gids->count ? gids->list[0].inside : 0;
    plan_add(&b, (struct step){.op = OP_TARGET, .by = HOST, .number = target->pid, .data = start_time, .out = SLOT_TARGET,
                               .why = "the container's first process"});
    TRY(open_cgroups(&b, target));
    TRY(plan_apparmor(&b));
    TRY(plan_listener(&b));
    plan_shim(&b);
    plan_affinity(&b, &config->process.affinity_initial, SLOT_NONE, "initial");
    plan_clone(&b, HOST, 0, SLOT_JOINER);
    plan_die_with(&b, JOINER);
    plan_cgroup_join(&b, JOINER);
    plan_own_values(&b);
    plan_hide(&b);
    if (target->namespaces)
        plan_add(&b, (struct step){.op = OP_ENTER, .by = JOINER, .phase = BIRTH, .in = SLOT_TARGET,
                                   .flags = target->namespaces, .why = "setns(2): all of the container's"});
    if (b.ids.joined)
        plan_become(&b, JOINER);
    plan_bear(&b);
    plan_die_with(&b, INIT);
    add_pty(&b);
    return plan_identity(&b);
}
