/* The floor: the least system calls that a default OCI container needs, and nothing else. No options, no
 * configuration, no errors but one. ROOT is a directory with bin/true (static), proc, dev, sys; CGROUP a
 * directory on a cgroup2 tree below which the container's cgroup is made.
 *
 *     floor ROOT CGROUP COMMAND [ARG...]        floor -u ...: with a user namespace as well */
#include "kernel/sys.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static void must(long r, const char *what)
{
    if (r < 0) {
        dprintf(2, "floor: %s: %s\n", what, strerror((int)-r));
        _exit(1);
    }
}

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

static void attach(int root, int mount, const char *path, int directory)
{
    int target = sys_open_in_root(root, path, O_PATH | (directory ? O_DIRECTORY : 0), 0);
    must(target, path);
    must(sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), path);
    close(target);
    close(mount);
}

static void devices(int root, int user)
{
    static const struct {
        const char *path;
        unsigned major, minor;
    } nodes[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7},
                 {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
    for (size_t i = 0; i < 6; i++)
        if (user) {
            char host[32];
            stpcpy(stpcpy(host, "/"), nodes[i].path);
            close(openat(root, nodes[i].path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
            int mount = sys_open_tree(AT_FDCWD, host, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
            must(mount, host);
            attach(root, mount, nodes[i].path, 0);
        } else {
            must(mknodat(root, nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0
                     ? -errno : 0, nodes[i].path);
        }
    must(symlinkat("/proc/self/fd", root, "dev/fd"), "fd");
    must(symlinkat("/proc/self/fd/0", root, "dev/stdin"), "stdin");
    must(symlinkat("/proc/self/fd/1", root, "dev/stdout"), "stdout");
    must(symlinkat("/proc/self/fd/2", root, "dev/stderr"), "stderr");
    must(symlinkat("pts/ptmx", root, "dev/ptmx"), "ptmx");
}

static void masks(int root)
{
    static const char *const masked[] = {
        "proc/acpi", "proc/asound", "proc/interrupts", "proc/kcore", "proc/keys", "proc/latency_stats",
        "proc/sched_debug", "proc/scsi", "proc/timer_list", "proc/timer_stats",
        "sys/devices/virtual/powercap", "sys/firmware"};
    static const char *const readonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
    int empty = make("tmpfs", NULL, NULL, MOUNT_ATTR_RDONLY);
    struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
    for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) {
        struct stat st;
        int target = sys_open_in_root(root, masked[i], O_PATH, 0);
        if (target < 0)
            continue;
        fstat(target, &st);
        int mount = S_ISDIR(st.st_mode)
                        ? sys_open_tree(empty, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)
                        : sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        must(mount, masked[i]);
        must(sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), masked[i]);
        close(mount);
        close(target);
    }
    for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++) {
        int target = sys_open_in_root(root, readonly[i], O_PATH, 0);
        if (target < 0)
            continue;
        int mount = sys_open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
        must(mount, readonly[i]);
        must(sys_mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro), readonly[i]);
        must(sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), readonly[i]);
        close(mount);
        close(target);
    }
}

static void child(const char *rootfs, char **argv, int user, int ready)
{
    enum { SAFE = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
    char c;
    if (user) {
        must(read(ready, &c, 1), "wait");
        must(sys_setresgid(0), "gid");
        must(sys_setresuid(0), "uid");
    }
    must(syscall(SYS_unshare, CLONE_NEWCGROUP), "cgroup namespace");
    struct mount_attr slave = {.propagation = MS_SLAVE};
    must(sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave), "slave");
    int root = sys_open_tree(AT_FDCWD, rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    must(root, rootfs);
    must(sys_move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "root");
    attach(root, make("proc", NULL, NULL, SAFE), "proc", 1);
    attach(root, make("tmpfs", "mode", "755", MOUNT_ATTR_NOSUID), "dev", 1);
    must(mkdirat(root, "dev/pts", 0755), "pts");
    must(mkdirat(root, "dev/shm", 0755), "shm");
    must(mkdirat(root, "dev/mqueue", 0755), "mqueue");
    attach(root, make("devpts", "ptmxmode", "0666", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), "dev/pts", 1);
    attach(root, make("tmpfs", "mode", "1777", SAFE), "dev/shm", 1);
    attach(root, make("mqueue", NULL, NULL, SAFE), "dev/mqueue", 1);
    attach(root, make("sysfs", NULL, NULL, SAFE | MOUNT_ATTR_RDONLY), "sys", 1);
    attach(root, make("cgroup2", NULL, NULL, SAFE | MOUNT_ATTR_RDONLY), "sys/fs/cgroup", 1);
    devices(root, user);
    masks(root);
    must(sethostname("floor", 5), "hostname");
    must(fchdir(root), "chdir");
    must(sys_pivot_root(".", "."), "pivot");
    must(umount2(".", MNT_DETACH), "umount");
    setsid();
    for (int i = 0; i < 41; i++)
        if (!(0x800405fbULL >> i & 1))
            prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {{0x800405fb, 0x800405fb, 0}, {0, 0, 0}};
    must(syscall(SYS_capset, &header, caps), "caps");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    char *env[] = {(char *)"PATH=/bin", NULL};
    execve(argv[0], argv, env);
    must(-errno, argv[0]);
}

int main(int argc, char **argv)
{
    int user = argc > 1 && strcmp(argv[1], "-u") == 0;
    argv += user;
    if (argc - user < 4)
        return 2;
    char cgroup[4096], path[64];
    int ready[2], status = 0;
    snprintf(cgroup, sizeof cgroup, "%s/floor-%d", argv[2], getpid());
    must(mkdir(cgroup, 0755) < 0 ? -errno : 0, cgroup);
    int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(pipe2(ready, O_CLOEXEC), "pipe");
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_INTO_CGROUP |
                 (user ? CLONE_NEWUSER : 0),
        .exit_signal = SIGCHLD, .cgroup = (unsigned)dir};
    pid_t pid = sys_clone3(&args);
    must(pid, "clone3");
    if (pid == 0)
        child(argv[1], argv + 3, user, ready[0]);
    for (int i = 0; user && i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, i ? "gid_map" : "uid_map");
        int map = open(path, O_WRONLY | O_CLOEXEC);
        must(write(map, "0 0 65536", 9), path);
        close(map);
    }
    if (user)
        must(write(ready[1], "", 1), "go");
    waitpid(pid, &status, 0);
    must(rmdir(cgroup) < 0 ? -errno : 0, cgroup);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
