/* Device access on cgroup v2: rules compiled to a BPF_PROG_TYPE_CGROUP_DEVICE program (bpf(2), kernel
 * documentation "Device controller"). */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As in runtime-spec config-linux.md: later rules win; numbers -1 are "any". */
struct device_rule {
    bool allow;
    char type; /* 'a' 'b' 'c' */
    int64_t major, minor;
    bool read, write, mknod;
};

/* Compiles RULES into at most MAX instructions. -E2BIG when they do not fit. Pure. */
int device_bpf_compile(const struct device_rule *rules, size_t n, struct bpf_insn *out, size_t max,
                       size_t *count);

/* Loads and attaches the program to the cgroup. -errno. */
int device_bpf_attach(int cgroup, const struct bpf_insn *instructions, size_t count);
