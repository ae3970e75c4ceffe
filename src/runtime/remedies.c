/* What to do about it: the remedy behind the sentence of a failed step. A table by op and errno for
 * what is always so, and for a command that the kernel would not execute, a look at its first bytes. */
#include "runtime/perform.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

static const struct {
    enum op op;
    int error;
    const char *text;
} table[] = {
    {OP_CLONE, EPERM, "user namespaces may be forbidden here: sysctl user.max_user_namespaces, "
                      "kernel.unprivileged_userns_clone, the outer container's seccomp profile, or a chroot"},
    {OP_CLONE, ENOSPC, "a limit on namespaces is reached: sysctl user.max_user_namespaces"},
    {OP_CLONE, EUSERS, "a limit on namespaces is reached: sysctl user.max_user_namespaces"},
    {OP_CLONE, EAGAIN, "a limit on processes is reached: ulimit -u, or the pids cgroup"},
    {OP_MAP_IDS, EPERM, "the ranges in /etc/subuid and /etc/subgid must be the caller's"},
    {OP_OVERLAY, EINVAL, "overlay may not be possible on this file system; --rootfs DIR uses a "
                         "directory of its own"},
    {OP_OVERLAY, EPERM, "this kernel has no overlay in user namespaces; --rootfs DIR uses a "
                        "directory of its own"},
    {OP_OVERLAY, ENODEV, "this kernel has no overlayfs, or its module is not loaded: modprobe overlay; --rootfs DIR does without"},
    {OP_OVERLAY, EIO, "the overlay's upper directory may not lie on tmpfs or another overlay on this kernel"},
    {OP_BIND_OPEN, EINVAL, "this file system cannot be id-mapped; --userns host does without"},
    {OP_BIND, ENOENT, "the source must exist on the host"},
    {OP_BIND_OPEN, ENOENT, "the source must exist on the host"},
    {OP_BIND, EXDEV, "the kernel's own links, in /proc, are nobody's to mount over"},
    {OP_MKNOD, EEXIST, "something else is there"},
    {OP_MKNOD, ELOOP, "/dev of the root is a link, and is not followed; a tmpfs mounted at /dev goes over a directory"},
    {OP_MKNOD, EROFS, "the root cannot be written, and has no such node: mount a tmpfs at /dev"},
    {OP_SYMLINK, EEXIST, "something else is there"},
    {OP_OPEN, ELOOP, "a link is not followed"},
    {OP_OPEN, EBADFD, "what hooks say is appended to a file, and to nothing else"},
    {OP_REMOUNT, EINVAL, "nothing is mounted there, or the file system does not know a setting"},
    {OP_REMOUNT, EPERM, "what the host has mounted so stays so in a user namespace"},
    {OP_MOUNT, EPERM, "in a user namespace the kernel makes a proc or sysfs only where a whole one is there already"},
    {OP_MOUNT, ELOOP, "there is a link on the way, which is not followed: name the place itself"},
    {OP_BIND, ELOOP, "there is a link on the way, which is not followed: name the place itself"},
    {OP_MOUNTPOINT, ELOOP, "there is a link on the way, which is not followed: name the place itself"},
    {OP_MOUNTPOINT, EINVAL, "nothing is mounted there"},
    {OP_MOUNTPOINT, ENOENT, "nothing is mounted there"},
    {OP_UNMOUNT, EINVAL, "the kernel holds it together with others, or it is gone"},
    {OP_ENTER, ESRCH, "the container has ended"},
    {OP_ENTER, EPERM, "only who has made the container, or root, may enter it; who is not the host's root, once it is started"},
    {OP_COPY_LAYERS, EMFILE, "each layer has a directory open a level: ulimit -n"},
    {OP_COPY_LAYERS, ELOOP, "directories are deeper than 512"},
    {OP_COPY_UP, ENOSPC, "what is there does not fit into the tmpfs: its option size"},
    {OP_COPY_UP, EPERM, "device nodes cannot be copied in a user namespace"},
    {OP_BIND, EACCES, "the caller must be able to read the source, and in the root to make the place where there is none"},
    {OP_BIND, ENOTDIR, "a directory cannot be mounted over a file, nor a file over a directory"},
    {OP_PROC_OPEN, EPERM, "the caller's own /proc is masked or --pid is the host's: a new procfs "
                          "needs a full one; start the outer container with unmasked paths"},
    {OP_MKNOD, EPERM, "device nodes need CAP_MKNOD outside of user namespaces"},
    {OP_SYSCTL, EACCES, "this kernel does not let a user namespace set it; --userns host does"},
    {OP_SYSCTL, ENOENT, "this kernel has no such sysctl"},
    {OP_SYSCTL, EINVAL, "the kernel refuses this value"},
    {OP_OOM_SCORE, EACCES, "only CAP_SYS_RESOURCE may lower it"},
    {OP_RLIMIT, EPERM, "above the hard limit of the caller"},
    {OP_PRLIMIT, EPERM, "raising a hard limit needs CAP_SYS_RESOURCE"},
    {OP_SCHEDULER, EPERM, "real-time policies and negative nice values need CAP_SYS_NICE on the host, and real-time "
                          "ones a cgroup with such time: /linux/resources/cpu/realtimeRuntime"},
    {OP_SCHEDULER, EINVAL, "SCHED_FIFO and SCHED_RR take a priority of 1 to 99, the others 0; SCHED_DEADLINE wants "
                           "runtime <= deadline <= period"},
    {OP_AFFINITY, EINVAL, "none of these processors is there, or the container's: /linux/resources/cpu/cpus"},
    {OP_IO_PRIORITY, EPERM, "IOPRIO_CLASS_RT needs CAP_SYS_NICE on the host"},
    {OP_MEMORY_POLICY, EINVAL, "the nodes must be the container's, /linux/resources/cpu/mems; MPOL_DEFAULT and "
                               "MPOL_LOCAL take none, the others some"},
    {OP_MEMORY_POLICY, ENOSYS, "this kernel has no NUMA"},
    {OP_NET_DEVICE, ENODEV, "no such network device on the host"},
    {OP_NET_DEVICE, EEXIST, "a device of that name is there already; a name that ends in %d gets a number"},
    {OP_NET_DEVICE, EINVAL, "devices such as lo and bridges stay in their network namespace"},
    {OP_USER, ENOENT, "no such user in the container's /etc/passwd; a number needs none"},
    {OP_USER, ENOKEY, "no such group in the container's /etc/group; a number needs none"},
    {OP_CHDIR, ENOENT, "the directory must exist in the container"},
    {OP_CHDIR, EACCES, "the container's user may not enter it"},
    {OP_IDS, EINVAL, "the id is not mapped into the container's user namespace"},
    {OP_LABEL, ENOENT, "the AppArmor profile is not loaded; --security-opt apparmor=unconfined does without"},
    {OP_FIND, EACCES, "permission denied by its mode: chmod +x it, if it is a program"},
    {OP_CGROUP_JOIN, EINVAL, "a real-time process joins only what has such time: /linux/resources/cpu/realtimeRuntime"},
    {OP_RDT_GROUP, ENOSPC, "the processor has no class or monitor left: each group under resctrl takes one"},
    {OP_RDT_CLOS, ENOSPC, "the processor has no class left: each group under resctrl takes one"},
    {OP_RDT_GROUP, ENOENT, "the kernel does not monitor: there is no mon_groups"},
    {OP_CGROUP_SET, ENOENT, "this kernel has no such setting"},
    {OP_CGROUP_SET, EINVAL, "the kernel refuses this value here; the cgroup above may allow less"},
    {OP_CGROUP_SET, ERANGE, "the kernel refuses this value"},
    {OP_CGROUP_SET, EOPNOTSUPP, "not for this device: a weight needs its BFQ scheduler"},
    {OP_CGROUP_CREATE, EACCES, "no right to make a cgroup there: systemd-run --user --scope "
                               "-p Delegate=yes delegates one"},
    {OP_SCOPE, EEXIST, "a container of that name exists"},
    {OP_CGROUP_CREATE, EEXIST, "it is another container's; a cgroup of its own has another path"},
    {OP_CGROUP_CREATE, EROFS, "the cgroup tree is mounted read-only here"},
    {OP_JOIN, ENOENT, "no such process"},
    {OP_JOIN, EPERM, "that namespace belongs to somebody else; join its user namespace too, or be root"},
    {OP_STATE, EACCES, "set XDG_RUNTIME_DIR to a directory of your own"},
    {OP_PIVOT, EINVAL, "an initramfs as the host's root cannot be pivoted: switch_root to a tmpfs or a disk first (bocal-runtime has --no-pivot)"},
    {OP_SHIM, EACCES, "sysctl vm.memfd_noexec forbids executable memfds"},
};

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {
        {EM_X86_64, "x86-64"}, {EM_AARCH64, "arm64"}, {EM_386, "i386"},     {EM_ARM, "arm"},
        {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},   {EM_S390, "s390x"},
    };
    for (size_t i = 0; i < COUNT(names); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "another machine";
}

