/* Probes the host. Each probe is a few system calls, and only what plan_build() asks about is probed:
 * the whole takes some tenths of a millisecond, and is part of every start. */
#include "runtime/facts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "kernel/apparmor.h"
#include "kernel/mountinfo.h"
#include "kernel/sys.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

/* File systems, and since which kernel they take id-mapped mounts (0: never): mount_setattr(2) and
 * the FS_ALLOW_IDMAP lines of the kernel. */
static const struct {
    long magic;
    const char *name;
    unsigned idmap_since;
} file_systems[] = {
    {EXT4_SUPER_MAGIC, "ext4", KERNEL(5, 12)},   {XFS_SUPER_MAGIC, "xfs", KERNEL(5, 12)},
    {BTRFS_SUPER_MAGIC, "btrfs", KERNEL(5, 15)}, {TMPFS_MAGIC, "tmpfs", KERNEL(6, 3)},
    {F2FS_SUPER_MAGIC, "f2fs", KERNEL(5, 18)},   {0xE0F5E1E2, "erofs", KERNEL(5, 19)},
    {SQUASHFS_MAGIC, "squashfs", KERNEL(6, 2)},  {OVERLAYFS_SUPER_MAGIC, "overlay", KERNEL(6, 16)},
    {NFS_SUPER_MAGIC, "nfs", 0},                 {FUSE_SUPER_MAGIC, "fuse", 0},
    {V9FS_MAGIC, "9p", 0},                       {MSDOS_SUPER_MAGIC, "vfat", KERNEL(5, 12)},
    {PROC_SUPER_MAGIC, "proc", 0},               {SYSFS_MAGIC, "sysfs", 0},
    {CGROUP2_SUPER_MAGIC, "cgroup2", 0},
};

struct fs_fact {
    const char *name;
    bool idmap;
};

static struct fs_fact fs_of(const char *path, unsigned kernel)
{
    struct statfs fs;
    if (statfs(path, &fs) < 0)
        return (struct fs_fact){"a missing file system", false};
    for (size_t i = 0; i < COUNT(file_systems); i++)
        if (file_systems[i].magic == fs.f_type)
            return (struct fs_fact){file_systems[i].name,
                                    file_systems[i].idmap_since &&
                                        kernel >= file_systems[i].idmap_since};
    return (struct fs_fact){"this file system", false};
}

unsigned facts_kernel(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;
    if (uname(&name) == 0)
        sscanf(name.release, "%u.%u", &major, &minor);
    return KERNEL(major, minor);
}

static uint64_t own_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* A sysctl's number, or OTHERWISE where the kernel has no such file. */
static uint64_t sysctl_number(const char *path, uint64_t otherwise)
{
    char text[32];
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0)
        return otherwise;
    text[n - (text[n - 1] == '\n')] = '\0';
    uint64_t value;
    return text_to_u64(text, UINT64_MAX, &value) < 0 ? otherwise : value;
}

struct idmaps facts_idmaps(struct arena *arena, const char *path)
{
    auto_free char *text = NULL;
    struct idmaps maps = {0};
    struct idmap map;
    int used = 0;
    if (file_read(AT_FDCWD, path, 65536, &text) < 0)
        error_clear();
    for (char *p = text; p && sscanf(p, "%u %u %u%n", &map.inside, &map.outside, &map.count, &used) == 3; p += used)
        *LIST_ADD(arena, &maps.list, &maps.count) = map;
    return maps;
}

static void probe_own_ids(struct arena *arena, struct facts *facts)
{
    facts->own_ids = facts_idmaps(arena, "/proc/self/uid_map");
    const struct idmaps *ids = &facts->own_ids;
    facts->in_userns = !(ids->count == 1 && ids->list[0].inside == 0 && ids->list[0].outside == 0 &&
                         ids->list[0].count == UINT32_MAX);
}

/* subuid(5): "name:first:count", the name may be the decimal uid. */
static void probe_ranges(struct arena *arena, const char *path, const struct facts *facts,
                         struct idmaps *ranges)
{
    auto_file file = fopen(path, "re");
    char line[512];
    char uid[16];
    snprintf(uid, sizeof uid, "%u", facts->uid);
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *first = strchr(line, ':'), *count = first ? strchr(first + 1, ':') : NULL;
        struct idmap range = {0};
        if (!count)
            continue;
        *first++ = '\0';
        *count++ = '\0';
        if ((text_equal(line, facts->user) || text_equal(line, uid)) &&
            text_to_id(first, &range.outside) == 0 && text_to_u32(count, &range.count) == 0 &&
            range.count)
            *LIST_ADD(arena, &ranges->list, &ranges->count) = range;
    }
}

