/* The ops that make a process of INIT: namespaces it enters, identity, and the exec. Nothing here
 * allocates or formats. */
#include "runtime/perform.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/capability.h"
#include "kernel/seccomp.h"
#include "kernel/sys.h"
#include "kernel/terminal.h"

#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Decimal without stdio. */
static char *put_number(char *out, int64_t value)
{
    char digits[24];
    int n = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        digits[n++] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *out++ = '-';
    while (n)
        *out++ = digits[--n];
    *out = '\0';
    return out;
}

/* ---- meeting the others ---- */

static int process_send(struct execution *x, const struct step *step)
{
    return channel_send(x, step->token, step->data);
}

static int process_wait(struct execution *x, const struct step *step)
{
    return channel_wait(x, step->token, step->data);
}

/* PR_SET_PDEATHSIG works from here on only: whoever died before is seen by the closed channel. */
static int process_die_with(struct execution *x, const struct step *step)
{
    (void)step;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    struct pollfd end = {.fd = x->channel[1]};
    return poll(&end, 1, 0) == 1 && end.revents & POLLHUP ? -EPIPE : 0;
}

static int process_clone(struct execution *x, const struct step *step)
{
    return execute_clone(x, step);
}

/* ---- namespaces ---- */

/* Who has rights over a user namespace may trace every process in it (ptrace(2)), and take the fds of one that
 * enters: CVE-2016-9962. The exec makes it an ordinary process again. */
static int process_hide(struct execution *x, const struct step *step)
{
    (void)x;
    (void)step;
    return prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
}

/* "0" into `tasks` moves the writing thread alone; unlike a write to cgroup.procs it takes no
 * grace period (docs/performance.md). */
static int process_cgroup_join(struct execution *x, const struct step *step)
{
    return write(x->slots[step->in], "0", 1) < 0 ? -errno : 0;
}

