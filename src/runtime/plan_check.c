/* The ordering rules that other runtimes keep in comments, proven for every plan before it is
 * executed, printed or compared. Each rule is one row: what must be true of any two steps. */
#include "runtime/plan.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "runtime/step_data.h"

#include <stdbool.h>
#include <string.h>

/* "No step of op LATER may come before the last step of op EARLIER"; but what HOST does owes nothing to the
 * others, who begin with what it has done. */
struct order {
    enum op earlier, later;
    const char *reason;
};

static const struct order orders[] = {
    {OP_STATE, OP_LAYER, "without a journal it could not be undone"},
    {OP_LAYER, OP_COPY_LAYERS, "there is no directory of the container's yet"},
    {OP_COPY_LAYERS, OP_PIVOT, "the root would be empty"},
    {OP_STATE, OP_CGROUP_CREATE, "without a journal it could not be undone"},
    {OP_STATE, OP_NOTIFY_DIR, "there is no directory of the container's yet"},
    {OP_NOTIFY_DIR, OP_NOTIFY, "there is no directory for it yet"},
    {OP_NOTIFY_DIR, OP_CLONE, "there would be nothing to mount"},
    {OP_STATE, OP_RDT_GROUP, "without a journal it could not be undone"},
    {OP_RDT_SET, OP_CLONE, "there would be a moment without limits"},
    {OP_STATE, OP_CGROUP_ASIDE, "without a journal it could not be undone"},
    {OP_CGROUP_ASIDE, OP_CGROUP_SET, "a cgroup with processes passes no controllers on"},
    {OP_STATE, OP_SCOPE, "without a journal it could not be undone"},
    {OP_SCOPE, OP_CGROUP_SET, "the cgroup does not exist yet"},
    {OP_SCOPE, OP_CLONE, "the container is to be born inside its cgroup"},
    {OP_CLONE, OP_SCOPE_LEAVE, "the scope would be empty, and end"},
    {OP_CGROUP_CREATE, OP_CGROUP_SET, "the cgroup does not exist yet"},
    {OP_CGROUP_CREATE, OP_CLONE, "the container is to be born inside its cgroup"},
    {OP_CGROUP_SET, OP_CLONE, "there would be a moment without limits"},
    {OP_DEVICE_FILTER, OP_EXEC, "the command would run without the filter"},
    {OP_OUTER_PID, OP_SECCOMP, "who listens would be told a wrong number"},
    {OP_MAP_IDS, OP_OPEN_USERNS, "an id-mapped mount needs a mapped namespace"},
    {OP_BECOME, OP_MOUNT, "ids are mapped before any mount"},
    {OP_BECOME, OP_BIND, "ids are mapped before any mount"},
    {OP_BECOME, OP_COPY_UP, "files belong to the container's root"},
    {OP_BECOME, OP_MKNOD, "files belong to the container's root"},
    {OP_PROPAGATION, OP_ATTACH, "the mount would propagate to the host"},
    {OP_PROPAGATION, OP_MOUNT, "the mount would propagate to the host"},
    {OP_PROPAGATION, OP_BIND, "the mount would propagate to the host"},
    {OP_MOUNTPOINT, OP_UNMOUNT, "one that is not there is to be known before any is gone"},
    {OP_MASK, OP_PIVOT, "everything is attached before the pivot"},
    {OP_MOUNT, OP_PIVOT, "everything is attached before the pivot"},
    {OP_REMOUNT, OP_PIVOT, "the path is looked up below the root"},
    {OP_COPY_UP, OP_PIVOT, "the path is looked up below the root"},
    {OP_VOLUME, OP_PIVOT, "the path is looked up below the root"},
    {OP_BIND, OP_PIVOT, "the source lies in the old root"},
    {OP_SYSCTL, OP_IDS, "writing needs the container's root"},
    {OP_PIVOT, OP_USER, "the user is looked up in the container's files"},
    {OP_PIVOT, OP_IDS, "pivot_root needs CAP_SYS_ADMIN"},
    {OP_PIVOT, OP_CHDIR, "the directory is the container's"},
    {OP_PIVOT, OP_FIND, "the command is the container's"},
    {OP_BOUNDING, OP_IDS, "it needs CAP_SETPCAP"},
    {OP_USER, OP_IDS, "the user is not known yet"},
    {OP_IDS, OP_CAPS, "changing ids clears the sets"},
    {OP_IDS, OP_FIND, "the command is looked for by who runs it"},
    {OP_NO_NEW_PRIVS, OP_SECCOMP, "seccomp(2) needs it from unprivileged callers"},
    {OP_LABEL, OP_BECOME, "/proc/self is the caller's no longer"},
    {OP_OOM_SCORE, OP_BECOME, "/proc/self is the caller's no longer"},
    {OP_CLOSE, OP_EXEC, "inherited fds would stay open"},
    {OP_FIND, OP_EXEC, "the command is not known yet"},
    {OP_SECCOMP, OP_EXEC, "the command would run without it"},
    {OP_CAPS, OP_EXEC, "the command would have them all"},
    {OP_STATE, OP_RESTORE, "without a journal it could not be undone"},
    {OP_CGROUP_SET, OP_RESTORE, "there would be a moment without limits"},
    {OP_SCOPE, OP_RESTORE, "the container is to be born inside its cgroup"},
    {OP_DEVICE_FILTER, OP_RESTORE, "what is restored would run without the filter"},
    {OP_RESTORE, OP_SCOPE_LEAVE, "the scope would be empty, and end"},
};

