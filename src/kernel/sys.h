/* The only home of #ifdef and of system calls that the C library lacks. Everything here is a bare
 * call: 0 or more on success, -errno on failure, no allocation, no sentence, so that HOST and the
 * forked INIT may both use it. The documented floor is Linux 5.14. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef PIDFD_GET_USER_NAMESPACE
#define PIDFD_GET_USER_NAMESPACE _IO(0xFF, 9)
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
/* Rights that came after the first version of Landlock; linux/landlock.h may be older. */
#define SYS_LANDLOCK_REFER (UINT64_C(1) << 13)
#define SYS_LANDLOCK_TRUNCATE (UINT64_C(1) << 14)
#define SYS_LANDLOCK_IOCTL_DEV (UINT64_C(1) << 15)
/* FSCONFIG_SET_FD for overlay layers: Linux 6.13. The constant itself is as old as fsconfig(2). */

#define SYS_RESULT(call)                    \
    ({                                      \
        long r_ = (call);                   \
        r_ < 0 ? -errno : (int)r_;          \
    })

static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
                              uint64_t resolve)
{
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return SYS_RESULT(syscall(SYS_openat2, dir, path, &how, sizeof how));
}

/* PATH as a process whose root is ROOT would see it: symlinks and ".." cannot leave ROOT. */
static inline int sys_open_in_root(int root, const char *path, int flags, mode_t mode)
{
    return sys_openat2(root, path, (uint64_t)(unsigned)flags | O_CLOEXEC, mode,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static inline bool sys_is_null_device(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
    return SYS_RESULT(syscall(SYS_open_tree, dir, path, flags));
}

static inline int sys_move_mount(int from, const char *from_path, int to, const char *to_path,
                                 unsigned flags)
{
    return SYS_RESULT(syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}

static inline int sys_mount_setattr(int dir, const char *path, unsigned flags,
                                    struct mount_attr *attr)
{
    return SYS_RESULT(syscall(SYS_mount_setattr, dir, path, flags, attr, sizeof *attr));
}

static inline int sys_fsopen(const char *type)
{
    return SYS_RESULT(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

static inline int sys_fspick(int dir, const char *path)
{
    return SYS_RESULT(syscall(SYS_fspick, dir, path, FSPICK_CLOEXEC | (*path ? 0 : FSPICK_EMPTY_PATH)));
}

static inline int sys_fsconfig(int fd, unsigned command, const char *key, const void *value,
                               int aux)
{
    return SYS_RESULT(syscall(SYS_fsconfig, fd, command, key, value, aux));
}

static inline int sys_fsmount(int fd, unsigned attributes)
{
    return SYS_RESULT(syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes));
}

static inline int sys_pivot_root(const char *root, const char *old)
{
    return SYS_RESULT(syscall(SYS_pivot_root, root, old));
}

static inline pid_t sys_clone3(struct clone_args *args)
{
    return (pid_t)SYS_RESULT(syscall(SYS_clone3, args, sizeof *args));
}

#ifdef __SANITIZE_ADDRESS__
#define SYS_SANITIZED 1
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SYS_SANITIZED 1
#endif
#endif

/* At once: who has written everything has nothing left to do. Sanitizers have. */
static inline _Noreturn void sys_leave(int status)
{
#ifdef SYS_SANITIZED
    exit(status);
#else
    _exit(status);
#endif
}

/* With CLONE_VM and CLONE_VFORK among its flags: the child has the caller's memory, and its stack below the caller's
 * frame, until it executes a program or ends; for as long the caller stands still. The child calls RUN(DATA), which must
 * never return. What it writes, the caller sees. In sanitized builds, which could not follow, and on processors other than
 * x86-64 and arm64 it has a copy. */
static inline pid_t sys_clone3_sharing(struct clone_args *args, void (*run)(void *data), void *data)
{
#if defined(SYS_SANITIZED) || !(defined(__x86_64__) || defined(__aarch64__))
    args->flags &= ~(uint64_t)CLONE_VM;
    long result = syscall(SYS_clone3, args, sizeof *args);
    if (result == 0)
        run(data);
    return (pid_t)SYS_RESULT(result);
#elif defined(__x86_64__)
    long result = SYS_clone3;
    register void (*r8)(void *) __asm__("r8") = run;
    register void *r9 __asm__("r9") = data;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "sub $128, %%rsp\n\t" /* the caller's red zone */
                     "and $-16, %%rsp\n\t"
                     "mov %%r9, %%rdi\n\t"
                     "call *%%r8\n\t"
                     "ud2\n"
                     "1:"
                     : "+a"(result)
                     : "D"(args), "S"(sizeof *args), "r"(r8), "r"(r9)
                     : "rcx", "r11", "cc", "memory");
    return (pid_t)result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    register void (*x9)(void *) __asm__("x9") = run;
    register void *x10 __asm__("x10") = data;
    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, #0\n\t"
                     "mov x0, x10\n\t"
                     "blr x9\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x9), "r"(x10)
                     : "cc", "memory");
    return (pid_t)x0;
#endif
}

/* RESOURCE is an int, as configurations have it: C libraries differ about its type. PID 0: the caller's own. */
static inline int sys_prlimit(pid_t pid, int resource, const struct rlimit *value, struct rlimit *old)
{
    return SYS_RESULT(syscall(SYS_prlimit64, pid, resource, value, old));
}

static inline int sys_pidfd_open(pid_t pid)
{
    return SYS_RESULT(syscall(SYS_pidfd_open, pid, 0));
}

static inline int sys_pidfd_send_signal(int pidfd, int signal)
{
    return SYS_RESULT(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    return SYS_RESULT(syscall(SYS_close_range, first, last, flags));
}

static inline int sys_execveat(int dir, const char *path, char *const *argv, char *const *env,
                               int flags)
{
    return SYS_RESULT(syscall(SYS_execveat, dir, path, argv, env, flags));
}

static inline int sys_keyctl_join_session(const char *name)
{
    return SYS_RESULT(syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, name));
}

/* struct landlock_ruleset_attr as it is since Linux 6.12; the kernel takes shorter ones. */
struct sys_landlock_ruleset {
    uint64_t files, net, scoped;
};

/* Of the interface, from 1 on; -errno where there is none. */
static inline int sys_landlock_version(void)
{
    return SYS_RESULT(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

static inline int sys_landlock_create(const struct sys_landlock_ruleset *set, size_t size)
{
    return SYS_RESULT(syscall(SYS_landlock_create_ruleset, set, size, 0));
}

static inline int sys_landlock_add(int ruleset, const struct landlock_path_beneath_attr *rule)
{
    return SYS_RESULT(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0));
}

static inline int sys_landlock_restrict(int ruleset)
{
    return SYS_RESULT(syscall(SYS_landlock_restrict_self, ruleset, 0));
}

/* struct sched_attr of linux/sched/types.h, which clashes with newer C libraries' sched.h. */
struct sys_sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

static inline int sys_sched_setattr(pid_t pid, const struct sys_sched_attr *attr)
{
    return SYS_RESULT(syscall(SYS_sched_setattr, pid, attr, 0));
}

/* Of the process PID, 0 the caller. */
static inline int sys_sched_setaffinity(pid_t pid, const unsigned long *mask, size_t size)
{
    return SYS_RESULT(syscall(SYS_sched_setaffinity, pid, size, mask));
}

/* Of one process. */
static inline int sys_ioprio_set(pid_t pid, unsigned class, unsigned priority)
{
    return SYS_RESULT(syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, pid, class << 13 | priority));
}

/* MASK has BITS bits; the system call wants one more than it reads. */
static inline int sys_set_mempolicy(unsigned mode, const unsigned long *mask, size_t bits)
{
    return SYS_RESULT(syscall(SYS_set_mempolicy, (int)mode, mask, bits + 1));
}

/* SIG_DFL for SIGNAL, 32 and 33 as well, which the C library keeps for itself and refuses. */
static inline int sys_signal_default(int signal)
{
    static const unsigned long action[4]; /* handler, flags, restorer, mask: struct kernel_sigaction */
    return SYS_RESULT(syscall(SYS_rt_sigaction, signal, action, NULL, sizeof action[0]));
}

/* The raw calls: the C library's set*id functions synchronise threads, which a clone3 child has
 * not, and take locks that it must not. */
static inline int sys_setresuid(uid_t id)
{
    return SYS_RESULT(syscall(SYS_setresuid, id, id, id));
}

static inline int sys_setresgid(gid_t id)
{
    return SYS_RESULT(syscall(SYS_setresgid, id, id, id));
}

static inline int sys_setgroups(size_t count, const gid_t *groups)
{
    return SYS_RESULT(syscall(SYS_setgroups, count, groups));
}
