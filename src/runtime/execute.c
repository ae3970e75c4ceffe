#include "runtime/execute.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "kernel/sys.h"
#include "runtime/perform.h"
#include "runtime/scope.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* ---- the channel ---- */

/* The slot whose fd travels: INIT's console is the far end of what it calls its terminal. */
static size_t parcel_count(const struct parcel *parcel)
{
    size_t n = 0;
    while (parcel && parcel->slots[n])
        n++;
    return n;
}

int channel_send(struct execution *x, enum token token, const struct parcel *parcel)
{
    struct channel_message message = {.step = -(int32_t)token};
    size_t n = parcel_count(parcel);
    struct iovec iov = {.iov_base = &message, .iov_len = sizeof message};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * (MAX_MOUNTS + 4))];
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n) {
        memset(control, 0, sizeof control);
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        for (size_t i = 0; i < n; i++)
            memcpy(CMSG_DATA(c) + i * sizeof(int), &x->slots[parcel->slots[i]], sizeof(int));
    }
    if (sendmsg(x->channel[x->me != HOST], &header, MSG_NOSIGNAL) < 0)
        return -errno;
    for (size_t i = 0; i < n && x->me != JOINER; i++)
        cleanup_fd(&x->slots[parcel->slots[i]]), x->slots[parcel->slots[i]] = -1;
    return 0;
}

static int channel_receive(struct execution *x, int flags, struct channel_message *message, int *fds, size_t *n_fds)
{
    struct iovec iov = {.iov_base = message, .iov_len = sizeof *message};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * (MAX_MOUNTS + 4))];
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
                            .msg_controllen = sizeof control};
    ssize_t n;
    do /* ECONNRESET is said once, before what is queued: the other end died with mail unread */
        n = recvmsg(x->channel[x->me != HOST], &header, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0)
        return -errno;
    *n_fds = 0;
    struct cmsghdr *c = n ? CMSG_FIRSTHDR(&header) : NULL;
    if (c && c->cmsg_type == SCM_RIGHTS) {
        *n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), *n_fds * sizeof(int));
    }
    return n == 0 ? 0 : n == sizeof *message ? 1 : -EPROTO;
}

/* HOST learns of a fault here: it becomes the failure of INIT's step. */
int channel_wait(struct execution *x, enum token token, const struct parcel *parcel)
{
    struct channel_message message = {0};
    int fds[MAX_MOUNTS + 4];
    size_t n_fds = 0;
    int r = channel_receive(x, 0, &message, fds, &n_fds);
    if (r < 0)
        return r;
    if (r == 0)
        return token == TOKEN_RUNNING ? 0 : -ECHILD;
    if (message.step >= 0) {
#ifdef BOCAL_FAULT
        if (message.error == -EOWNERDEAD)
            kill(getpid(), SIGKILL);
#endif
        x->at = (size_t)message.step < x->plan->count ? (size_t)message.step : x->at;
        return message.error < 0 ? message.error : -EPROTO;
    }
    if (message.step != -(int32_t)token || n_fds != parcel_count(parcel))
        return -EPROTO;
    for (size_t i = 0; i < n_fds; i++)
        x->slots[parcel->slots[i]] = fds[i];
    return 0;
}

/* ---- one step ---- */

static performer *performer_of(enum op op)
{
    performer *const *const rooms[] = {performers_host, performers_scope, performers_restore,
                                       performers_mounts, performers_files, performers_process};
    for (size_t i = 0; i < COUNT(rooms); i++)
        if (rooms[i][op])
            return rooms[i][op];
    return NULL;
}

static bool is_tolerated(const struct step *step, int error)
{
    for (size_t i = 0; i < COUNT(step->tolerate.numbers) && step->tolerate.numbers[i]; i++)
        if (error == -step->tolerate.numbers[i])
            return true;
    return false;
}

/* Test builds fail, or are killed, at the step that was asked for. */
static int inject(struct execution *x)
{
#ifdef BOCAL_FAULT
    int number = (int)x->at + 1;
    if (number == x->fail_at)
        return -EIO;
    if (number == x->kill_at && x->me == HOST)
        kill(getpid(), SIGKILL);
    if (number == x->kill_at) {
        struct channel_message message = {.step = (int32_t)x->at, .error = -EOWNERDEAD};
        struct pollfd end = {.fd = x->channel[1]};
        send(x->channel[1], &message, sizeof message, MSG_NOSIGNAL);
        poll(&end, 1, -1); /* until HOST is dead: then on, as if nothing were known of it */
    }
#else
    (void)x;
#endif
    return 0;
}

/* What is there already is somebody else's: undoing would remove it. It is not recorded, nor does it become ours when
 * it appears between the record and the step. */
static int record(struct execution *x, const struct step *step)
{
    if (access(step->path, F_OK) == 0)
        return fail(-EEXIST, "create %s", step->path);
    return journal_record(&x->journal, op_infos[step->op].word, step->path);
}

