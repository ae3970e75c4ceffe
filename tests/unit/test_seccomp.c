/* The default filter, as compiled at build time, does what data/seccomp.json says; compaction changes no
 * verdict; and profiles that are wrong are refused with a pointer. Filters run in an interpreter, so that
 * all architectures and numbers can be asked; that the kernel enforces them is for tests/cli. */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/capability.h"
#include "kernel/seccomp_compact.h"
#include "kernel/seccomp_compile.h"
#include "kernel/seccomp_default.h"

#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#ifdef __x86_64__
enum { NATIVE = (int)AUDIT_ARCH_X86_64 };
#else
enum { NATIVE = (int)AUDIT_ARCH_AARCH64 };
#endif

/* SECCOMP_RET_* as the kernel would find it. */
static uint32_t run(const struct seccomp_program *program, const struct seccomp_data *data)
{
    const uint32_t *words = (const uint32_t *)data;
    uint32_t a = 0;
    for (size_t i = 0; i < program->count; i++) {
        const struct sock_filter *f = &program->instructions[i];
        bool yes = false;
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS: a = words[f->k / 4]; continue;
        case BPF_ALU | BPF_AND | BPF_K: a &= f->k; continue;
        case BPF_RET | BPF_K: return f->k;
        case BPF_JMP | BPF_JA: i += f->k; continue;
        case BPF_JMP | BPF_JEQ | BPF_K: yes = a == f->k; break;
        case BPF_JMP | BPF_JGT | BPF_K: yes = a > f->k; break;
        case BPF_JMP | BPF_JGE | BPF_K: yes = a >= f->k; break;
        case BPF_JMP | BPF_JSET | BPF_K: yes = a & f->k; break;
        default: fail_msg("instruction %zu: %#x", i, f->code);
        }
        i += yes ? f->jt : f->jf;
    }
    fail_msg("the filter runs off its end");
    return 0;
}

