/* A further process in a container that runs. It is born into the container's cgroups and enters all its namespaces at
 * once, by the pidfd of its first process (setns(2), Linux 5.8). A pid namespace is entered by children only. The host's
 * root may have HOST's be born there, and then INIT does it all. Others get the rights over that namespace with the
 * container's user namespace alone: there JOINER enters, and bears INIT.
 *
 * An INIT of the host's root has HOST's memory, as a copy would be gone with its exec (vfork(2)). Who could trace it,
 * could trace HOST then; so it is hidden from tracers before it enters, and it gets a copy where that does not hold: with
 * fs.suid_dumpable=1, where a change of ids would show it again for a moment, and where who is there has CAP_SYS_PTRACE.
 *
 * What the container's processes could do to one that enters is thought of here: it cannot be traced (CVE-2016-9962), it
 * executes a sealed memfd (CVE-2019-5736), it opens nothing of theirs but a devpts that the kernel vouches for, and
 * it has no fd of the host's but those that it was given. */
#include "runtime/plan_build.h"

#include "base/error.h"
#include "kernel/sys.h"

#include <linux/capability.h>

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

/* What HOST does to INIT, which would have to wait for it. */
static bool sets_values(const struct builder *b)
{
    const struct process_config *process = &b->config->process;
    bool raises = false;
    for (size_t i = 0; i < process->n_rlimits; i++)
        raises |= plan_is_raised(b, &process->rlimits[i]);
    return raises || b->listened || b->config->rdt.origin || process->affinity_final.text || process->scheduler.origin ||
           process->io_priority.origin;
}

static bool needs_joiner(const struct builder *b)
{
    const struct facts *facts = b->facts;
    bool may = facts->uid == 0 && !facts->in_userns && facts->capabilities >> CAP_SYS_ADMIN & 1;
    return !may || b->target->namespaces & CLONE_NEWTIME || sets_values(b);
}

static void enter(struct builder *b, enum actor by, uint64_t namespaces, enum slot by_fd, const char *why)
{
    if (namespaces)
        plan_add(b, (struct step){.op = OP_ENTER, .by = by, .phase = BIRTH, .in = by_fd, .flags = namespaces, .why = why});
}

/* By HOST, for itself: in the namespace for children, and back, as there may be others of them. */
static void bear_init(struct builder *b)
{
    uint64_t pid = b->target->namespaces & CLONE_NEWPID;
    if (pid)
        plan_add(b, (struct step){.op = OP_OPEN, .by = HOST, .phase = BIRTH, .path = "/proc/self/ns/pid",
                                  .out = SLOT_HOSTPID, .why = "to return to"});
    enter(b, HOST, pid, SLOT_TARGET, "setns(2): for whom it bears");
    bool seen = b->facts->setid_dumpable || b->target->may_trace;
    plan_clone(b, HOST, seen ? 0 : SHARING, SLOT_INIT);
    enter(b, HOST, pid, SLOT_HOSTPID, "whom it bears now is its own");
}

static void enter_all(struct builder *b, enum actor by, uint64_t namespaces)
{
    plan_die_with(b, by);
    plan_cgroup_join(b, by);
    plan_own_values(b);
    plan_hide(b);
    enter(b, by, namespaces, SLOT_TARGET, "setns(2): all of the container's");
    if (!b->ids.joined)
        return;
    plan_become(b, by);
    if (by == INIT)
        plan_die_with(b, INIT); /* new credentials cleared it: prctl(2) */
}

int plan_exec(const struct config *config, const struct facts *facts, const struct exec_target *target,
              const char *id, struct plan *plan)
{
    struct builder b = plan_begin(config, facts, id, plan);
    const struct idmaps *uids = &config->uid_mappings, *gids = &config->gid_mappings;
    struct target_spec *process = arena_alloc(b.arena, sizeof *process);
    *process = (struct target_spec){.start_time = target->start_time, .pidfd = target->pidfd};
    b.exec = true;
    b.target = target;
    b.ids.joined = target->namespaces & CLONE_NEWUSER;
    b.ids.inside_uid = uids->count ? uids->list[0].inside : 0;
    b.ids.inside_gid = gids->count ? gids->list[0].inside : 0;
    plan_add(&b, (struct step){.op = OP_TARGET, .by = HOST, .number = target->pid, .data = process, .out = SLOT_TARGET,
                               .why = "the container's first process"});
    TRY(open_cgroups(&b, target));
    TRY(plan_apparmor(&b));
    TRY(plan_listener(&b));
    plan_shim(&b);
    plan_affinity(&b, &config->process.affinity_initial, SLOT_NONE, "initial");
    b.joins = needs_joiner(&b);
    if (b.joins) {
        plan_clone(&b, HOST, 0, SLOT_JOINER);
        enter_all(&b, JOINER, target->namespaces);
        plan_bear(&b);
        plan_die_with(&b, INIT);
    } else {
        bear_init(&b);
        enter_all(&b, INIT, target->namespaces & ~(uint64_t)CLONE_NEWPID);
    }
    add_pty(&b);
    return plan_identity(&b);
}
