/* Control groups of both generations through one small interface. A container's cgroup is a set of
 * directories, one per hierarchy that it needs; each is created, written to and removed alike. What
 * differs (names of files, units, order) is decided by the planner (runtime/plan_cgroup.c) from
 * struct cgroup_facts. cgroups(7), cgroup-v1 and cgroup-v2 of the kernel's documentation. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum controller {
    CG_CPU, CG_CPUSET, CG_MEMORY, CG_PIDS, CG_IO, CG_DEVICES, CG_FREEZER, CG_HUGETLB, CG_RDMA,
    CG_NET_CLS, CG_NET_PRIO, CG_COUNT,
};

/* One hierarchy as the caller sees it. */
struct cgroup_tree {
    const char *mount;  /* mount point; NULL: not there */
    const char *own;    /* the caller's own cgroup in it, as a directory */
    bool writable;      /* the caller may create cgroups at the mount point */
    bool own_writable;  /* ... and in its own cgroup */
};

struct cgroup_facts {
    struct cgroup_tree v2;
    uint32_t v2_controllers; /* bit per controller that v2 has at its mount point */
    uint32_t v2_enabled;     /* bit per controller that it passes on to children */
    uint32_t v2_own;         /* bit per controller in the caller's own cgroup */
    uint32_t v2_own_enabled; /* bit per controller that that one passes on to children */
    bool v2_is_root;         /* the mount point is the machine's root cgroup, which may have processes */
    uint32_t v2_own_processes; /* how many are in the caller's own cgroup, itself among them */
    struct cgroup_tree v1[CG_COUNT];
    bool v1_swap;            /* memory.memsw.* exists */
    bool v2_swap;            /* memory.swap.max exists */
    const char *blkio_weight; /* v1: the file's name, or NULL when the kernel has none */
};

extern const char *const cgroup_names_v1[CG_COUNT]; /* "cpu", "blkio", ...; */
extern const char *const cgroup_names_v2[CG_COUNT]; /* "cpu", "io", ...; NULL: no controller there */

/* cgroups(7), "no internal processes": a cgroup other than the root passes controllers on only while it
 * has no processes. Makes LEAF in the caller's own cgroup and moves the caller there. */
int cgroup_step_aside(const char *leaf);
/* Back: the cgroup above LEAF passes nothing on any more, the caller is in it again (if it was in LEAF),
 * and LEAF is gone. */
int cgroup_step_back(const char *leaf);

/* MOUNTINFO is the text of /proc/self/mountinfo. */
int cgroup_probe(struct arena *arena, const char *mountinfo, struct cgroup_facts *facts);
/* The same from that and the text of /proc/self/cgroup; touches no file. */
void cgroup_parse(struct arena *arena, const char *mountinfo, const char *cgroup,
                  struct cgroup_facts *facts);

/* The v2 cgroup that PID is in, as a directory; NULL where there is none to be seen. */
const char *cgroup_v2_of(struct arena *arena, int64_t pid);

/* Bit per controller that the v2 cgroup DIR has. */
uint32_t cgroup_controllers(struct arena *arena, const char *dir);

/* Creates the cgroup DIR, which must not exist, and those above it. A v1 cpuset begins with all that its parent has.
 * -errno with a sentence. */
int cgroup_create(const char *dir);

/* Writes VALUE to the file. -errno with a sentence. */
int cgroup_write(const char *file, const char *value);

/* Kills what is in DIR and below, and removes it. Missing is success; an empty one costs one rmdir(2).
 * -errno with a sentence when it does not go within two seconds. */
int cgroup_remove(const char *dir);

/* Sends the signal NUMBER to every process in DIR, SIGKILL on v2 to those below as well. */
void cgroup_signal(const char *dir, int number);

/* The freezer: cgroup.freeze of v2, freezer.state of v1. -ENOENT without a sentence where DIR has neither, 0 when all
 * in DIR has come to rest, or goes on; -ETIME with a sentence when it does not within two seconds. */
int cgroup_freeze(const char *dir, bool frozen);
bool cgroup_is_frozen(const char *dir);
/* Whether DIR has either. */
bool cgroup_has_freezer(const char *dir);

/* How often the kernel killed for want of memory in DIR (memory.events or memory.oom_control); 0 when
 * it cannot be told. */
uint64_t cgroup_oom_kills(const char *dir);
/* An fd of the caller's that can be read when that has changed, or is about to; -errno where DIR counts none. */
int cgroup_oom_watch(const char *dir);
