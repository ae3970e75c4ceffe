/* HOST's ops: what is made outside the container. Journaled ones are recorded by the executor before
 * these functions are called; their undo is in journal.c. */
#include "runtime/perform.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "kernel/apparmor.h"
#include "kernel/cgroup.h"
#include "kernel/device_bpf.h"
#include "kernel/mount.h"
#include "kernel/netlink.h"
#include "kernel/pidfd.h"
#include "kernel/sys.h"
#include "runtime/init_blob.h"
#include "runtime/userns.h"
#include "spec/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

int socket_directory(const char *path, struct sockaddr_un *address)
{
    char parent[4096];
    const char *slash = strrchr(path, '/');
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) : 0, path);
    int dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", dir, slash ? slash + 1 : path);
    return dir;
}

static int host_state(struct execution *x, const struct step *step)
{
    return journal_create(&x->journal, step->path);
}

/* upper/ belongs to the container's root; work/ is overlayfs' own and must be beside it. */
static int host_layer(struct execution *x, const struct step *step)
{
    (void)x;
    TRY(dir_make(step->path, 0711));
    auto_fd dir = open(step->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || mkdirat(dir, "upper", 0755) < 0 || mkdirat(dir, "work", 0700) < 0)
        return fail(-errno, "create %s/upper", step->path);
    if (step->mode && mkdirat(dir, "lower", 0755) < 0) /* where INIT attaches id-mapped layers */
        return fail(-errno, "create %s/lower", step->path);
    if (step->number < 0) /* nobody of another id may pass (CVE-2021-41091), but who has joined a user namespace has to */
        return step->flags == PASSABLE ? 0 : fchmod(dir, 0700) < 0 ? fail(-errno, "chmod %s", step->path) : 0;
    uid_t owner = (uid_t)step->number;
    if (fchownat(dir, "upper", owner, owner, 0) < 0 || fchownat(dir, "work", owner, owner, 0) < 0)
        return fail(-errno, "chown %s/upper", step->path);
    return 0;
}

static int host_cgroup_create(struct execution *x, const struct step *step)
{
    (void)x;
    return cgroup_create(step->path);
}

static int host_cgroup_aside(struct execution *x, const struct step *step)
{
    (void)x;
    return cgroup_step_aside(step->path);
}

/* SOURCE is the file that other kernels have for it, where DATA is written. */
static int host_cgroup_set(struct execution *x, const struct step *step)
{
    (void)x;
    bool other = step->source && access(step->path, F_OK) < 0;
    return other ? cgroup_write(step->source, step->data) : cgroup_write(step->path, step->text);
}