static int perform(struct execution *x, const struct step *step)
{
    uint64_t start = x->timed ? now_ns() : 0;
    bool recorded = op_infos[step->op].journaled && step->op != OP_STATE;
    if (recorded)
        TRY(record(x, step));
    int r = inject(x);
    if (r == 0)
        r = performer_of(step->op)(x, step);
    if (x->timed)
        x->shared->times[x->at] = (struct step_time){.begin = start, .took = now_ns() - start};
    if (recorded && r == -EEXIST)
        TRY(journal_record(&x->journal, JOURNAL_NOT, step->path));
    if (r >= 0 || !is_tolerated(step, r))
        return r;
    if (x->me == HOST)
        error_clear();
    return 0;
}

/* ---- the actors ---- */

/* INIT or JOINER: performs its steps from FROM on, and never returns. */
static _Noreturn void run_actor(struct execution *x, enum actor me, size_t from)
{
    x->me = me;
    umask(0); /* modes are as the plan has them; its OP_UMASK sets the command's */
    cleanup_fd(&x->channel[0]);
    x->channel[0] = -1;
    journal_close(&x->journal); /* its lock is HOST's */
    for (x->at = from; x->at < x->plan->count; x->at++) {
        const struct step *step = &x->plan->steps[x->at];
        if (step->by != me)
            continue;
        int r = perform(x, step);
        if (r < 0) {
            struct channel_message message = {.step = (int32_t)x->at, .error = r};
            if (x->plan->visits)
                mounts_take_back(x, from);
            send(x->channel[1], &message, sizeof message, MSG_NOSIGNAL);
            _exit(125);
        }
    }
    _exit(0); /* JOINER's work ends with INIT's birth */
}

static void begin_life(void *data)
{
    struct execution *x = data;
    enum slot out = x->plan->steps[x->at].out;
    x->slots[out] = -1;
    run_actor(x, out == SLOT_INIT ? INIT : JOINER, x->at + 1);
}

/* An INIT that shares HOST's memory writes to its X; all but INIT's own findings is as it was afterwards. */
static pid_t bear_sharing(struct execution *x, struct clone_args *args, int *pidfd)
{
    enum { KEPT = offsetof(struct execution, empty_attached) };
    char kept[KEPT];
    memcpy(kept, x, KEPT);
    args->pidfd = (uint64_t)(uintptr_t)pidfd;
    pid_t pid = sys_clone3_sharing(args, begin_life, x);
    memcpy(x, kept, KEPT);
    return pid;
}

static pid_t bear(struct execution *x, struct clone_args *args, int *pidfd)
{
    args->pidfd = (uint64_t)(uintptr_t)pidfd;
    pid_t pid = sys_clone3(args);
    if (pid == 0)
        begin_life(x);
    return pid;
}

int execute_clone(struct execution *x, const struct step *step)
{
    int pidfd = -1;
    struct clone_args args = {
        .flags = step->flags | CLONE_PIDFD | (x->me == JOINER ? CLONE_PARENT : 0),
        .exit_signal = x->me == JOINER ? 0 : SIGCHLD,
    };
    if (step->in) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)x->slots[step->in];
    }
    if (x->kill_at)
        args.flags &= ~SHARING; /* HOST has to be awake to be killed */
    pid_t pid = args.flags & CLONE_VM ? bear_sharing(x, &args, &pidfd) : bear(x, &args, &pidfd);
    if (pid < 0)
        return pid;
    x->slots[step->out] = pidfd;
    if (x->me == HOST)
        *(step->out == SLOT_INIT ? &x->pid : &x->joiner) = pid;
    return 0;
}

/* ---- HOST ---- */

/* Test builds: bocal-runtime's verbs have no options for it. */
static void read_faults(struct execution *x)
{
#ifdef BOCAL_FAULT
    const char *fail_at = getenv("BOCAL_FAIL_AT"), *kill_at = getenv("BOCAL_KILL_AT");
    x->fail_at = fail_at ? atoi(fail_at) : x->fail_at;
    x->kill_at = kill_at ? atoi(kill_at) : x->kill_at;
#else
    (void)x;
#endif
}

static int begin(struct execution *x, const struct plan *plan)
{
    read_faults(x);
    for (size_t i = 0; i < SLOT_COUNT; i++)
        x->slots[i] = -1;
    x->plan = plan;
    x->me = HOST;
    x->ignored = process_ignored_signals();
    x->journal = JOURNAL_NONE;
    x->failed = plan->count;
    x->channel[0] = x->channel[1] = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, x->channel) < 0)
        return fail(-errno, "create a socket pair");
    x->shared_size = sizeof *x->shared + plan->count * sizeof x->shared->times[0];
    x->shared = mmap(NULL, x->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (x->shared == MAP_FAILED) {
        x->shared = NULL;
        return fail(-errno, "map %zu bytes", x->shared_size);
    }
    return 0;
}

