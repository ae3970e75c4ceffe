/* plan_check() rejects plans whose steps are in the wrong order, each with the reason. */
#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/sys.h"
#include "runtime/plan.h"
#include "runtime/step_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct parcel nothing;
static const struct parcel root_travels = {.slots = {SLOT_ROOT}};

#define H(o, ...) {.op = OP_##o, .by = HOST, .why = "test", __VA_ARGS__}
#define I(o, ...) {.op = OP_##o, .by = INIT, .why = "test", __VA_ARGS__}
#define BORN H(CLONE, .out = SLOT_INIT)
#define SHARES H(CLONE, .out = SLOT_INIT, .flags = SHARING)
#define END I(CLOSE), I(FIND, .path = "x"), I(EXEC, .path = "x")

static const struct wrong {
    const char *reason;
    struct step steps[12];
} wrong_plans[] = {
    {"without a journal it could not be undone", {H(LAYER), H(STATE), BORN, END}},
    {"the cgroup does not exist yet", {H(CGROUP_SET), H(CGROUP_CREATE), BORN, END}},
    {"the container is to be born inside its cgroup", {BORN, H(CGROUP_CREATE), END}},
    {"the container is to be born inside its cgroup", {H(STATE), BORN, H(SCOPE), END}},
    {"the scope would be empty, and end", {H(STATE), H(SCOPE, .out = SLOT_SCOPE), H(SCOPE_LEAVE, .in = SLOT_SCOPE), BORN, END}},
    {"who listens would be told a wrong number",
     {BORN, I(SECCOMP), H(OUTER_PID, .in = SLOT_INIT), END}},
    {"there would be a moment without limits", {H(CGROUP_CREATE), BORN, H(CGROUP_SET), END}},
    {"ids are mapped before any mount", {BORN, I(MOUNT), I(BECOME), END}},
    {"the mount would propagate to the host", {BORN, I(MOUNT), I(PROPAGATION), END}},
    {"the mount would cover the mask", {BORN, I(MASK, .path = "/proc/kcore"), I(MOUNT, .path = "/proc"), END}},
    {"the mount would cover the mask",
     {BORN, I(READONLY, .path = "/sys/fs/cgroup"), I(BIND, .path = "/sys/"), END}},
    {"everything is attached before the pivot", {BORN, I(PIVOT), I(MOUNT), END}},
    {"the source lies in the old root", {BORN, I(PIVOT), I(BIND), END}},
    {"the user is looked up in the container's files", {BORN, I(USER), I(PIVOT), END}},
    {"it needs CAP_SETPCAP", {BORN, I(IDS), I(BOUNDING), END}},
    {"changing ids clears the sets", {BORN, I(CAPS), I(IDS), END}},
    {"the command would run without it", {BORN, END, I(SECCOMP)}},
    {"nothing comes after exec", {BORN, END, I(UMASK)}},
    {"seccomp is the last step before exec", {BORN, I(NO_NEW_PRIVS), I(SECCOMP), I(UMASK), END}},
    {"nothing privileged after the drop", {BORN, I(IDS), I(UNSHARE), I(CAPS), END}},
    {"INIT is not born yet", {I(UMASK), BORN, END}},
    {"reads a slot that nobody has written", {BORN, I(ATTACH, .in = SLOT_ROOT), END}},
    {"sends a slot that nobody has written",
     {BORN, H(SEND, .token = TOKEN_IDS, .data = &root_travels),
      I(WAIT, .token = TOKEN_IDS, .data = &root_travels), END}},
    {"is waited for by nobody", {BORN, H(SEND, .token = TOKEN_IDS, .data = &nothing), END}},
    {"waits for what is sent only later",
     {BORN, I(WAIT, .token = TOKEN_IDS, .data = &nothing),
      H(SEND, .token = TOKEN_IDS, .data = &nothing), END}},
    {"waits for what is not the next to come",
     {BORN, H(SEND, .token = TOKEN_IDS, .data = &nothing), H(SEND, .token = TOKEN_READY, .data = &nothing),
      I(WAIT, .token = TOKEN_READY, .data = &nothing), I(WAIT, .token = TOKEN_IDS, .data = &nothing), END}},
    {"sends or waits for nothing", {BORN, H(SEND, .data = &nothing), END}},
    {"HOST stands still until INIT executes",
     {SHARES, H(SEND, .token = TOKEN_BORN, .data = &nothing), I(WAIT, .token = TOKEN_BORN, .data = &nothing), END}},
    {"who traces INIT there would have HOST's memory",
     {H(TARGET, .out = SLOT_TARGET), SHARES, I(ENTER, .in = SLOT_TARGET), I(HIDE), END}},
    {"hooks are run by who has a memory of its own", {SHARES, I(HOOK), END}},
    {"INIT would not wait for it", {SHARES, H(PRLIMIT, .in = SLOT_INIT), END}},
    {"0 exec steps, wanted one", {BORN, I(UMASK)}},
};

