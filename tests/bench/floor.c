/* The floor: the least system calls that a default OCI container needs, and nothing else: no
 * options beyond what the comparison needs, no configuration, no allocation, one message and out
 * on any error.
 *
 *     floor [-u] [-m] [-2 DIR] [-1 DIR]... ROOT COMMAND [ARG...]
 *
 * -2 is a directory of the cgroup2 tree in which the container's cgroup is made, and it is born
 * there; -1 one of a v1 hierarchy, which INIT joins by itself: cgroup_procs_write_start() takes no
 * lock for "0" in tasks, where any other way of moving waits for an RCU grace period. -u adds a
 * user namespace. -m prints where the time went, in nanoseconds.
 *
 * What makes it the least: one clone3 for all namespaces but cgroup's (whose root has to be where
 * INIT is after it joined), mounts made detached and attached by fd, one read-only tmpfs and one
 * /dev/null for all masks, no synchronisation between HOST and INIT where no ids are mapped. No
 * device filter, no seccomp filter, no generated files, no loopback: a default bundle asks for
 * none of them. */
#include "kernel/sys.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
    HIERARCHIES = 8,
    MARKS = 32,
    SAFE = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
    CLONED = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC,
};

/* Shared by HOST and INIT, in the order in which things happened. */
struct marks {
    size_t count;
    struct {
        const char *name;
        struct timespec at;
    } list[MARKS];
};

struct floor {
    const char *root;
    char **command;
    int user;
    const char *parents[HIERARCHIES]; /* the v2 one, if any, is the first */
    char cgroups[HIERARCHIES][256];
    int fds[HIERARCHIES]; /* the directory on v2, "tasks" on v1 */
    size_t count;
    int v2;
    int ready[2];  /* ids are mapped */
    int execed[2]; /* closed by exec; only for the marks */
    struct marks *marks;
};

static void must(long r, const char *what)
{
    if (r >= 0)
        return;
    dprintf(2, "floor: %s: %s\n", what, strerror((int)-r));
    _exit(1);
}

#define MUST(call, what) must((call) < 0 ? -errno : 0, what)

static void mark(const struct floor *f, const char *name)
{
    if (!f->marks || f->marks->count == MARKS)
        return;
    size_t i = f->marks->count++;
    f->marks->list[i].name = name;
    clock_gettime(CLOCK_MONOTONIC, &f->marks->list[i].at);
}

/* ---- mounts ---- */

static int make(const char *type, const char *key, const char *value, unsigned attributes)
{
    int fs = sys_fsopen(type);
    must(fs, type);
    if (key)
        must(sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0), key);
    must(sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
    int mount = sys_fsmount(fs, attributes);
    must(mount, type);
    close(fs);
    return mount;
}

static void put(int mount, int target, const char *path)
{
    must(sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
         path);
    close(target);
    close(mount);
}

static void attach(int root, const char *path, int mount)
{
    int target = sys_open_in_root(root, path, O_PATH, 0);
    must(target, path);
    put(mount, target, path);
}

static void mount_cgroups(const struct floor *f, int root)
{
    if (f->v2 && f->count == 1) {
        attach(root, "sys/fs/cgroup", make("cgroup2", NULL, NULL, SAFE | MOUNT_ATTR_RDONLY));
        return;
    }
    if (f->count == 0)
        return;
    static const char names[HIERARCHIES][2] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    struct mount_attr ro = {.attr_set = SAFE | MOUNT_ATTR_RDONLY};
    int all = make("tmpfs", "mode", "755", SAFE);
    int keep = fcntl(all, F_DUPFD_CLOEXEC, 0);
    MUST(keep, "dup");
    attach(root, "sys/fs/cgroup", all);
    for (size_t i = 0; i < f->count; i++) {
        int mount = sys_open_tree(AT_FDCWD, f->cgroups[i], CLONED);
        must(mount, f->cgroups[i]);
        MUST(mkdirat(keep, names[i], 0755), names[i]);
        attach(keep, names[i], mount);
    }
    must(sys_mount_setattr(keep, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro), "cgroup, read-only");
    close(keep);
}

