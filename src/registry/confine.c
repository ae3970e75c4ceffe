/* Capabilities, Landlock, and a filter of system calls, in this order: each later one would forbid the former.
 *
 * The filter is a list of what libcurl, OpenSSL and the C library's resolver need: sockets of IP, of the name service
 * (unix) and of netlink, by which getaddrinfo(3) learns which addresses there are; threads, which resolve names; files,
 * which Landlock narrows. What is not on it does not exist (ENOSYS), so that newer libraries fall back to what is. */
#include "registry/confine.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/landlock.h"
#include "kernel/sys.h"
#include "registry/event.h"
#include "registry/http.h"

#include <sys/prctl.h>

#ifdef SYS_SANITIZED
int confine(int ingest, int store, const char *const *readable, size_t count, int parting)
{
    (void)ingest, (void)store, (void)readable, (void)count;
    return prctl(PR_SET_PDEATHSIG, parting, 0, 0, 0) < 0 ? -errno : 0; /* sanitizers look around */
}
#else
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { PATHS_MOST = 32 };

/* What the resolver, TLS and the loader of their modules read. Not /etc itself, which has secrets too. */
static const char *const of_the_network[] = {
    "/etc/resolv.conf",        "/etc/hosts",          "/etc/nsswitch.conf",  "/etc/host.conf", "/etc/gai.conf",
    "/etc/services",           "/etc/ssl/certs",      "/etc/ssl/openssl.cnf", "/etc/pki/tls", "/etc/pki/ca-trust",
    "/etc/ca-certificates",    "/etc/crypto-policies", "/etc/ld.so.cache",   "/usr/lib",       "/usr/lib64",
    "/lib",                    "/lib64",              "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
    "/var/lib/ca-certificates", "/run/systemd/resolve", "/run/nscd",         "/dev/null",      "/dev/urandom",
};

/* ---- capabilities ---- */

/* None but what lets root write into a directory that an ordinary user owns. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0)
        return fail(-errno, "capget");
    data[0].permitted &= 1U << CAP_DAC_OVERRIDE;
    data[0].effective = data[0].permitted;
    data[1] = (struct __user_cap_data_struct){0};
    data[0].inheritable = 0;
    return syscall(SYS_capset, &header, data) < 0 ? fail(-errno, "capset") : 0;
}

/* ---- files ---- */

static void add_paths(struct landlock_rule *rules, size_t *count, const char *const *paths, size_t n)
{
    for (size_t i = 0; i < n && *count < PATHS_MOST; i++) {
        int fd = paths[i] ? open(paths[i], O_PATH | O_CLOEXEC) : -1;
        if (fd >= 0)
            rules[(*count)++] = (struct landlock_rule){.fd = fd, .rights = LANDLOCK_READS};
    }
}

static int confine_files(int ingest, int store, const char *const *readable, size_t n)
{
    struct landlock_rule rules[PATHS_MOST];
    size_t count = 0;
    if (ingest >= 0)
        rules[count++] = (struct landlock_rule){.fd = ingest, .rights = LANDLOCK_READS | LANDLOCK_WRITES};
    if (store >= 0)
        rules[count++] = (struct landlock_rule){.fd = store, .rights = LANDLOCK_READS};
    size_t given = count;
    add_paths(rules, &count, readable, n);
    add_paths(rules, &count, of_the_network, COUNT(of_the_network));
    int r = landlock_confine(rules, count);
    for (size_t i = given; i < count; i++)
        close(rules[i].fd);
    if (r == -ENOSYS || r == -EOPNOTSUPP)
        return 1;
    return r < 0 ? fail(r, "Landlock") : 0;
}

/* ---- system calls ---- */

static const char *const calls[] = {
    /* memory, threads, time */
    "brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "futex", "set_robust_list", "rseq", "sched_yield",
    "sched_getaffinity", "exit", "exit_group", "getpid", "gettid", "tgkill", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "restart_syscall", "clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom",
    "prlimit64", "getrlimit", "ugetrlimit", "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo",
    /* files that are open */
    "read", "readv", "pread64", "write", "writev", "pwrite64", "lseek", "_llseek", "close", "fstat", "fstat64", "fcntl",
    "fcntl64", "dup", "ftruncate", "ftruncate64", "fsync", "fdatasync", "sync_file_range", "getdents64", "poll",
    "ppoll", "pipe2", "eventfd2",
    /* and by name */
    "open", "openat", "stat", "stat64", "lstat", "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat", "renameat", "renameat2", "unlinkat", "getcwd",
    /* sockets */
    "connect", "bind", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "getsockname", "getpeername", "getsockopt",
    "setsockopt", "shutdown", "socketpair",
};

/* Calls with an argument that is checked. */
static const struct {
    const char *call;
    unsigned argument;
    enum scmp_compare compare;
    uint64_t value, equals;
} checked[] = {
    {"socket", 0, SCMP_CMP_EQ, AF_INET, 0},
    {"socket", 0, SCMP_CMP_EQ, AF_INET6, 0},
    {"socket", 0, SCMP_CMP_EQ, AF_UNIX, 0},
    {"socket", 0, SCMP_CMP_EQ, AF_NETLINK, 0},
    {"clone", 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD},
    {"ioctl", 1, SCMP_CMP_EQ, FIONREAD, 0},
    {"ioctl", 1, SCMP_CMP_EQ, FIONBIO, 0},
};

static int add_checked(scmp_filter_ctx filter, size_t i)
{
    int number = seccomp_syscall_resolve_name(checked[i].call);
    if (number == __NR_SCMP_ERROR)
        return 0;
    struct scmp_arg_cmp compare = {.arg = checked[i].argument, .op = checked[i].compare, .datum_a = checked[i].value,
                                   .datum_b = checked[i].equals};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &compare);
}

static int compose(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < COUNT(calls); i++) {
        int number = seccomp_syscall_resolve_name(calls[i]);
        if (number != __NR_SCMP_ERROR)
            TRY(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 0, NULL));
    }
    for (size_t i = 0; i < COUNT(checked); i++)
        TRY(add_checked(filter, i));
    return 0;
}

static int confine_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return fail(-ENOMEM, "libseccomp");
    int r = compose(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r < 0 ? fail(r, "seccomp") : 0;
}

int confine(int ingest, int store, const char *const *readable, size_t count, int parting)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, parting, 0, 0, 0) < 0) /* with bocal ends what it asked for */
        return fail(-errno, "no_new_privs");
    TRY(drop_capabilities());
    int files = confine_files(ingest, store, readable, count);
    TRY(files);
    TRY(confine_calls());
    return files;
}
#endif

int confine_network(int ingest, int store, int parting)
{
    const char *places[2];
    http_trust_places(&places[0], &places[1]);
    int r = confine(ingest, store, places, sizeof places / sizeof places[0], parting);
    if (r == 1)
        event_notice(NULL, "this kernel has no Landlock: what bocal-registry may read and write is not confined");
    return r < 0 ? r : 0;
}