/* What is left to INIT after the command's filter is in force. Without no_new_privs the filter needs
 * CAP_SYS_ADMIN (seccomp(2)), so that the capabilities go only after it. */
static const enum op after_seccomp[] = {OP_EXEC, OP_CAPS, OP_DIE_WITH};

/* What INIT can no longer do once it has given up its ids and capabilities. */
static const enum op privileged[] = {
    OP_MOUNT, OP_BIND,   OP_BIND_OPEN, OP_OVERLAY,  OP_ATTACH, OP_MKNOD,   OP_MASK,     OP_READONLY,
    OP_PIVOT, OP_SYSCTL, OP_HOSTNAME,  OP_LOOPBACK, OP_JOIN,   OP_UNSHARE, OP_BOUNDING, OP_CHOWN_TREE,
    OP_ENTER, OP_REMOUNT, OP_COPY_UP, OP_VOLUME,  OP_COPY_LAYERS,
};

static bool is_one_of(enum op op, const enum op *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (op == list[i])
            return true;
    return false;
}

static int wrong(const struct plan *plan, size_t i, const char *reason)
{
    char text[256];
    step_describe(&plan->steps[i], text, sizeof text);
    return refuse(-EINVAL, "plan: step %zu, %s %s: %s", i + 1, op_infos[plan->steps[i].op].word,
                  text, reason);
}

static int check_orders(const struct plan *plan)
{
    for (size_t r = 0; r < COUNT(orders); r++) {
        bool seen = false, seen_by_others = false;
        for (size_t i = 0; i < plan->count; i++) {
            const struct step *step = &plan->steps[i];
            if (step->op == orders[r].later) {
                seen = true;
                seen_by_others |= step->by != HOST;
            }
            if (step->op == orders[r].earlier && (step->by == HOST ? seen : seen_by_others))
                return wrong(plan, i, orders[r].reason);
        }
    }
    return 0;
}

/* Slots belong to a process; INIT and JOINER begin with a copy of what their parent had. */
static int check_slots(const struct plan *plan)
{
    bool written[3][SLOT_COUNT] = {{false}};
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        const struct parcel *parcel = step->op == OP_SEND || step->op == OP_WAIT ? step->data : NULL;
        if (step->in && !written[step->by][step->in])
            return wrong(plan, i, "reads a slot that nobody has written");
        for (size_t k = 0; parcel && parcel->slots[k]; k++) {
            enum slot slot = parcel->slots[k] == SLOT_CONSOLE && step->op == OP_SEND
                                 ? SLOT_TTY
                                 : parcel->slots[k];
            if (step->op == OP_SEND && !written[step->by][slot])
                return wrong(plan, i, "sends a slot that nobody has written");
            if (step->op == OP_WAIT)
                written[step->by][slot] = true;
        }
        if (step->out)
            written[step->by][step->out] = true;
        if (step->op == OP_CLONE)
            memcpy(written[step->out == SLOT_INIT ? INIT : JOINER], written[step->by],
                   sizeof written[0]);
    }
    return 0;
}

static int check_tokens(const struct plan *plan)
{
    int sent[TOKEN_COUNT] = {0}, waited[TOKEN_COUNT] = {0};
    size_t last[TOKEN_COUNT] = {0};
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->op != OP_SEND && step->op != OP_WAIT)
            continue;
        if (!step->token)
            return wrong(plan, i, "sends or waits for nothing");
        last[step->token] = i;
        if (step->op == OP_SEND)
            sent[step->token]++;
        else if (waited[step->token]++, step->token != TOKEN_RUNNING && !sent[step->token])
            return wrong(plan, i, "waits for what is sent only later");
    }
    for (int t = 1; t < TOKEN_COUNT; t++)
        if (t != TOKEN_RUNNING && sent[t] != waited[t])
            return wrong(plan, last[t], sent[t] ? "is waited for by nobody" : "is sent by nobody");
    return 0;
}

/* The channel is a queue: what HOST sends to the others is taken out in the same order. */
static int check_queue(const struct plan *plan)
{
    size_t next = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *wait = &plan->steps[i];
        if (wait->op != OP_WAIT || wait->by == HOST)
            continue;
        while (next < plan->count && (plan->steps[next].op != OP_SEND || plan->steps[next].by != HOST))
            next++;
        if (next == plan->count || plan->steps[next].token != wait->token)
            return wrong(plan, i, "waits for what is not the next to come");
        next++;
    }
    return 0;
}