static void mount_all(const struct floor *f, int root)
{
    attach(root, "proc", make("proc", NULL, NULL, SAFE));
    mark(f, "mount proc");
    attach(root, "dev", make("tmpfs", "mode", "755", MOUNT_ATTR_NOSUID));
    MUST(mkdirat(root, "dev/pts", 0755), "pts");
    MUST(mkdirat(root, "dev/shm", 0755), "shm");
    MUST(mkdirat(root, "dev/mqueue", 0755), "mqueue");
    mark(f, "mount dev tmpfs");
    attach(root, "dev/pts",
           make("devpts", "ptmxmode", "0666", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    mark(f, "mount devpts");
    attach(root, "dev/shm", make("tmpfs", "mode", "1777", SAFE));
    mark(f, "mount shm tmpfs");
    attach(root, "dev/mqueue", make("mqueue", NULL, NULL, SAFE));
    mark(f, "mount mqueue");
    attach(root, "sys", make("sysfs", NULL, NULL, SAFE | MOUNT_ATTR_RDONLY));
    mark(f, "mount sysfs");
    mount_cgroups(f, root);
    mark(f, "mount cgroup");
}

static void devices(const struct floor *f, int root)
{
    static const struct {
        const char *path;
        unsigned major, minor;
    } nodes[] = {{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
                 {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}};
    static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
                                           {"/proc/self/fd/0", "dev/stdin"},
                                           {"/proc/self/fd/1", "dev/stdout"},
                                           {"/proc/self/fd/2", "dev/stderr"},
                                           {"pts/ptmx", "dev/ptmx"}};
    for (size_t i = 0; i < COUNT(nodes); i++) {
        const char *path = nodes[i].path + 1;
        if (!f->user) {
            MUST(mknodat(root, path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
                 path);
            continue;
        }
        int target = openat(root, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
        MUST(target, path);
        int mount = sys_open_tree(AT_FDCWD, nodes[i].path, CLONED);
        must(mount, path);
        put(mount, target, path);
    }
    for (size_t i = 0; i < COUNT(links); i++)
        MUST(symlinkat(links[i][0], root, links[i][1]), links[i][1]);
}

/* The first directory gets the tmpfs itself, the others its clones: closing a mount that is
 * attached nowhere waits for a grace period (dissolve_on_fput(), namespace_unlock()). */
static void masks(int root)
{
    static const char *const paths[] = {"proc/acpi",
                                        "proc/asound",
                                        "proc/interrupts",
                                        "proc/kcore",
                                        "proc/keys",
                                        "proc/latency_stats",
                                        "proc/sched_debug",
                                        "proc/scsi",
                                        "proc/timer_list",
                                        "proc/timer_stats",
                                        "sys/devices/virtual/powercap",
                                        "sys/firmware"};
    int attached = 0;
    int empty = make("tmpfs", NULL, NULL, MOUNT_ATTR_RDONLY);
    int null = open("/dev/null", O_PATH | O_CLOEXEC);
    MUST(null, "/dev/null");
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct stat st;
        int target = sys_open_in_root(root, paths[i], O_PATH, 0);
        if (target == -ENOENT)
            continue;
        must(target, paths[i]);
        MUST(fstat(target, &st), paths[i]);
        int directory = S_ISDIR(st.st_mode), itself = directory && !attached;
        attached |= directory;
        int mount = itself ? SYS_RESULT(fcntl(empty, F_DUPFD_CLOEXEC, 0))
                           : sys_open_tree(directory ? empty : null, "", CLONED | AT_EMPTY_PATH);
        must(mount, paths[i]);
        put(mount, target, paths[i]);
    }
    close(null);
    close(empty);
}

static void readonly_paths(int root)
{
    static const char *const paths[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                        "proc/sysrq-trigger"};
    struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
    for (size_t i = 0; i < COUNT(paths); i++) {
        int target = sys_open_in_root(root, paths[i], O_PATH, 0);
        if (target == -ENOENT)
            continue;
        must(target, paths[i]);
        int mount = sys_open_tree(target, "", CLONED | AT_EMPTY_PATH | AT_RECURSIVE);
        must(mount, paths[i]);
        must(sys_mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro), paths[i]);
        put(mount, target, paths[i]);
    }
}

/* ---- INIT ---- */

static void drop(void)
{
    enum { KEPT = 0x800405fb, LAST = 40 }; /* the usual eleven */
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {{KEPT, KEPT, 0}, {0, 0, 0}};
    for (int i = 0; i <= LAST; i++)
        if (!((uint64_t)(unsigned)KEPT >> i & 1))
            prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    MUST(syscall(SYS_capset, &header, caps), "caps");
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static void init_join(const struct floor *f)
{
    mark(f, "clone3");
    for (size_t i = (size_t)f->v2; i < f->count; i++)
        MUST(write(f->fds[i], "0", 1), f->cgroups[i]);
    mark(f, "join v1 cgroups");
    MUST(syscall(SYS_unshare, CLONE_NEWCGROUP), "cgroup namespace");
    mark(f, "unshare cgroup");
    struct mount_attr slave = {.propagation = MS_SLAVE};
    must(sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave), "slave");
    mark(f, "make / rslave");
    if (!f->user)
        return;
    char c;
    MUST(read(f->ready[0], &c, 1), "wait");
    must(sys_setresgid(0), "gid");
    must(sys_setresuid(0), "uid");
    mark(f, "wait for id maps");
}

static void init_run(const struct floor *f)
{
    char *env[] = {(char *)"PATH=/bin", NULL};
    init_join(f);
    umask(0);
    int root = sys_open_tree(AT_FDCWD, f->root, CLONED | AT_RECURSIVE);
    must(root, f->root);
    must(sys_move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "root");
    mark(f, "bind root");
    mount_all(f, root);
    devices(f, root);
    mark(f, "devices, links");
    masks(root);
    mark(f, "masks");
    readonly_paths(root);
    mark(f, "read-only paths");
    MUST(sethostname("floor", 5), "hostname");
    MUST(fchdir(root), "chdir");
    must(sys_pivot_root(".", "."), "pivot");
    mark(f, "pivot_root");
    MUST(umount2(".", MNT_DETACH), "umount");
    mark(f, "umount old root");
    umask(022);
    setsid();
    drop();
    mark(f, "caps, privs");
    execve(f->command[0], f->command, env);
    must(-errno, f->command[0]);
}

/* ---- HOST ---- */

static void make_cgroups(struct floor *f)
{
    for (size_t i = 0; i < f->count; i++) {
        int v2 = f->v2 && i == 0;
        int n =
            snprintf(f->cgroups[i], sizeof f->cgroups[i], "%s/floor-%d", f->parents[i], getpid());
        char tasks[sizeof f->cgroups[i] + sizeof "/tasks"];
        must(n < (int)sizeof f->cgroups[i] ? 0 : -ENAMETOOLONG, f->parents[i]);
        snprintf(tasks, sizeof tasks, "%s%s", f->cgroups[i], v2 ? "" : "/tasks");
        MUST(mkdir(f->cgroups[i], 0755), f->cgroups[i]);
        f->fds[i] = open(tasks, (v2 ? O_RDONLY | O_DIRECTORY : O_WRONLY) | O_CLOEXEC);
        MUST(f->fds[i], tasks);
    }
    mark(f, "make cgroups");
}

static void map_ids(const struct floor *f, pid_t pid)
{
    for (int i = 0; i < 2; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/%s", pid, i ? "gid_map" : "uid_map");
        int map = open(path, O_WRONLY | O_CLOEXEC);
        MUST(write(map, "0 0 65536", 9), path);
        close(map);
    }
    MUST(write(f->ready[1], "", 1), "go");
}

static int host_run(struct floor *f)
{
    int status = 0;
    char c;
    mark(f, "start");
    make_cgroups(f);
    if (f->user)
        MUST(pipe2(f->ready, O_CLOEXEC), "pipe");
    struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS |
                                       CLONE_NEWIPC | (f->v2 ? CLONE_INTO_CGROUP : 0) |
                                       (f->user ? CLONE_NEWUSER : 0),
                              .exit_signal = SIGCHLD,
                              .cgroup = (unsigned)f->fds[0]};
    pid_t pid = sys_clone3(&args);
    must(pid, "clone3");
    if (pid == 0)
        init_run(f);
    if (f->user)
        map_ids(f, pid);
    if (f->marks) {
        close(f->execed[1]);
        MUST(read(f->execed[0], &c, 1), "exec");
        mark(f, "exec");
    }
    MUST(waitpid(pid, &status, 0), "wait");
    mark(f, "command, exit, reap");
    for (size_t i = 0; i < f->count; i++)
        MUST(rmdir(f->cgroups[i]), f->cgroups[i]);
    mark(f, "remove cgroups");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void print(const struct marks *marks)
{
    for (size_t i = 1; i < marks->count; i++) {
        const struct timespec *a = &marks->list[i - 1].at, *b = &marks->list[i].at;
        printf("%s\t%ld\n", marks->list[i].name,
               (b->tv_sec - a->tv_sec) * 1000000000L + b->tv_nsec - a->tv_nsec);
    }
}

static void start_marks(struct floor *f)
{
    f->marks =
        mmap(NULL, sizeof *f->marks, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(f->marks == MAP_FAILED ? -1 : 0, "marks");
    MUST(pipe2(f->execed, O_CLOEXEC), "pipe");
    memset(f->marks, 0, sizeof *f->marks);
}

int main(int argc, char **argv)
{
    struct floor f = {0};
    int option;
    while ((option = getopt(argc, argv, "+um2:1:")) != -1) {
        f.user |= option == 'u';
        if (option == 'm')
            start_marks(&f);
        if (option == '2' && f.count++)
            must(-EINVAL, "-2 comes once, and before any -1");
        f.v2 |= option == '2';
        if (option == '1' && f.count++ == HIERARCHIES)
            must(-E2BIG, optarg);
        if (option == '1' || option == '2')
            f.parents[f.count - 1] = optarg;
        if (option == '?')
            return 2;
    }
    if (argc - optind < 2)
        return 2;
    f.root = argv[optind];
    f.command = argv + optind + 1;
    int status = host_run(&f);
    if (f.marks)
        print(f.marks);
    return status;
}