/* The errno of the call under PROGRAM, 0 when it is allowed; -1 when it is fatal. */
static int under(const struct seccomp_program *program, long number, long a, long b)
{
    struct seccomp_data data = {.nr = (int)number, .arch = (uint32_t)NATIVE,
                                .args = {(uint64_t)a, (uint64_t)b}};
    uint32_t verdict = run(program, &data);
    if ((verdict & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
        return (int)(verdict & SECCOMP_RET_DATA);
    return verdict == SECCOMP_RET_ALLOW ? 0 : -1;
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

/* ---- compaction ---- */

static const uint32_t arches[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, UINT32_MAX};
static const uint64_t values[] = {0, 1, 2, 16, 40, 8, 0x20000, 0x20008, 0xffffffff, 0x7e020000,
                                  CLONE_NEWUSER, 0x100000000 | 40, UINT64_MAX};

static void compare_call(const struct seccomp_program *one, const struct seccomp_program *other,
                         uint32_t arch, uint32_t number)
{
    for (size_t v = 0; v < COUNT(values); v++) {
        struct seccomp_data data = {.nr = (int)number, .arch = arch,
                                    .args = {values[v], 0, 0, 0, 0, values[v]}};
        uint32_t first = run(one, &data), second = run(other, &data);
        if (first != second)
            fail_msg("%#x, call %u, argument %#llx: %#x became %#x", arch, number,
                     (unsigned long long)values[v], first, second);
    }
}

static void compare_all(const struct seccomp_program *one, const struct seccomp_program *other)
{
    static const uint32_t far[] = {0x3fffffff, 0x40000000, 0x40000001, 0x400001ff, 0x7fffffff,
                                   0x80000000, 0xfffffffe, 0xffffffff};
    for (size_t a = 0; a < COUNT(arches); a++) {
        for (uint32_t number = 0; number < 1100; number++)
            compare_call(one, other, arches[a], number);
        for (size_t i = 0; i < COUNT(far); i++)
            compare_call(one, other, arches[a], far[i]);
    }
}

/* For the default capabilities, for all, and for one at a time: each opens other system calls. */
static void compaction_changes_no_verdict(void **state)
{
    (void)state;
    for (int bit = -2; bit < 41; bit++) {
        auto_arena arena = {0};
        struct seccomp_program plain, compact;
        uint64_t caps = bit == -2 ? capability_default : bit == -1 ? CAPABILITY_ALL : 1ULL << bit;
        assert_int_equal(seccomp_compile_plain(&arena, seccomp_default_profile, "default", caps, &plain), 0);
        compact = plain;
        assert_int_equal(seccomp_compact(&arena, &compact), 0);
        assert_true(compact.count < plain.count / 2);
        compare_all(&plain, &compact);
    }
}

/* Filters of the form that libseccomp writes, with rules from a generator of random numbers. */
static void random_filters_keep_their_verdicts(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 60; round++) {
        auto_arena arena = {0};
        struct sock_filter *program = arena_alloc(&arena, 4096 * sizeof *program);
        size_t n = 0;
        program[n++] = (struct sock_filter){BPF_LD | BPF_W | BPF_ABS, 0, 0, 4};
        program[n++] = (struct sock_filter){BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64};
        program[n++] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS};
        program[n++] = (struct sock_filter){BPF_LD | BPF_W | BPF_ABS, 0, 0, 0};
        for (int rule = 0; rule < 10 * (round + 1); rule++) {
            static const uint16_t tests[] = {BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JEQ};
            static const uint32_t verdicts[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1,
                                                SECCOMP_RET_ERRNO | 38, SECCOMP_RET_TRAP};
            seed = seed * 1103515245 + 12345;
            unsigned bits = seed >> 8;
            bool looks = bits >> 20 & 1;
            uint16_t code = BPF_JMP | BPF_K | tests[bits & 3];
            program[n++] = (struct sock_filter){code, 0, looks ? 4 : 1, bits >> 2 & 1023};
            if (looks) {
                program[n++] = (struct sock_filter){BPF_LD | BPF_W | BPF_ABS, 0, 0, 16};
                program[n++] = (struct sock_filter){BPF_JMP | BPF_JEQ | BPF_K, 0, 1, bits >> 12 & 3};
                program[n++] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, verdicts[bits >> 14 & 3]};
                program[n++] = (struct sock_filter){BPF_LD | BPF_W | BPF_ABS, 0, 0, 0};
            } else
                program[n++] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, verdicts[bits >> 14 & 3]};
        }
        program[n++] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, SECCOMP_RET_LOG};
        struct seccomp_program plain = {.instructions = program, .count = n}, compact = plain;
        seccomp_compact(&arena, &compact);
        compare_all(&plain, &compact);
    }
}

/* What is not of that form stays as it was. */
static void other_filters_are_left_alone(void **state)
{
    (void)state;
    static const struct sock_filter mixed[] = { /* the number on one way, an argument on the other */
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},      {BPF_JMP | BPF_JGE | BPF_K, 0, 1, 100},
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, 16},     {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 7},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL},
    };
    static const struct sock_filter bits[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},        {BPF_JMP | BPF_JSET | BPF_K, 0, 1, 4},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL},
    };
    static const struct sock_filter unloaded[] = {
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL},
    };
    static const struct sock_filter off_the_end[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}};
    const struct seccomp_program programs[] = {
        {.instructions = mixed, .count = COUNT(mixed)},
        {.instructions = bits, .count = COUNT(bits)},
        {.instructions = unloaded, .count = COUNT(unloaded)},
        {.instructions = off_the_end, .count = COUNT(off_the_end)},
    };
    for (size_t i = 0; i < COUNT(programs); i++) {
        auto_arena arena = {0};
        struct seccomp_program program = programs[i];
        assert_true(seccomp_compact(&arena, &program) < 0);
        assert_ptr_equal(program.instructions, programs[i].instructions);
    }
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
        cmocka_unit_test(compaction_changes_no_verdict),
        cmocka_unit_test(random_filters_keep_their_verdicts),
        cmocka_unit_test(other_filters_are_left_alone),
        cmocka_unit_test(wrong_profiles_are_refused),
        cmocka_unit_test(names_of_capabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