static unsigned own_machine(void)
{
#if defined(__x86_64__)
    return EM_X86_64;
#elif defined(__aarch64__)
    return EM_AARCH64;
#else
    return EM_NONE;
#endif
}

/* A script whose interpreter is missing, or has a carriage return in its name. */
static void diagnose_script(const unsigned char *head, int size, int error)
{
    const unsigned char *end = memchr(head, '\n', (size_t)size);
    int length = (int)((end ? end : head + size) - head) - 2;
    const char *line = (const char *)head + 2;
    while (length > 0 && (*line == ' ' || *line == '\t'))
        line++, length--;
    if (length > 0 && line[length - 1] == '\r')
        remedy(error, "its first line ends in CR LF, as on Windows: the kernel looks for "
                      "\"%.*s\\r\"; convert it: sed -i 's/\\r$//' FILE", length - 1, line);
    else if (error == -ENOENT)
        remedy(error, "the file exists; its interpreter %.*s does not", length, line);
}

static void diagnose_elf(const unsigned char *head, int size, int error)
{
    Elf64_Ehdr elf;
    if (size < (int)sizeof elf)
        return;
    memcpy(&elf, head, sizeof elf);
    if (elf.e_machine != own_machine()) {
        remedy(error, "the program is for %s, this machine is %s", machine_name(elf.e_machine),
               machine_name(own_machine()));
        return;
    }
    for (unsigned i = 0; i < elf.e_phnum && error == -ENOENT; i++) {
        Elf64_Phdr program;
        size_t at = elf.e_phoff + i * sizeof program;
        if (elf.e_phoff > HEAD_SIZE || at + sizeof program > (size_t)size)
            return;
        memcpy(&program, head + at, sizeof program);
        if (program.p_type != PT_INTERP || program.p_offset >= (size_t)size)
            continue;
        remedy(error, "the file exists; its interpreter %.*s, the dynamic linker, does not",
               (int)strnlen((const char *)head + program.p_offset,
                            (size_t)size - program.p_offset),
               (const char *)head + program.p_offset);
    }
}

static void diagnose_command(const struct execution *x, int error)
{
    const unsigned char *head = x->shared->head;
    int size = x->shared->head_size;
    if (size >= 2 && memcmp(head, "#!", 2) == 0)
        diagnose_script(head, size, error);
    else if (size >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
        diagnose_elf(head, size, error);
    else if (error == -ENOEXEC)
        remedy(error, "it is neither a program nor a script: its first line must be #! and an "
                      "interpreter");
}

void remedies_add(const struct execution *x, const struct step *step, int error)
{
    for (size_t i = 0; i < COUNT(table); i++)
        if (table[i].op == step->op && table[i].error == -error)
            remedy(error, "%s", table[i].text);
    if (step->op == OP_FIND && error == -ENOENT)
        remedy(error, "%s", strchr(step->path, '/') ? "no such file or directory in the container"
                                                    : "executable file not found in the container's $PATH");
    if (step->op == OP_EXEC)
        diagnose_command(x, error);
}