/* Reads what has come without waiting: keeps INIT's pidfd, and returns true at the first fault. */
static bool drain(struct execution *x, struct channel_message *message)
{
    int fds[MAX_MOUNTS + 4];
    size_t n_fds;
    while (channel_receive(x, MSG_DONTWAIT, message, fds, &n_fds) == 1) {
        bool init = message->step == -TOKEN_INIT && n_fds == 1 && x->slots[SLOT_INIT] < 0;
        if (init)
            x->slots[SLOT_INIT] = fds[0];
        for (size_t i = init; i < n_fds; i++)
            close(fds[i]);
        if (message->step >= 0 && (size_t)message->step < x->plan->count)
            return true;
    }
    return false;
}

/* The first fault wins: INIT may have reported while HOST stumbled over the consequence. */
static int prefer_reported(struct execution *x, int error)
{
    struct channel_message message;
    if ((!x->pid && !x->joiner) || !drain(x, &message))
        return error;
    x->at = (size_t)message.step;
    error_clear();
    return message.error;
}

static int describe_failure(struct execution *x, int error)
{
    const struct step *step = &x->plan->steps[x->at];
    char text[512];
    step_describe(step, text, sizeof text);
    const char *why = step->why ? step->why : actor_name(step->by);
    const char *reason = error == -ECHILD ? "the container's first process ended unexpectedly" : NULL;
    if (step->op == OP_HOOK && !*error_text())
        hook_describe(((const struct hook_spec *)step->data)->hook, &x->shared->hook, error);
    if (reason && !*error_text())
        refuse(error, "%s", reason);
    because(error, "step %zu, %s %s, for %s", x->at + 1, op_infos[step->op].word, text, why);
    remedies_add(x, step, error);
    x->failed = x->at;
    return error;
}

static void kill_one(struct execution *x, enum slot slot, pid_t *pid)
{
    if (x->slots[slot] >= 0) {
        sys_pidfd_send_signal(x->slots[slot], SIGKILL);
        siginfo_t info;
        waitid(P_PIDFD, (id_t)x->slots[slot], &info, WEXITED | __WALL);
    } else if (*pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, __WALL);
    }
    *pid = 0;
}

/* The pidfd of an INIT whose birth by JOINER was not heard of yet, because something failed before. One
 * that JOINER could not tell of waits for TOKEN_BORN, and ends at the end of the channel. */
static void collect_init(struct execution *x)
{
    struct channel_message message;
    while (drain(x, &message))
        ;
    if (x->slots[SLOT_INIT] >= 0)
        return;
    cleanup_fd(&x->channel[0]);
    x->channel[0] = -1;
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
}

static void kill_all(struct execution *x)
{
    bool joiner = x->joiner > 0;
    scope_leave(x); /* it would be waited for */
    kill_one(x, SLOT_JOINER, &x->joiner);
    if (joiner)
        collect_init(x);
    kill_one(x, SLOT_INIT, &x->pid);
}

int execute(struct execution *x, const struct plan *plan)
{
    warnings_tell();
    TRY(begin(x, plan));
    for (x->at = 0; x->at < plan->count; x->at++) {
        const struct step *step = &plan->steps[x->at];
        if (step->by != HOST)
            continue;
        size_t mine = x->at;
        if (step->op == OP_WAIT && step->token == TOKEN_RUNNING && x->waiting)
            x->waiting(x, x->waiting_data);
        int r = perform(x, step);
        if (r < 0) {
            r = prefer_reported(x, r);
            kill_all(x);
            return describe_failure(x, r);
        }
        x->at = mine;
        if (step->op == OP_CLONE && x->channel[1] >= 0) {
            close(x->channel[1]); /* the containers' end is theirs alone: its end is their end */
            x->channel[1] = -1;
        }
        if (step->op == OP_WAIT && step->token == TOKEN_ASSEMBLED && x->assembled)
            x->assembled(x, x->assembled_data);
    }
    return 0;
}

pid_t execution_pid(const struct execution *x)
{
    return x->pid ? x->pid : process_behind(x->slots[SLOT_INIT]);
}

void execution_reaped(struct execution *x)
{
    cleanup_fd(&x->slots[SLOT_INIT]);
    x->slots[SLOT_INIT] = -1;
    x->pid = 0;
}

void layers_close(struct layers *layers)
{
    while (layers->count)
        close(layers->fds[--layers->count]);
}

static void release(struct execution *x)
{
    layers_close(&x->layers);
    for (size_t i = 0; i < SLOT_COUNT; i++)
        cleanup_fd(&x->slots[i]);
    cleanup_fd(&x->channel[0]);
    cleanup_fd(&x->channel[1]);
    if (x->shared)
        munmap(x->shared, x->shared_size);
    x->shared = NULL;
}

void execution_leave(struct execution *x)
{
    release(x);
    journal_close(&x->journal);
}

int execution_end(struct execution *x)
{
    kill_all(x);
    release(x);
    int r = 0;
    if (x->journal.fd >= 0)
        r = journal_undo(&x->journal, x->plan->steps[0].path);
    journal_close(&x->journal);
    return r;
}

int execution_exit_status(const struct execution *x, int error)
{
    if (x->failed >= x->plan->count)
        return 125;
    enum op op = x->plan->steps[x->failed].op;
    if (op != OP_FIND && op != OP_EXEC)
        return 125;
    return error == -ENOENT || error == -ENOTDIR ? 127 : 126;
}