static void probe_caller(struct facts *facts)
{
    facts->uid = geteuid();
    facts->gid = getegid();
    facts->capabilities = own_capabilities();
}

void facts_probe_user(struct arena *arena, struct facts *facts)
{
    probe_caller(facts);
    facts->user = arena_printf(arena, "%u", facts->uid);
    if (facts->uid == 0)
        return; /* root maps what it likes: no ranges, no helpers */
    auto_file passwd = fopen("/etc/passwd", "re");
    for (struct passwd *p; passwd && (p = fgetpwent(passwd));)
        if (p->pw_uid == facts->uid) {
            facts->user = arena_strdup(arena, p->pw_name);
            break;
        }
    probe_ranges(arena, "/etc/subuid", facts, &facts->subuid);
    probe_ranges(arena, "/etc/subgid", facts, &facts->subgid);
    facts->newuidmap = process_find(arena, "newuidmap");
    facts->newgidmap = process_find(arena, "newgidmap");
}

/* The kernel lets a user namespace mount a new procfs only when one is fully visible already
 * (mount_too_revealing()): anything mounted below /proc, but for binfmt_misc's empty directory,
 * hides part of it. */
static bool is_proc_masked(struct arena *arena, const char *mountinfo)
{
    char *text = arena_strdup(arena, mountinfo);
    struct mountinfo mount;
    while (mountinfo_next(&text, &mount))
        if (text_after(mount.point, "/proc/") &&
            !text_equal(mount.point, "/proc/sys/fs/binfmt_misc"))
            return true;
    return false;
}

/* What the kernel's settings say about new user namespaces; those that bind only ordinary users are
 * not looked at as the host's root. */
static void probe_userns(const struct config *config, struct facts *facts)
{
    const struct ns_config *user = &config->namespaces[NS_USER];
    facts->max_userns = UINT64_MAX;
    facts->userns_clone = true;
    if (!user->listed || user->path)
        return;
    facts->max_userns = sysctl_number("/proc/sys/user/max_user_namespaces", UINT64_MAX);
    if (facts->uid == 0 && !facts->in_userns)
        return;
    facts->userns_clone = sysctl_number("/proc/sys/kernel/unprivileged_userns_clone", 1) != 0;
    facts->userns_restricted =
        sysctl_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 1;
}

static void probe_apparmor(struct arena *arena, struct facts *facts)
{
    facts->apparmor_loaded = apparmor_has(APPARMOR_DEFAULT);
    facts->apparmor_hidden = !apparmor_can_load();
    if (!facts->apparmor_loaded && !facts->apparmor_hidden && facts->uid == 0 && !facts->in_userns)
        facts->apparmor_parser = process_find(arena, "apparmor_parser");
}

static void probe_protections(const struct config *config, struct facts *facts)
{
    facts->apparmor = config->process.apparmor_profile && apparmor_is_on();
    if (facts->apparmor && text_equal(config->process.apparmor_profile, APPARMOR_DEFAULT))
        probe_apparmor(config->arena, facts);
    facts->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
}

static void probe_limits(const struct config *config, struct facts *facts)
{
    for (size_t i = 0; i < config->process.n_rlimits; i++) {
        int resource = config->process.rlimits[i].resource;
        sys_prlimit(0, resource, NULL, &facts->limits[resource]);
    }
}

/* Loaded, built in, or to be loaded by who mounts it: fsopen(2) does that for who may mount, and for others modprobe's list tells. */
static bool has_overlay(struct arena *arena)
{
    struct utsname name;
    auto_free char *known = NULL, *modules = NULL;
    if (access("/sys/module/overlay", F_OK) == 0)
        return true;
    auto_fd fs = sys_fsopen("overlay");
    if (fs >= 0 || fs == -ENODEV || uname(&name) < 0)
        return fs >= 0;
    bool there = (file_read(AT_FDCWD, "/proc/filesystems", 1 << 16, &known) >= 0 && strstr(known, "\toverlay\n")) ||
                 (file_read(AT_FDCWD, arena_printf(arena, "/lib/modules/%s/modules.dep", name.release), 16 << 20, &modules) >= 0 &&
                  strstr(modules, "/overlay.ko"));
    error_clear();
    return there;
}

static void probe_root(const struct config *config, struct facts *facts)
{
    const struct root_config *root = &config->root;
    const char *path = root->lowers ? root->lowers[0] : root->path;
    struct fs_fact fs = fs_of(path, facts->kernel);
    facts->root_fs = fs.name;
    facts->idmap_root = fs.idmap;
    facts->overlay = (facts->uid == 0 || facts->kernel >= KERNEL(5, 11)) && (!root->lowers || has_overlay(config->arena));
}