static int process_join(struct execution *x, const struct step *step)
{
    (void)x;
    auto_fd fd = open(step->path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || setns(fd, (int)step->flags) < 0 ? -errno : 0;
}

static int process_enter(struct execution *x, const struct step *step)
{
    return setns(x->slots[step->in], (int)step->flags) < 0 ? -errno : 0;
}

static int process_unshare(struct execution *x, const struct step *step)
{
    (void)x;
    return unshare((int)step->flags) < 0 ? -errno : 0;
}

static int process_time_offset(struct execution *x, const struct step *step)
{
    (void)x;
    return file_put(AT_FDCWD, "/proc/self/timens_offsets", step->data);
}

static int process_become(struct execution *x, const struct step *step)
{
    (void)x;
    int r = step->mode ? sys_setgroups(0, NULL) : 0;
    if (r == -EPERM && step->mode == MAY_BE_DENIED)
        r = 0;
    if (r == 0)
        r = sys_setresgid((gid_t)step->flags);
    return r < 0 ? r : sys_setresuid((uid_t)step->number);
}

/* ---- what the process is ---- */

static int process_oom_score(struct execution *x, const struct step *step)
{
    (void)x;
    char text[24];
    put_number(text, step->number);
    return file_put(AT_FDCWD, "/proc/self/oom_score_adj", text);
}

static int process_label(struct execution *x, const struct step *step)
{
    (void)x;
    char text[512];
    const char *prefix = step->flags ? "exec " : "";
    if (strlen(prefix) + strlen(step->path) >= sizeof text)
        return -ENAMETOOLONG;
    stpcpy(stpcpy(text, prefix), step->path);
    if (!step->flags)
        return file_put(AT_FDCWD, "/proc/self/attr/exec", text);
    int r = file_put(AT_FDCWD, "/proc/self/attr/apparmor/exec", text); /* Linux 5.8 */
    return r == -ENOENT ? file_put(AT_FDCWD, "/proc/self/attr/exec", text) : r;
}

static int process_keyring(struct execution *x, const struct step *step)
{
    (void)step;
    return sys_keyctl_join_session(x->plan->id);
}

static int process_session(struct execution *x, const struct step *step)
{
    if (step->in)
        return terminal_own(x->slots[step->in]);
    return setsid() < 0 ? -errno : 0;
}

static int process_umask(struct execution *x, const struct step *step)
{
    (void)x;
    umask((mode_t)step->mode);
    return 0;
}

static int process_memory_policy(struct execution *x, const struct step *step)
{
    (void)x;
    const struct memory_policy_config *policy = step->data;
    const struct bit_list *nodes = &policy->nodes;
    return sys_set_mempolicy((unsigned)(policy->mode | policy->flags), nodes->text ? nodes->bits : NULL,
                             nodes->text ? 8 * sizeof nodes->bits : 0);
}

static int process_personality(struct execution *x, const struct step *step)
{
    (void)x;
    return personality((unsigned long)step->number) < 0 ? -errno : 0;
}

static int process_rlimit(struct execution *x, const struct step *step)
{
    (void)x;
    const struct rlimit_config *limit = step->data;
    struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
    return sys_prlimit(0, limit->resource, &value, NULL);
}

static int process_user(struct execution *x, const struct step *step)
{
    return user_look_up(x, step->data);
}

static int process_bounding(struct execution *x, const struct step *step)
{
    (void)x;
    const struct capabilities *caps = step->data;
    return capability_drop_bounding(caps->bounding);
}

/* So that /dev/stderr and its like can be opened again. The null device is everybody's; what belongs to somebody whom the
 * user namespace does not know stays so, as do terminals of others. */
static int own_stdio(uid_t uid, gid_t gid)
{
    for (int fd = 0; fd < 3; fd++) {
        struct stat st;
        if (fstat(fd, &st) < 0 || S_ISCHR(st.st_mode) || (st.st_uid == uid && st.st_gid == gid))
            continue;
        if (fchown(fd, uid, gid) < 0 && errno != EINVAL && errno != EPERM && errno != EROFS)
            return -errno;
    }
    return 0;
}

/* PR_SET_KEEPCAPS: the permitted set has to live until OP_CAPS (capabilities(7)). */
static int process_ids(struct execution *x, const struct step *step)
{
    const struct ids_spec *spec = step->data;
    const struct user_config *user = spec->user;
    bool looked_up = user->name || user->group_names;
    uint32_t uid = user->name ? x->uid : user->uid;
    uint32_t gid = user->name ? x->gid : user->gid;
    if (step->in && fchown(x->slots[step->in], uid, (gid_t)-1) < 0 && errno != EINVAL)
        return -errno;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return -errno;
    int r = spec->own_stdio ? own_stdio(uid, gid) : 0;
    if (r == 0 && spec->setgroups)
        r = looked_up ? sys_setgroups(x->n_groups, x->groups)
                      : sys_setgroups(user->n_groups, user->groups);
    if (r == -EPERM && spec->joined && (looked_up ? x->n_groups : user->n_groups) == 0)
        r = 0; /* somebody's single-id namespace: there are no groups to give up */
    if (r == 0)
        r = sys_setresgid(gid);
    return r < 0 ? r : sys_setresuid(uid);
}

static int process_caps(struct execution *x, const struct step *step)
{
    (void)x;
    return capability_apply(step->data);
}

static int process_no_new_privs(struct execution *x, const struct step *step)
{
    (void)x;
    (void)step;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int process_chdir(struct execution *x, const struct step *step)
{
    (void)x;
    if (chdir(step->path) < 0)
        return -errno;
    /* A directory of the host that leaked in would be "(unreachable)" (CVE-2024-21626). */
    char cwd[PATH_MAX];
    long n = syscall(SYS_getcwd, cwd, sizeof cwd);
    return n < 0 ? -errno : cwd[0] == '/' ? 0 : -ENOENT;
}

/* All from FIRST on but those that INIT itself still needs, which come in ascending order: the lowest is kept, what
 * is below it goes, and so on. */
static int close_now(const struct execution *x, unsigned first)
{
    const int needed[] = {x->channel[1], x->slots[SLOT_SHIM], x->slots[SLOT_START], x->slots[SLOT_CREATED],
                          x->slots[SLOT_LISTENER], x->slots[SLOT_HOOK_OUT], x->slots[SLOT_HOOK_ERR]};
    for (;;) {
        unsigned lowest = ~0U;
        for (size_t i = 0; i < COUNT(needed); i++)
            if (needed[i] >= 0 && (unsigned)needed[i] >= first && (unsigned)needed[i] < lowest)
                lowest = (unsigned)needed[i];
        int r = lowest == first ? 0 : sys_close_range(first, lowest == ~0U ? lowest : lowest - 1, 0);
        if (r < 0 || lowest == ~0U)
            return r;
        first = lowest + 1;
    }
}

static int process_close(struct execution *x, const struct step *step)
{
    unsigned first = 3 + (unsigned)step->number;
    int r = step->flags == CLOSE_NOW ? close_now(x, first) : 0;
    return r < 0 ? r : sys_close_range(first, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* ---- the command ---- */

/* The first bytes of the command, for HOST to tell why an exec failed. */
static void keep_head(struct execution *x, int fd)
{
    ssize_t n = pread(fd, x->shared->head, sizeof x->shared->head, 0);
    x->shared->head_size = n > 0 ? (int32_t)n : 0;
}

static int try_command(struct execution *x, const char *path)
{
    struct stat st;
    auto_fd fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool readable = fd >= 0;
    if (!readable)
        fd = open(path, O_PATH | O_CLOEXEC); /* what may be executed need not be readable */
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || faccessat(fd, "", X_OK, AT_EMPTY_PATH) < 0)
        return -EACCES;
    if (readable)
        keep_head(x, fd);
    if (path != x->found)
        memcpy(x->found, path, strlen(path) + 1);
    return 0;
}

/* As execvp(3): a name with a slash is a path, another is looked for in PATH; "not executable" is
 * told only when nothing better is found. */
static int process_find(struct execution *x, const struct step *step)
{
    const struct exec_spec *exec = step->data;
    size_t length = strlen(step->path);
    if (length == 0)
        return -ENOENT;
    if (length >= sizeof x->found)
        return -ENAMETOOLONG;
    if (strchr(step->path, '/'))
        return try_command(x, step->path);
    int verdict = -ENOENT;
    for (const char *dir = exec->path; dir;) {
        const char *end = strchrnul(dir, ':');
        size_t size = (size_t)(end - dir);
        if (size && size + length + 2 <= sizeof x->found) {
            memcpy(x->found, dir, size);
            x->found[size] = '/';
            memcpy(x->found + size + 1, step->path, length + 1);
            int r = try_command(x, x->found);
            if (r == 0)
                return 0;
            verdict = r == -EACCES ? r : verdict;
        }
        dir = *end ? end + 1 : NULL;
    }
    return verdict;
}

/* HOST's and INIT's. */
static int process_hook(struct execution *x, const struct step *step)
{
    const struct hook_spec *spec = step->data;
    struct hook_fds fds = {.state = x->slots[step->in], .output = {-1, -1}};
    for (int i = 0; i < HOOK_OUTPUTS; i++)
        if (spec->output[i])
            fds.output[i] = x->slots[spec->output[i]];
    return hook_run(spec->hook, spec->limits.caps ? &spec->limits : NULL, &fds, &x->shared->hook);
}

/* Who comes first is who starts it, and hears of what comes; the others find the socket closed by the exec. */
static int process_start(struct execution *x, const struct step *step)
{
    struct channel_message word = {.step = -TOKEN_STARTED};
    int fd;
    do
        fd = accept4(x->slots[step->in], NULL, NULL, SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0)
        return -errno;
    cleanup_fd(&x->channel[1]);
    x->channel[1] = fd;
    return send(fd, &word, sizeof word, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int process_announce(struct execution *x, const struct step *step)
{
    (void)x;
    char text[2048] = "running [";
    char *p = text + strlen(text), *end = text + sizeof text - 32;
    char *const *argv = step->data;
    for (size_t i = 0; argv[i] && p + strlen(argv[i]) + 2 < end; i++)
        p = stpcpy(stpcpy(p, i ? " " : ""), argv[i]);
    p = put_number(stpcpy(p, "] as PID "), getpid());
    *p++ = '\n';
    return fd_write_all(STDERR_FILENO, text, (size_t)(p - text));
}

static int process_seccomp(struct execution *x, const struct step *step)
{
    const struct filter_spec *filter = step->data;
    int r = step->flags == WITH_CAPS ? capability_raise() : 0;
    if (r < 0 || !step->in)
        return r < 0 ? r : seccomp_install(filter->program);
    struct iovec text[2 * NOTICE_PIECES - 1];
    char pid[24];
    put_number(pid, x->shared->outer_pid);
    size_t n = 0;
    for (size_t i = 0; i < NOTICE_PIECES && filter->notice[i]; i++) {
        if (i)
            text[n++] = (struct iovec){.iov_base = pid, .iov_len = strlen(pid)};
        text[n++] = (struct iovec){.iov_base = (char *)filter->notice[i], .iov_len = strlen(filter->notice[i])};
    }
    return seccomp_install_listened(filter->program, x->slots[step->in], text, n);
}

/* Executes bocal-init: as PID 1 that bears the command, or for one instant, to become it. The report
 * fd is the only one besides 0, 1, 2 that survives, until bocal-init's own exec closes it. */
static int process_exec(struct execution *x, const struct step *step)
{
    const struct exec_spec *exec = step->data;
    char report[24], number[24];
    put_number(report, x->channel[1]);
    put_number(number, (int64_t)x->at);
    char **argv = exec->shim_argv;
    argv[0] = (char *)"bocal-init";
    argv[1] = (char *)(exec->stay ? "p" : "x");
    argv[2] = report;
    argv[3] = number;
    argv[4] = x->found;
    if (!exec->has_home)
        exec->env[exec->n_env] = x->home[0] ? x->home : (char *)"HOME=/";
    for (int i = 1; i < NSIG; i++)
        if (x->ignored >> (i - 1) & 1) /* they survive an exec; with SIGCHLD ignored nothing is reaped */
            sys_signal_default(i);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (fcntl(x->channel[1], F_SETFD, 0) < 0)
        return -errno;
    return sys_execveat(x->slots[step->in], "", argv, exec->env, AT_EMPTY_PATH);
}

performer *const performers_process[OP_COUNT] = {
    [OP_SEND] = process_send,
    [OP_WAIT] = process_wait,
    [OP_DIE_WITH] = process_die_with,
    [OP_CLONE] = process_clone,
    [OP_CGROUP_JOIN] = process_cgroup_join,
    [OP_HIDE] = process_hide,
    [OP_JOIN] = process_join,
    [OP_ENTER] = process_enter,
    [OP_UNSHARE] = process_unshare,
    [OP_TIME_OFFSET] = process_time_offset,
    [OP_BECOME] = process_become,
    [OP_OOM_SCORE] = process_oom_score,
    [OP_LABEL] = process_label,
    [OP_KEYRING] = process_keyring,
    [OP_SESSION] = process_session,
    [OP_UMASK] = process_umask,
    [OP_MEMORY_POLICY] = process_memory_policy,
    [OP_PERSONALITY] = process_personality,
    [OP_RLIMIT] = process_rlimit,
    [OP_USER] = process_user,
    [OP_BOUNDING] = process_bounding,
    [OP_IDS] = process_ids,
    [OP_CAPS] = process_caps,
    [OP_NO_NEW_PRIVS] = process_no_new_privs,
    [OP_CHDIR] = process_chdir,
    [OP_CLOSE] = process_close,
    [OP_FIND] = process_find,
    [OP_HOOK] = process_hook,
    [OP_START] = process_start,
    [OP_ANNOUNCE] = process_announce,
    [OP_SECCOMP] = process_seccomp,
    [OP_EXEC] = process_exec,
};