static int check_masks(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *mask = &plan->steps[i];
        for (size_t k = i + 1; k < plan->count && (mask->op == OP_MASK || mask->op == OP_READONLY); k++) {
            const struct step *step = &plan->steps[k];
            if (step->op == OP_VOLUME && mask->op == OP_READONLY && text_equal(mask->path, "/"))
                return wrong(plan, k, "it would be read-only like the root");
            if ((step->op == OP_MOUNT || step->op == OP_BIND) && text_path_covers(step->path, mask->path))
                return wrong(plan, k, "the mount would cover the mask");
        }
    }
    return 0;
}

/* What HOST does to INIT, or attaches while INIT works: their order is a token's. */
static const enum op before_ready[] = {OP_DEVICE_FILTER, OP_PRLIMIT, OP_SCHEDULER, OP_IO_PRIORITY,
                                        OP_NET_DEVICE, OP_RDT_JOIN, OP_OUTER_PID};

static int check_ready(const struct plan *plan)
{
    bool filtered = false, ready = false, waited = false, mapped = false, first = false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        filtered |= step->op == OP_DEVICE_FILTER;
        mapped |= step->op == OP_SEND && step->token == TOKEN_IDS;
        first |= step->op == OP_DEVICE_FILTER && !mapped; /* then who waits for the ids waits for it */
        ready |= step->op == OP_SEND && step->token == TOKEN_READY;
        if (is_one_of(step->op, before_ready, COUNT(before_ready)) && ready)
            return wrong(plan, i, "HOST has said that it is done");
        waited |= step->op == OP_WAIT && step->by == INIT && step->token == TOKEN_READY;
        waited |= step->op == OP_WAIT && step->by != HOST && step->token == TOKEN_IDS && first;
        if (step->op == OP_EXEC && filtered && !waited)
            return wrong(plan, i, "the command would not wait for the device filter");
    }
    return 0;
}

/* HOST stands still while INIT has its memory: INIT cannot wait for it. */
static int check_sharing(const struct plan *plan)
{
    bool sharing = false, hidden = false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        hidden |= step->op == OP_HIDE;
        sharing |= step->op == OP_CLONE && step->flags & CLONE_VFORK;
        if (sharing && step->by != HOST && (step->op == OP_WAIT || step->op == OP_START))
            return wrong(plan, i, "HOST stands still until INIT executes");
        if (sharing && !hidden && step->by == INIT && step->op == OP_ENTER)
            return wrong(plan, i, "who traces INIT there would have HOST's memory");
        if (sharing && step->by == INIT && step->op == OP_HOOK)
            return wrong(plan, i, "hooks are run by who has a memory of its own");
        if (sharing && step->by == HOST && is_one_of(step->op, before_ready, COUNT(before_ready)))
            return wrong(plan, i, "INIT would not wait for it");
    }
    return 0;
}

/* What a plan that visits a container does there. */
static const enum op of_visits[] = {OP_MOUNT, OP_BIND, OP_MOUNTPOINT, OP_UNMOUNT};

static int check_visit(const struct plan *plan)
{
    bool hidden = false, entered = false;
    for (size_t i = 0; i < plan->count && plan->visits; i++) {
        const struct step *step = &plan->steps[i];
        hidden |= step->op == OP_HIDE;
        entered |= step->op == OP_ENTER && step->flags & CLONE_NEWNS;
        if (step->op == OP_ENTER && !hidden)
            return wrong(plan, i, "who is there could trace INIT");
        if (is_one_of(step->op, of_visits, COUNT(of_visits)) && !entered)
            return wrong(plan, i, "it is the caller's mount namespace still");
    }
    return 0;
}

static int check_end(const struct plan *plan)
{
    bool dropped = false, filtered = false, born = false, no_new_privs = false;
    size_t execs = 0, restores = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        born |= step->op == OP_CLONE && step->out == SLOT_INIT;
        if (step->by == INIT && !born)
            return wrong(plan, i, "INIT is not born yet");
        restores += step->op == OP_RESTORE;
        if (step->by != INIT)
            continue;
        if (execs)
            return wrong(plan, i, "nothing comes after exec");
        if (filtered && !is_one_of(step->op, after_seccomp, no_new_privs ? 1 : COUNT(after_seccomp)))
            return wrong(plan, i, "seccomp is the last step before exec");
        if (dropped && is_one_of(step->op, privileged, COUNT(privileged)))
            return wrong(plan, i, "nothing privileged after the drop");
        no_new_privs |= step->op == OP_NO_NEW_PRIVS;
        dropped |= step->op == OP_IDS || step->op == OP_CAPS;
        filtered |= step->op == OP_SECCOMP;
        execs += step->op == OP_EXEC;
    }
    if (execs + restores != !plan->visits)
        return refuse(-EINVAL, "plan: %zu exec steps, wanted %s", execs + restores, plan->visits ? "none" : "one");
    return 0;
}

int plan_check(const struct plan *plan)
{
    TRY(check_orders(plan));
    TRY(check_slots(plan));
    TRY(check_tokens(plan));
    TRY(check_queue(plan));
    TRY(check_masks(plan));
    TRY(check_ready(plan));
    TRY(check_sharing(plan));
    TRY(check_visit(plan));
    return check_end(plan);
}