bool facts_upper_fits(const struct facts *facts)
{
    static const char *const unfit[] = {"overlay", "nfs", "fuse", "9p", "vfat"};
    for (size_t i = 0; i < COUNT(unfit); i++)
        if (text_equal(facts->root_fs, unfit[i]))
            return false;
    return true;
}

/* CONFIG_TMPFS_XATTR, Linux 6.6: a memfd is a file of the kernel's own tmpfs. */
static void probe_tmpfs(const struct config *config, struct facts *facts)
{
    if (!config->root.lowers || config->root.upper == UPPER_DISK || (config->root.upper == UPPER_FITTING && facts_upper_fits(facts)) || (facts->uid == 0 && !facts->in_userns))
        return; /* then overlayfs uses trusted.*, which tmpfs always had */
    auto_fd fd = memfd_create("probe", MFD_CLOEXEC);
    facts->tmpfs_xattr = fd >= 0 && fsetxattr(fd, "user.bocal", "", 0, 0) == 0;
}

/* Where the text of a link is wanted. */
static const char *link_at(const struct config *config, const struct mount_config *mount)
{
    char text[PATH_MAX];
    bool wanted = false;
    for (size_t i = 0; mount->options && mount->options[i]; i++)
        wanted |= text_equal(mount->options[i], "copy-symlink");
    ssize_t n = wanted ? readlink(mount->source, text, sizeof text) : -1;
    return n > 0 && n < (ssize_t)sizeof text ? arena_strndup(config->arena, text, (size_t)n) : NULL;
}

static void probe_sources(const struct config *config, struct facts *facts)
{
    for (size_t i = 0; i < config->n_mounts; i++) {
        const char *source = config->mounts[i].source;
        struct stat st;
        const char *link = text_equal(config->mounts[i].type, "bind") ? link_at(config, &config->mounts[i]) : NULL;
        if (link)
            *LIST_ADD(config->arena, &facts->sources, &facts->n_sources) = (struct source_fact){.path = source, .link = link};
        if (link || !text_equal(config->mounts[i].type, "bind") || stat(source, &st) < 0)
            continue; /* a missing source is the bind's own failure */
        struct fs_fact fs = fs_of(source, facts->kernel);
        *LIST_ADD(config->arena, &facts->sources, &facts->n_sources) =
            (struct source_fact){.path = source, .fs = fs.name, .idmap = fs.idmap, .uid = st.st_uid};
    }
}

/* As the kernel calls them in the names of its hugetlb files: mem_fmt() of mm/hugetlb_cgroup.c. */
static void probe_huge_pages(const struct config *config, struct facts *facts)
{
    size_t n = 0;
    auto_dir d = config->resources.n_huge_pages ? opendir("/sys/kernel/mm/hugepages") : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        unsigned long kb = 0;
        if (sscanf(e->d_name, "hugepages-%lukB", &kb) != 1)
            continue;
        *LIST_ADD(config->arena, &facts->huge_pages, &n) =
            kb >= 1 << 20   ? arena_printf(config->arena, "%luGB", kb >> 20)
            : kb >= 1 << 10 ? arena_printf(config->arena, "%luMB", kb >> 10)
                            : arena_printf(config->arena, "%luKB", kb);
    }
    if (n)
        *LIST_ADD(config->arena, &facts->huge_pages, &n) = NULL;
}