static int host_device_filter(struct execution *x, const struct step *step)
{
    (void)x;
    auto_fd dir = open(step->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    struct bpf_insn program[1024];
    size_t count = 0;
    TRY(device_bpf_compile(step->data, (size_t)step->number, program, COUNT(program), &count));
    return device_bpf_attach(dir, program, count);
}

/* ---- the resctrl file system ---- */

static int host_rdt_group(struct execution *x, const struct step *step)
{
    (void)x;
    return mkdir(step->path, 0755) < 0 ? -errno : 0;
}

/* A line is one write(2), newline and all; what is wrong with it the kernel says in a file. */
static int host_rdt_set(struct execution *x, const struct step *step)
{
    (void)x;
    char line[4096], status[4096];
    auto_free char *reason = NULL;
    snprintf(line, sizeof line, "%s\n", step->text);
    int r = file_put(AT_FDCWD, step->path, line);
    if (r == 0)
        return 0;
    snprintf(status, sizeof status, "%s/info/last_cmd_status", step->source);
    if (file_read(AT_FDCWD, status, 1 << 12, &reason) < 0)
        error_clear();
    return reason ? refuse(r, "%.*s", (int)strcspn(reason, "\n"), reason) : r;
}

static int host_rdt_join(struct execution *x, const struct step *step)
{
    char pid[24];
    snprintf(pid, sizeof pid, "%lld\n", (long long)execution_pid(x));
    return file_put(AT_FDCWD, step->path, pid);
}

/* A memfd that nobody can write to any more: /proc/self/exe of what runs in the container is this,
 * never the host's bocal (CVE-2019-5736). */
static int host_shim(struct execution *x, const struct step *step)
{
    size_t size = (size_t)(bocal_init_end - bocal_init_start);
    auto_fd fd = memfd_create("bocal-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) /* MFD_EXEC: Linux 6.3 */
        fd = memfd_create("bocal-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    TRY(fd_write_all(fd, bocal_init_start, size));
    if (fchmod(fd, 0555) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return -errno;
    x->slots[step->out] = take_fd(&fd);
    return 0;
}

/* ---- id maps ---- */

static int host_map_ids(struct execution *x, const struct step *step)
{
    const struct map_spec *map = step->data;
    return userns_map(map->process == SLOT_JOINER ? x->joiner : x->pid, map);
}

static int host_open_userns(struct execution *x, const struct step *step)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", step->in == SLOT_JOINER ? x->joiner : x->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    x->slots[step->out] = fd;
    return 0;
}

static int host_scheduler(struct execution *x, const struct step *step)
{
    const struct scheduler_config *scheduler = step->data;
    const struct sys_sched_attr attr = {
        .size = sizeof attr,
        .policy = (uint32_t)scheduler->policy,
        .flags = scheduler->flags,
        .nice = (int32_t)scheduler->nice,
        .priority = (uint32_t)scheduler->priority,
        .runtime = scheduler->runtime,
        .deadline = scheduler->deadline,
        .period = scheduler->period,
    };
    return sys_sched_setattr(execution_pid(x), &attr);
}

static int host_affinity(struct execution *x, const struct step *step)
{
    const struct bit_list *cpus = step->data;
    return sys_sched_setaffinity(step->in ? (pid_t)execution_pid(x) : 0, cpus->bits, sizeof cpus->bits);
}

static int host_io_priority(struct execution *x, const struct step *step)
{
    const struct io_priority_config *priority = step->data;
    return sys_ioprio_set(execution_pid(x), (unsigned)priority->class, (unsigned)priority->priority);
}

static int host_net_device(struct execution *x, const struct step *step)
{
    return netlink_move(x->slots[step->in], step->source, step->path);
}

static int host_prlimit(struct execution *x, const struct step *step)
{
    const struct rlimit_config *limit = step->data;
    struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
    return sys_prlimit(execution_pid(x), limit->resource, &value, NULL);
}

/* What is in nobody's way now would be at the end, when somebody waits. */
static int host_tidy(struct execution *x, const struct step *step)
{
    layers_close(&x->layers);
    return step->path ? tree_remove(AT_FDCWD, step->path) : 0;
}

/* By a name relative to the directory's fd, as those of sockets are short (unix(7): 108 bytes). */
static int host_listen(struct execution *x, const struct step *step)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    auto_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    auto_fd dir = socket_directory(step->path, &address);
    if (fd < 0 || dir < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
        return -errno;
    x->slots[step->out] = take_fd(&fd);
    return 0;
}

/* The way in is barred above, and the socket is for all who are inside. */
static int host_notify_dir(struct execution *x, const struct step *step)
{
    (void)x;
    if (mkdir(step->path, 0700) < 0)
        return -errno;
    auto_fd dir = open(step->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || mkdirat(dir, NOTIFY_INSIDE, 0700) < 0 || fchmodat(dir, NOTIFY_INSIDE, 0755, 0) < 0 ||
        fchmod(dir, step->mode) < 0)
        return -errno;
    return 0;
}

int notify_bind(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    auto_fd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    auto_fd dir = socket_directory(path, &address);
    if (fd < 0 || dir < 0)
        return -errno;
    mode_t mask = umask(0);
    int r = bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
    umask(mask);
    return r < 0 ? r : take_fd(&fd);
}

static int host_notify(struct execution *x, const struct step *step)
{
    int fd = notify_bind(step->path);
    if (fd < 0)
        return fd;
    x->slots[step->out] = fd;
    return 0;
}

static int host_connect(struct execution *x, const struct step *step)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto_fd dir = socket_directory(step->path, &address);
    if (fd < 0 || dir < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    x->slots[step->out] = take_fd(&fd);
    return 0;
}

static int host_outer_pid(struct execution *x, const struct step *step)
{
    (void)step;
    x->shared->outer_pid = execution_pid(x);
    return 0;
}

static int host_apparmor(struct execution *x, const struct step *step)
{
    (void)x;
    return apparmor_load(step->path);
}

static int host_target(struct execution *x, const struct step *step)
{
    const struct target_spec *target = step->data;
    int fd = target->pidfd < 0 ? pidfd_open_same(step->number, target->start_time)
                               : SYS_RESULT(fcntl(target->pidfd, F_DUPFD_CLOEXEC, 3));
    if (fd < 0)
        return fd;
    x->slots[step->out] = fd;
    return 0;
}

int hook_state(const struct execution *x, const struct config *config, const char *status, int64_t pid)
{
    return state_file(&(struct oci_state){.oci_version = config->oci_version, .id = x->plan->id, .bundle = config->bundle,
                                          .status = status, .pid = pid, .annotations = config->annotations,
                                          .n_annotations = config->n_annotations});
}

static int host_hook_state(struct execution *x, const struct step *step)
{
    const struct state_spec *spec = step->data;
    int fd = hook_state(x, spec->config, spec->status, execution_pid(x));
    if (fd < 0)
        return fd;
    x->slots[step->out] = fd;
    return 0;
}

performer *const performers_host[OP_COUNT] = {
    [OP_STATE] = host_state,
    [OP_LAYER] = host_layer,
    [OP_CGROUP_CREATE] = host_cgroup_create,
    [OP_CGROUP_ASIDE] = host_cgroup_aside,
    [OP_CGROUP_SET] = host_cgroup_set,
    [OP_RDT_GROUP] = host_rdt_group,
    [OP_RDT_CLOS] = host_rdt_group,
    [OP_RDT_SET] = host_rdt_set,
    [OP_RDT_JOIN] = host_rdt_join,
    [OP_DEVICE_FILTER] = host_device_filter,
    [OP_APPARMOR] = host_apparmor,
    [OP_TARGET] = host_target,
    [OP_HOOK_STATE] = host_hook_state,
    [OP_LISTEN] = host_listen,
    [OP_NOTIFY_DIR] = host_notify_dir,
    [OP_NOTIFY] = host_notify,
    [OP_CONNECT] = host_connect,
    [OP_OUTER_PID] = host_outer_pid,
    [OP_SHIM] = host_shim,
    [OP_MAP_IDS] = host_map_ids,
    [OP_OPEN_USERNS] = host_open_userns,
    [OP_SCHEDULER] = host_scheduler,
    [OP_AFFINITY] = host_affinity,
    [OP_IO_PRIORITY] = host_io_priority,
    [OP_NET_DEVICE] = host_net_device,
    [OP_PRLIMIT] = host_prlimit,
    [OP_TIDY] = host_tidy,
};