#define ENTERS H(TARGET, .out = SLOT_TARGET), BORN, I(HIDE), I(ENTER, .in = SLOT_TARGET, .flags = CLONE_NEWNS)
#define DONE I(SEND, .token = TOKEN_MOUNTED, .data = &nothing), H(WAIT, .token = TOKEN_MOUNTED, .data = &nothing)

static const struct wrong wrong_visits[] = {
    {"it is the caller's mount namespace still", {H(TARGET, .out = SLOT_TARGET), BORN, I(HIDE), I(MOUNT), DONE}},
    {"it is the caller's mount namespace still",
     {H(TARGET, .out = SLOT_TARGET), BORN, I(HIDE), I(MOUNTPOINT, .out = SLOT_MOUNT), I(UNMOUNT, .in = SLOT_MOUNT), DONE}},
    {"who is there could trace INIT", {H(TARGET, .out = SLOT_TARGET), BORN, I(ENTER, .in = SLOT_TARGET, .flags = CLONE_NEWNS), DONE}},
    {"one that is not there is to be known before any is gone",
     {ENTERS, I(MOUNTPOINT, .out = SLOT_MOUNT), I(UNMOUNT, .in = SLOT_MOUNT), I(MOUNTPOINT, .out = SLOT_MOUNT), DONE}},
    {"1 exec steps, wanted none", {ENTERS, END}},
};

static struct plan plan_of(const struct step *steps)
{
    struct plan plan = {.steps = (struct step *)steps};
    while (plan.count < 12 && steps[plan.count].why)
        plan.count++;
    return plan;
}

static void are_rejected(const struct wrong *wrongs, size_t count, bool visits)
{
    for (size_t i = 0; i < count; i++) {
        struct plan plan = plan_of(wrongs[i].steps);
        plan.visits = visits;
        error_clear();
        assert_int_equal(plan_check(&plan), -EINVAL);
        if (!strstr(error_text(), wrongs[i].reason))
            fail_msg("plan %zu: wanted \"%s\", got \"%s\"", i, wrongs[i].reason, error_text());
    }
    error_clear();
}

static void misordered_plans_are_rejected(void **state)
{
    (void)state;
    are_rejected(wrong_plans, COUNT(wrong_plans), false);
    are_rejected(wrong_visits, COUNT(wrong_visits), true);
}

static void a_right_visit_passes(void **state)
{
    (void)state;
    static const struct step steps[12] = {ENTERS, I(OPEN, .out = SLOT_ROOT), I(BIND), DONE};
    struct plan plan = plan_of(steps);
    plan.visits = true;
    assert_int_equal(plan_check(&plan), 0);
}

static void a_right_plan_passes(void **state)
{
    (void)state;
    static const struct step steps[12] = {H(STATE), BORN, I(PROPAGATION), I(MASK, .path = "/proc/kcore"),
                                          I(MOUNT, .path = "/pro"), I(PIVOT), I(IDS), I(CAPS), END};
    struct plan plan = plan_of(steps);
    assert_int_equal(plan_check(&plan), 0);
}

static void every_slot_has_a_name(void **state)
{
    (void)state;
    char buffer[16];
    for (int i = 0; i < SLOT_COUNT; i++)
        assert_non_null(slot_name((enum slot)i, buffer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misordered_plans_are_rejected),
        cmocka_unit_test(a_right_plan_passes),
        cmocka_unit_test(a_right_visit_passes),
        cmocka_unit_test(every_slot_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
