/* The default filter, as compiled at build time, does what data/seccomp.json says; and profiles that are
 * wrong are refused with a pointer. Each check runs in a child that has the filter. */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/capability.h"
#include "kernel/seccomp_compile.h"
#include "kernel/seccomp_default.h"

#include <linux/sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

/* The errno of the call under PROGRAM, 0 when it succeeds; -1 when the child was killed. */
static int under(const struct seccomp_program *program, long number, long a, long b)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(program) < 0)
            _exit(200);
        long r = syscall(number, a, b, 0, 0, 0);
        syscall(SYS_exit_group, r < 0 ? errno : 0); /* nothing of the C library's ends here */
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct call {
    const char *what;
    long number, a, b;
    int wanted;
} calls[] = {
    {"getpid", SYS_getpid, 0, 0, 0},
    {"clone3 hides its flags", SYS_clone3, 0, 0, ENOSYS},
    {"a call that nobody knows", 999, 0, 0, ENOSYS},
    {"keyctl", SYS_keyctl, 0, 0, EPERM},
    {"add_key", SYS_add_key, 0, 0, EPERM},
    {"bpf", SYS_bpf, 0, 0, EPERM},
    {"mount", SYS_mount, 0, 0, EPERM},
    {"unshare a user namespace", SYS_unshare, CLONE_NEWUSER, 0, EPERM},
    {"setns", SYS_setns, 0, 0, EPERM},
    {"kexec_load", SYS_kexec_load, 0, 0, EPERM},
    {"userfaultfd", SYS_userfaultfd, 0, 0, EPERM},
    {"io_uring_setup", 425, 0, 0, EPERM},
    {"open_by_handle_at", SYS_open_by_handle_at, 0, 0, EPERM},
    {"personality that is asked", SYS_personality, 0xffffffff, 0, 0},
    {"personality that weakens", SYS_personality, 0x0040000, 0, ENOSYS},
    {"clone with a new namespace", SYS_clone, CLONE_NEWUSER | 17, 0, ENOSYS},
    {"socket of AF_UNIX", SYS_socket, AF_UNIX, SOCK_STREAM, 0},
    {"socket of AF_VSOCK", SYS_socket, AF_VSOCK, SOCK_STREAM, EPERM},
    {"AF_VSOCK with high bits set", SYS_socket, 0x100000000 | AF_VSOCK, SOCK_STREAM, EPERM},
};

static void the_default_filter(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        int got = under(&seccomp_default_program, calls[i].number, calls[i].a, calls[i].b);
        if (got != calls[i].wanted)
            fail_msg("%s: errno %d, wanted %d", calls[i].what, got, calls[i].wanted);
    }
}

static void capabilities_open_what_they_are_for(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct seccomp_program program;
    assert_int_equal(seccomp_default(&arena, capability_default | 1ULL << 21, NULL, &program), 0);
    assert_int_not_equal(under(&program, SYS_clone3, 0, 0), ENOSYS);
    assert_int_equal(under(&program, SYS_keyctl, 0, 0), EPERM);
}

static const struct wrong {
    const char *profile, *sentence;
} wrongs[] = {
    {"", "not a JSON object"},
    {"[]", "not a JSON object"},
    {"{}", "/defaultAction: is missing"},
    {"{\"defaultAction\":\"SCMP_ACT_BOO\"}", "/defaultAction: unknown action SCMP_ACT_BOO"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_Z80\"]}",
     "/architectures: unknown architecture SCMP_ARCH_Z80"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}", "/flags: unknown flag X"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"SCMP_ACT_ERRNO\"}]}",
     "/syscalls/0: names is missing"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
     "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":9,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}",
     "/syscalls/0: index must be 0 to 5"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
     "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_X\"}]}]}",
     "/syscalls/0: unknown comparison SCMP_CMP_X"},
    {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
     "\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"CAP_FLY\"]}}]}",
     "/syscalls/0: unknown capability CAP_FLY"},
};

static void wrong_profiles_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        auto_arena arena = {0};
        struct seccomp_program program;
        error_clear();
        assert_true(seccomp_compile(&arena, wrongs[i].profile, "profile", 0, &program) < 0);
        if (!strstr(error_text(), wrongs[i].sentence))
            fail_msg("wanted \"%s\", got \"%s\"", wrongs[i].sentence, error_text());
    }
    error_clear();
}

static void names_of_capabilities(void **state)
{
    (void)state;
    auto_arena arena = {0};
    uint64_t mask;
    assert_int_equal(capability_parse("CAP_NET_ADMIN", &mask), 0);
    assert_int_equal(mask, 1 << 12);
    assert_int_equal(capability_parse("net_admin", &mask), 0);
    assert_int_equal(capability_parse("all", &mask), 0);
    assert_int_equal(mask, CAPABILITY_ALL);
    assert_true(capability_parse("", &mask) < 0);
    assert_true(capability_parse("CAP_", &mask) < 0);
    assert_true(capability_parse("CAP_NET_ADMIN ", &mask) < 0);
    assert_string_equal(capability_format(3, &arena), "chown, dac_override");
    assert_int_equal(__builtin_popcountll(capability_default), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_filter),
        cmocka_unit_test(capabilities_open_what_they_are_for),
        cmocka_unit_test(wrong_profiles_are_refused),
        cmocka_unit_test(names_of_capabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
