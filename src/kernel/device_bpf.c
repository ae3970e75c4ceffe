/* The program decides by the last rule that matches: so rules are tested from the last to the first,
 * and each match returns at once. Context (struct bpf_cgroup_dev_ctx): access_type holds the kind of
 * device in its low half and the wanted access in its high half; a rule matches when it grants (or
 * denies) every access that is wanted. */
#include "kernel/device_bpf.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct program {
    struct bpf_insn *out;
    size_t count, max;
};

enum { TYPE = 2, ACCESS = 3, MAJOR = 4, MINOR = 5 }; /* registers */

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

static void emit_rule(struct program *p, const struct device_rule *rule)
{
    size_t jumps[4], n = 0;
    int access = (rule->mknod ? BPF_DEVCG_ACC_MKNOD : 0) | (rule->read ? BPF_DEVCG_ACC_READ : 0) |
                 (rule->write ? BPF_DEVCG_ACC_WRITE : 0);
    if (rule->type != 'a') {
        jumps[n++] = p->count;
        emit(p, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = TYPE,
                                  .imm = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK
                                                           : BPF_DEVCG_DEV_CHAR});
    }
    if (access != (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)) {
        /* r1 is free after the loads: what is wanted beyond the rule's access */
        emit(p, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1,
                                  .src_reg = ACCESS});
        emit(p, (struct bpf_insn){.code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = BPF_REG_1,
                                  .imm = access});
        jumps[n++] = p->count;
        emit(p, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_X, .dst_reg = BPF_REG_1,
                                  .src_reg = ACCESS});
    }
    if (rule->major >= 0) {
        jumps[n++] = p->count;
        emit(p, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = MAJOR,
                                  .imm = (int)rule->major});
    }
    if (rule->minor >= 0) {
        jumps[n++] = p->count;
        emit(p, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = MINOR,
                                  .imm = (int)rule->minor});
    }
    emit_return(p, rule->allow);
    for (size_t i = 0; i < n && p->count <= p->max; i++)
        p->out[jumps[i]].off = (short)(p->count - jumps[i] - 1);
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
    /* What nothing lies behind would be unreachable, which the verifier refuses. */
    bool complete = false;
    for (size_t i = n; i-- > 0 && !complete;) {
        emit_rule(&p, &rules[i]);
        complete = rules[i].type == 'a' && rules[i].major < 0 && rules[i].minor < 0 &&
                   rules[i].read && rules[i].write && rules[i].mknod;
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
