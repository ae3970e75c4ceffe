/* The device filter's program against the rules as the specification reads: an interpreter for the few
 * instructions that it is made of runs it for every device near a rule's. */
#include "base/cleanup.h"
#include "kernel/device_bpf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { READ = BPF_DEVCG_ACC_READ, WRITE = BPF_DEVCG_ACC_WRITE, MKNOD = BPF_DEVCG_ACC_MKNOD };

static int run(const struct bpf_insn *program, size_t count, const struct bpf_cgroup_dev_ctx *context)
{
    uint32_t r[11] = {0};
    const uint32_t *words = (const uint32_t *)context;
    for (size_t i = 0; i < count; i++) {
        const struct bpf_insn *f = &program[i];
        uint32_t k = BPF_SRC(f->code) == BPF_X ? r[f->src_reg] : (uint32_t)f->imm;
        uint32_t *d = &r[f->dst_reg];
        bool jump = false;
        switch (f->code) {
        case BPF_LDX | BPF_MEM | BPF_W: *d = words[f->off / 4]; break;
        case BPF_ALU | BPF_AND | BPF_K: *d &= k; break;
        case BPF_ALU | BPF_RSH | BPF_K: *d >>= k; break;
        case BPF_ALU | BPF_LSH | BPF_K: *d <<= k; break;
        case BPF_ALU | BPF_OR | BPF_X: *d |= k; break;
        case BPF_ALU | BPF_MOV | BPF_X:
        case BPF_ALU64 | BPF_MOV | BPF_K: *d = k; break;
        case BPF_JMP32 | BPF_JEQ | BPF_K: jump = *d == k; break;
        case BPF_JMP32 | BPF_JNE | BPF_K: jump = *d != k; break;
        case BPF_JMP32 | BPF_JSET | BPF_K: jump = *d & k; break;
        case BPF_JMP | BPF_JA: jump = true; break;
        case BPF_JMP | BPF_EXIT: return (int)r[0];
        default: fail_msg("instruction %zu: %#x", i, f->code);
        }
        i += jump ? (size_t)f->off : 0;
    }
    fail_msg("the program runs off its end");
    return -1;
}

/* runtime-spec config-linux.md, "Allowed Device list": the last rule that matches decides. */
static int wanted(const struct device_rule *rules, size_t n, bool block, uint32_t access, uint32_t major,
                  uint32_t minor)
{
    int verdict = 0;
    for (size_t i = 0; i < n; i++) {
        const struct device_rule *rule = &rules[i];
        uint32_t grants = (rule->read ? READ : 0u) | (rule->write ? WRITE : 0u) | (rule->mknod ? MKNOD : 0u);
        if ((rule->type == 'a' || (rule->type == 'b') == block) && !(access & ~grants) &&
            (rule->major < 0 || rule->major == major) && (rule->minor < 0 || rule->minor == minor))
            verdict = rule->allow;
    }
    return verdict;
}

static void compare(const struct device_rule *rules, size_t n)
{
    static const uint32_t numbers[] = {0, 1, 2, 3, 4, 5, 8, 9, 136, 255, 256, 4095, 4097, 1048575};
    struct bpf_insn program[1024];
    size_t count;
    assert_int_equal(device_bpf_compile(rules, n, program, COUNT(program), &count), 0);
    for (unsigned access = 1; access < 8; access++)
        for (size_t a = 0; a < COUNT(numbers); a++)
            for (size_t b = 0; b < COUNT(numbers) && numbers[a] < 4096; b++)
                for (unsigned block = 0; block < 2; block++) {
                    uint32_t type = block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
                    struct bpf_cgroup_dev_ctx context = {access << 16 | type, numbers[a], numbers[b]};
                    int verdict = wanted(rules, n, block, access, numbers[a], numbers[b]);
                    if (run(program, count, &context) != verdict)
                        fail_msg("%c %u:%u, access %u: wanted %d", block ? 'b' : 'c', numbers[a],
                                 numbers[b], access, verdict);
                }
}

static void rules_as_containers_have_them(void **state)
{
    (void)state;
    static const struct device_rule rules[] = {
        {false, 'a', -1, -1, true, true, true}, {true, 'c', -1, -1, false, false, true},
        {true, 'b', -1, -1, false, false, true}, {true, 'c', 1, 3, true, true, true},
        {true, 'c', 1, 5, true, true, true},    {true, 'c', 1, 8, true, true, true},
        {true, 'c', 136, -1, true, true, true}, {true, 'c', 5, 2, true, true, true},
    };
    for (size_t n = 0; n <= COUNT(rules); n++)
        compare(rules, n);
}

static void the_last_rule_wins(void **state)
{
    (void)state;
    static const struct device_rule denied_again[] = {
        {true, 'a', -1, -1, true, true, true}, {false, 'c', 1, -1, true, true, true},
        {true, 'c', 1, 3, true, false, false}, {false, 'c', -1, 3, false, true, false},
    };
    static const struct device_rule no_such_device[] = {
        {true, 'c', 4097, 3, true, true, true}, {true, 'c', 1, 1 << 20, true, true, true},
        {true, 'b', 8, 0, true, true, false},   {true, 'b', 4096, -1, true, true, false},
    };
    static const struct device_rule nothing_granted[] = {{true, 'c', 1, 3, false, false, false}};
    compare(denied_again, COUNT(denied_again));
    compare(no_such_device, COUNT(no_such_device));
    compare(nothing_granted, COUNT(nothing_granted));
}

/* Thousands of lists of up to ten rules, from few values so that they overlap. */
static void random_rules(void **state)
{
    (void)state;
    static const int64_t numbers[] = {-1, -1, 0, 1, 3, 5, 4097};
    unsigned seed = 1;
    for (int round = 0; round < 300; round++) {
        struct device_rule rules[10];
        size_t n = 1 + (size_t)round % COUNT(rules);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            unsigned bits = seed >> 8;
            rules[i] = (struct device_rule){bits & 1, "abc"[bits / 2 % 3],
                                            numbers[bits / 8 % COUNT(numbers)],
                                            numbers[bits / 64 % COUNT(numbers)], bits >> 10 & 1,
                                            bits >> 11 & 1, bits >> 12 & 1};
        }
        compare(rules, n);
    }
}

static void too_many_rules(void **state)
{
    (void)state;
    struct device_rule rules[64] = {{0}};
    struct bpf_insn program[32];
    size_t count;
    for (size_t i = 0; i < COUNT(rules); i++)
        rules[i] = (struct device_rule){i % 2, 'c', (int64_t)i, -1, true, true, true};
    assert_int_equal(device_bpf_compile(rules, COUNT(rules), program, COUNT(program), &count), -7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_as_containers_have_them),
        cmocka_unit_test(the_last_rule_wins),
        cmocka_unit_test(random_rules),
        cmocka_unit_test(too_many_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