static unsigned probe_namespaces(const struct config *config)
{
    unsigned own = 0;
    for (int i = 0; i < NS_COUNT; i++) {
        char path[64];
        struct stat ours, theirs;
        if (!config->namespaces[i].path)
            continue;
        snprintf(path, sizeof path, "/proc/self/ns/%s", ns_proc_names[i]);
        if (stat(path, &ours) == 0 && stat(config->namespaces[i].path, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
            ours.st_dev == theirs.st_dev)
            own |= 1U << i;
    }
    return own;
}

static void probe_rdt(const struct config *config, const char *mountinfo, struct rdt_facts *facts)
{
    const char *group = config->rdt.clos_id;
    if (!config->rdt.origin)
        return;
    char *text = arena_strdup(config->arena, mountinfo);
    struct mountinfo mount;
    while (!facts->mount && mountinfo_next(&text, &mount))
        if (text_equal(mount.type, "resctrl"))
            facts->mount = arena_strdup(config->arena, mount.point);
    if (!facts->mount || !group)
        return;
    auto_free char *schemata = NULL;
    const char *path = arena_printf(config->arena, "%s/%s/schemata", facts->mount, text_equal(group, "/") ? "." : group);
    facts->exists = file_read(AT_FDCWD, path, 1 << 16, &schemata) >= 0;
    facts->schemata = facts->exists ? arena_strdup(config->arena, schemata) : NULL;
    if (!facts->exists)
        error_clear();
}

/* The uid by which the caller's systemd knows it: rootless engines are root of a user namespace. */
static uint32_t outer_uid(const struct facts *facts)
{
    for (size_t i = 0; i < facts->own_ids.count; i++) {
        const struct idmap *map = &facts->own_ids.list[i];
        if (facts->uid >= map->inside && facts->uid - map->inside < map->count)
            return map->outside + (facts->uid - map->inside);
    }
    return facts->uid;
}

/* The machine's manager is in init.scope below its own cgroup, and a user's where logind starts it: systemd.special(7). */
static void probe_systemd(const struct config *config, struct facts *facts)
{
    struct arena *arena = config->arena;
    struct systemd_facts *systemd = &facts->systemd;
    const char *mount = facts->cgroup.v2.mount;
    if (config->cgroup_manager != MANAGER_SYSTEMD || !mount || access("/run/systemd/system", F_OK) < 0)
        return;
    const char *first = cgroup_v2_of(arena, 1), *end = first ? strstr(first, "/init.scope") : NULL;
    const char *root = end ? arena_printf(arena, "%.*s", (int)(end - first), first) : mount;
    uint32_t uid = outer_uid(facts);
    systemd->user = uid != 0;
    systemd->root = systemd->user ? arena_printf(arena, "%s/user.slice/user-%u.slice/user@%u.service", root, uid, uid) : root;
    systemd->controllers = cgroup_controllers(arena, systemd->root);
    systemd->run = process_find(arena, "systemd-run");
    systemd->control = process_find(arena, "systemctl");
}

static int check_kernel(const struct facts *facts)
{
    if (facts->kernel >= KERNEL(5, 14))
        return 0;
    return refuse(-ENOSYS, "this kernel is %u.%u; bocal needs Linux 5.14 (for id-mapped mounts, "
                           "cgroup.kill and the new mount calls)",
                  facts->kernel >> 16, facts->kernel & 0xffff);
}

static unsigned probe_null_stdio(void)
{
    unsigned found = 0;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (sys_is_null_device(fd))
            found |= 1u << fd;
    return found;
}

int facts_probe(const struct config *config, struct facts *facts)
{
    struct arena *arena = config->arena;
    *facts = (struct facts){.kernel = facts_kernel()};
    TRY(check_kernel(facts));
    facts_probe_user(arena, facts);
    probe_own_ids(arena, facts);
    probe_userns(config, facts);
    auto_free char *mountinfo = NULL;
    TRY((int)file_read(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mountinfo));
    facts->proc_masked = is_proc_masked(arena, mountinfo);
    probe_protections(config, facts);
    facts->time_ns = !config->namespaces[NS_TIME].listed || access("/proc/self/ns/time", F_OK) == 0;
    facts->own_namespaces = probe_namespaces(config);
    facts->null_stdio = probe_null_stdio();
    probe_limits(config, facts);
    probe_root(config, facts);
    probe_tmpfs(config, facts);
    probe_sources(config, facts);
    probe_huge_pages(config, facts);
    probe_rdt(config, mountinfo, &facts->rdt);
    TRY(cgroup_probe(arena, mountinfo, &facts->cgroup));
    probe_systemd(config, facts);
    return 0;
}

int facts_probe_exec(const struct config *config, struct facts *facts)
{
    *facts = (struct facts){.kernel = facts_kernel()};
    TRY(check_kernel(facts));
    probe_caller(facts);
    facts->in_userns = process_in_userns();
    facts->setid_dumpable = sysctl_number("/proc/sys/fs/suid_dumpable", 1) == 1;
    probe_protections(config, facts);
    probe_limits(config, facts);
    probe_sources(config, facts);
    auto_free char *mountinfo = NULL;
    if (config->rdt.origin)
        TRY((int)file_read(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mountinfo));
    probe_rdt(config, mountinfo, &facts->rdt);
    return 0;
}

int facts_userns(const struct facts *facts)
{
    if (facts->max_userns == 0)
        return refuse(-EPERM, "user namespaces are forbidden on this host: "
                              "user.max_user_namespaces is 0 (sysctl -w user.max_user_namespaces=10000)");
    if (!facts->userns_clone)
        return refuse(-EPERM, "user namespaces are forbidden to ordinary users on this host "
                              "(sysctl -w kernel.unprivileged_userns_clone=1)");
    if (facts->userns_restricted)
        return refuse(-EPERM, "AppArmor forbids user namespaces to programs without a profile "
                              "(install bocal's profile, or sysctl -w "
                              "kernel.apparmor_restrict_unprivileged_userns=0)");
    return 0;
}
