/* Three fences, each for what the others cannot: capabilities that writing a tree takes, and no more; Landlock, so that paths
 * lead nowhere but below the directories given; and a filter that leaves the system calls of a program that computes and
 * writes files: no sockets, no processes, no mounts, no execve.
 *
 * Landlock before Linux 5.19 (ABI 2) refuses hard links between directories, and is not used there: the filter and the
 * extractor's openat2(2) stay. What the filter does not know fails with EPERM, and does not kill, so that a C library that
 * tries something newer first goes on with the older; clone3(2), whose flags a filter cannot see, does not exist. */
#include "archive/confine.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/sys.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <signal.h>
#include <sys/prctl.h>

#ifndef SYS_SANITIZED
/* ---- capabilities ---- */

/* SYS_ADMIN is what trusted.* attributes take, overlayfs's mark of an opaque directory. */
#define CAP(name) (1ULL << CAP_##name)
static const uint64_t capabilities_kept = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(FSETID) |
                                          CAP(MKNOD) | CAP(SETFCAP) | CAP(SYS_ADMIN);

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0)
        return fail(-errno, "capget");
    for (unsigned i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(capabilities_kept >> 32 * i);
        data[i].effective &= data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return fail(-errno, "capset");
    return 0;
}

/* ---- Landlock ---- */

/* Of linux/landlock.h, which may be older than the kernel. */
#define ACCESS_ABI1 ((1ULL << 13) - 1)
#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_REFER (1ULL << 13)
#define ACCESS_TRUNCATE (1ULL << 14)
#define ACCESS_IOCTL (1ULL << 15)

static uint64_t access_known(int abi)
{
    return ACCESS_ABI1 | ACCESS_REFER | (abi >= 3 ? ACCESS_TRUNCATE : 0) | (abi >= 5 ? ACCESS_IOCTL : 0);
}

static int allow_below(int ruleset, int directory, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = directory};
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return fail(-errno, "landlock_add_rule for descriptor %d", directory);
    return 0;
}

static int restrict_paths(const struct confinement *confinement)
{
    enum { ABI_USED = 2 };
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < ABI_USED)
        return 0;
    struct landlock_ruleset_attr attributes = {.handled_access_fs = access_known(abi)};
    auto_fd ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0);
    if (ruleset < 0)
        return fail(-errno, "landlock_create_ruleset");
    if (confinement->write >= 0)
        TRY(allow_below(ruleset, confinement->write,
                        access_known(abi) & ~(LANDLOCK_ACCESS_FS_EXECUTE | ACCESS_IOCTL)));
    for (size_t i = 0; i < confinement->reads; i++)
        TRY(allow_below(ruleset, confinement->read[i], ACCESS_READ));
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return fail(-errno, "landlock_restrict_self");
    return 0;
}

/* ---- system calls ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
static const uint16_t allowed[] = {
    /* memory, threads, time */
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_futex, SYS_set_robust_list, SYS_rseq,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_exit, SYS_exit_group, SYS_getpid, SYS_gettid, SYS_tgkill,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall, SYS_clock_gettime,
    SYS_clock_nanosleep, SYS_gettimeofday, SYS_getrandom, SYS_prlimit64, SYS_umask, SYS_geteuid, SYS_getuid,
    /* files that are open */
    SYS_read, SYS_readv, SYS_pread64, SYS_write, SYS_writev, SYS_pwrite64, SYS_lseek, SYS_close, SYS_fstat, SYS_fcntl, SYS_dup,
    SYS_dup3, SYS_ftruncate, SYS_fallocate, SYS_copy_file_range, SYS_sendfile, SYS_getdents64, SYS_fsync, SYS_fdatasync,
    SYS_fadvise64, SYS_ppoll, SYS_eventfd2, SYS_fchdir, SYS_fchown, SYS_fchmod, SYS_fsetxattr, SYS_fgetxattr, SYS_flistxattr,
    /* and by name */
    SYS_openat, SYS_openat2, SYS_newfstatat, SYS_statx, SYS_mkdirat, SYS_mknodat, SYS_linkat, SYS_symlinkat, SYS_unlinkat,
    SYS_renameat, SYS_renameat2, SYS_readlinkat, SYS_fchownat, SYS_fchmodat, SYS_utimensat, SYS_lsetxattr,
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(test, value, then, otherwise) BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), (then), (otherwise))
#define ANSWER(verdict) BPF_STMT(BPF_RET | BPF_K, (verdict))
#define ERROR(number) (SECCOMP_RET_ERRNO | (number))

/* Threads, but no processes. */
static const struct sock_filter begin[] = {
    LOAD(arch),
    IF(BPF_JEQ, ARCHITECTURE, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
    IF(BPF_JEQ, SYS_clone3, 0, 1),
    ANSWER(ERROR(ENOSYS)),
    IF(BPF_JEQ, SYS_clone, 0, 4),
    LOAD(args[0]),
    IF(BPF_JSET, CLONE_THREAD, 0, 1),
    ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(ERROR(EPERM)),
};

static int restrict_calls(void)
{
    enum { HEAD = COUNT(begin), CALLS = COUNT(allowed) };
    _Static_assert(CALLS < 255, "jumps have eight bits");
    struct sock_filter filter[HEAD + CALLS + 2];
    for (size_t i = 0; i < HEAD; i++)
        filter[i] = begin[i];
    for (size_t i = 0; i < CALLS; i++)
        filter[HEAD + i] = (struct sock_filter)IF(BPF_JEQ, allowed[i], (uint8_t)(CALLS - i), 0);
    filter[HEAD + CALLS] = (struct sock_filter)ANSWER(ERROR(EPERM));
    filter[HEAD + CALLS + 1] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = COUNT(filter), .filter = filter};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return fail(-errno, "seccomp");
    return 0;
}
#else
static int restrict_calls(void)
{
    return 0;
}
#endif

int confine(const struct confinement *confinement)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) /* with bocal ends what it asked for */
        return fail(-errno, "no_new_privs");
    TRY(drop_capabilities());
    TRY(restrict_paths(confinement));
    return restrict_calls();
}
#else
int confine(const struct confinement *confinement)
{
    (void)confinement;
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
}
#endif
