/* The program decides by the last rule that matches: so rules are tested from the last to the first,
 * and a match returns at once. Neighbours of one kind (type of device, access, verdict) share their
 * tests and their return: what the kernel verifies at each start is short.
 *
 * Context (struct bpf_cgroup_dev_ctx): access_type holds the kind of device in its low half and the
 * wanted access in its high half; a rule matches when it grants (or denies) every access that is
 * wanted. */
#include "kernel/device_bpf.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_GROUP = 64 };

struct program {
    struct bpf_insn *out;
    size_t count, max;
};

enum { TYPE = 2, ACCESS = 3, MAJOR = 4, MINOR = 5, BOTH = 0 }; /* registers; r0 is free until the end */
enum {
    MINOR_BITS = 20,
    MAJOR_BITS = 12,
    ALL = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE,
};

static void emit(struct program *p, struct bpf_insn instruction)
{
    if (p->count < p->max)
        p->out[p->count] = instruction;
    p->count++;
}

static void emit_load(struct program *p, unsigned to, short offset)
{
    emit(p, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = to & 0xf,
                              .src_reg = BPF_REG_1, .off = offset});
}

static void emit_return(struct program *p, bool allow)
{
    emit(p, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
                              .imm = allow});
    emit(p, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

/* Emits a jump whose target is not known yet, and returns where it is. */
static size_t emit_jump(struct program *p, unsigned code, unsigned reg, int value)
{
    emit(p, (struct bpf_insn){.code = code & 0xff, .dst_reg = reg & 0xf, .imm = value});
    return p->count - 1;
}

static void land(struct program *p, size_t jump)
{
    if (p->count <= p->max)
        p->out[jump].off = (short)(p->count - jump - 1);
}

static int access_of(const struct device_rule *rule)
{
    return (rule->mknod ? BPF_DEVCG_ACC_MKNOD : 0) | (rule->read ? BPF_DEVCG_ACC_READ : 0) |
           (rule->write ? BPF_DEVCG_ACC_WRITE : 0);
}

/* No device has such a number: the kernel keeps them in 12 and 20 bits. */
static bool names_nothing(const struct device_rule *rule)
{
    return (rule->major >= 0 && rule->major >> MAJOR_BITS) ||
           (rule->minor >= 0 && rule->minor >> MINOR_BITS);
}

static bool same_kind(const struct device_rule *a, const struct device_rule *b)
{
    return !names_nothing(a) && a->type == b->type && a->allow == b->allow && access_of(a) == access_of(b);
}

static bool matches_all(const struct device_rule *rule)
{
    return rule->major < 0 && rule->minor < 0;
}

/* The jump that is taken when the device is the rule's. */
static size_t emit_match(struct program *p, const struct device_rule *rule)
{
    if (rule->major >= 0 && rule->minor >= 0)
        return emit_jump(p, BPF_JMP32 | BPF_JEQ | BPF_K, BOTH,
                         (int)((uint32_t)rule->major << MINOR_BITS | (uint32_t)rule->minor));
    if (rule->major >= 0)
        return emit_jump(p, BPF_JMP32 | BPF_JEQ | BPF_K, MAJOR, (int)rule->major);
    return emit_jump(p, BPF_JMP32 | BPF_JEQ | BPF_K, MINOR, (int)rule->minor);
}

/* Emits the N rules up to LAST, which are of one kind. */
static void emit_group(struct program *p, const struct device_rule *last, size_t n)
{
    size_t misses[3], n_misses = 0, hits[MAX_GROUP], n_hits = 0;
    if (last->type != 'a')
        misses[n_misses++] = emit_jump(p, BPF_JMP32 | BPF_JNE | BPF_K, TYPE,
                                       last->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (access_of(last) != ALL) /* anything wanted beyond it? */
        misses[n_misses++] = emit_jump(p, BPF_JMP32 | BPF_JSET | BPF_K, ACCESS, ALL & ~access_of(last));
    bool all = false;
    for (size_t i = 0; i < n && !all; i++) {
        all = matches_all(last - i);
        if (!all)
            hits[n_hits++] = emit_match(p, last - i);
    }
    if (!all)
        misses[n_misses++] = emit_jump(p, BPF_JMP | BPF_JA, 0, 0);
    for (size_t i = 0; i < n_hits; i++)
        land(p, hits[i]);
    emit_return(p, last->allow);
    for (size_t i = 0; i < n_misses; i++)
        land(p, misses[i]);
}

/* How many rules up to LAST are of its kind; at least one. */
static size_t group_size(const struct device_rule *rules, size_t last)
{
    size_t n = 1;
    while (n < MAX_GROUP && n <= last && same_kind(&rules[last - n], &rules[last]))
        n++;
    return n;
}

/* A rule for all devices and all access: nothing before it can count. */
static bool is_final(const struct device_rule *rule)
{
    return rule->type == 'a' && matches_all(rule) && access_of(rule) == ALL;
}

int device_bpf_compile(const struct device_rule *rules, size_t n, struct bpf_insn *out, size_t max,
                       size_t *count)
{
    struct program p = {.out = out, .max = max};
    emit_load(&p, TYPE, 0);
    emit(&p, (struct bpf_insn){.code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = TYPE, .imm = 0xffff});
    emit_load(&p, ACCESS, 0);
    emit(&p, (struct bpf_insn){.code = BPF_ALU | BPF_RSH | BPF_K, .dst_reg = ACCESS, .imm = 16});
    emit_load(&p, MAJOR, 4);
    emit_load(&p, MINOR, 8);
    emit(&p, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = BOTH, .src_reg = MAJOR});
    emit(&p, (struct bpf_insn){.code = BPF_ALU | BPF_LSH | BPF_K, .dst_reg = BOTH, .imm = MINOR_BITS});
    emit(&p, (struct bpf_insn){.code = BPF_ALU | BPF_OR | BPF_X, .dst_reg = BOTH, .src_reg = MINOR});
    /* What nothing lies behind would be unreachable, which the verifier refuses. */
    bool complete = false;
    for (size_t left = n, size; left && !complete; left -= size) {
        size = 1;
        if (names_nothing(&rules[left - 1]))
            continue;
        size = group_size(rules, left - 1);
        for (size_t i = 0; i < size; i++)
            complete |= is_final(&rules[left - 1 - i]);
        emit_group(&p, &rules[left - 1], size);
    }
    if (!complete)
        emit_return(&p, false);
    *count = p.count;
    return p.count > max ? -E2BIG : 0;
}

int device_bpf_attach(int cgroup, const struct bpf_insn *instructions, size_t count)
{
    static const char license[] = "GPL";
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uint64_t)(uintptr_t)instructions;
    attr.insn_cnt = (uint32_t)count;
    attr.license = (uint64_t)(uintptr_t)license;
    long program = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
    if (program < 0)
        return -errno;
    memset(&attr, 0, sizeof attr);
    attr.target_fd = (uint32_t)cgroup;
    attr.attach_bpf_fd = (uint32_t)program;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    int r = syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof attr) < 0 ? -errno : 0;
    close((int)program);
    return r;
}
