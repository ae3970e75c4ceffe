#include "kernel/cgroup.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "kernel/mountinfo.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *const cgroup_names_v1[CG_COUNT] = {
    [CG_CPU] = "cpu",         [CG_CPUSET] = "cpuset",   [CG_MEMORY] = "memory",
    [CG_PIDS] = "pids",       [CG_IO] = "blkio",        [CG_DEVICES] = "devices",
    [CG_FREEZER] = "freezer", [CG_HUGETLB] = "hugetlb",
    [CG_RDMA] = "rdma",       [CG_NET_CLS] = "net_cls", [CG_NET_PRIO] = "net_prio",
};

const char *const cgroup_names_v2[CG_COUNT] = {
    [CG_CPU] = "cpu",   [CG_CPUSET] = "cpuset", [CG_MEMORY] = "memory",
    [CG_PIDS] = "pids", [CG_IO] = "io",         [CG_HUGETLB] = "hugetlb",
    [CG_RDMA] = "rdma",
};

/* ---- probing ---- */

static bool has_word(const char *list, const char *word, const char *separators)
{
    size_t length = strlen(word);
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, separators);
        if (n == length && memcmp(p, word, n) == 0)
            return true;
        p += n + (p[n] != '\0');
    }
    return false;
}

static uint32_t controllers_in(const char *list)
{
    uint32_t bits = 0;
    for (int i = 0; i < CG_COUNT; i++)
        if (cgroup_names_v2[i] && has_word(list, cgroup_names_v2[i], " \n"))
            bits |= 1U << i;
    return bits;
}

/* The first mount of a hierarchy is taken; in a container its root is its own cgroup's path. */
static void take_mount(struct arena *arena, const struct mountinfo *mount,
                       const char *roots[CG_COUNT + 1], struct cgroup_facts *facts)
{
    if (strcmp(mount->type, "cgroup2") == 0 && !facts->v2.mount) {
        facts->v2.mount = arena_strdup(arena, mount->point);
        roots[CG_COUNT] = arena_strdup(arena, mount->root);
    }
    if (strcmp(mount->type, "cgroup") != 0)
        return;
    for (int i = 0; i < CG_COUNT; i++)
        if (!facts->v1[i].mount && has_word(mount->super, cgroup_names_v1[i], ",")) {
            facts->v1[i].mount = arena_strdup(arena, mount->point);
            roots[i] = arena_strdup(arena, mount->root);
        }
}

/* The caller's cgroup PATH, as a directory below a mount whose root is ROOT. */
static const char *own_directory(struct arena *arena, const char *mount, const char *root,
                                 const char *path)
{
    const char *rest = strcmp(root, "/") == 0 ? path : text_after(path, root);
    if (!rest || strcmp(rest, "/") == 0)
        return mount;
    return arena_printf(arena, "%s%s", mount, rest);
}

static void parse_membership(struct arena *arena, char *line, const char *roots[CG_COUNT + 1],
                             struct cgroup_facts *facts)
{
    char *list = strchr(line, ':');
    char *path = list ? strchr(list + 1, ':') : NULL;
    if (!path)
        return;
    *path++ = '\0';
    list++;
    if (!*list && facts->v2.mount)
        facts->v2.own = own_directory(arena, facts->v2.mount, roots[CG_COUNT], path);
    for (int i = 0; i < CG_COUNT; i++)
        if (facts->v1[i].mount && has_word(list, cgroup_names_v1[i], ","))
            facts->v1[i].own = own_directory(arena, facts->v1[i].mount, roots[i], path);
}

void cgroup_parse(struct arena *arena, const char *mountinfo, const char *cgroup,
                  struct cgroup_facts *facts)
{
    const char *roots[CG_COUNT + 1] = {NULL};
    char *mounts = arena_strdup(arena, mountinfo), *memberships = arena_strdup(arena, cgroup);
    char *rest = NULL;
    struct mountinfo mount;
    while (mountinfo_next(&mounts, &mount))
        take_mount(arena, &mount, roots, facts);
    for (char *l = strtok_r(memberships, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest))
        parse_membership(arena, l, roots, facts);
}

const char *cgroup_v2_of(struct arena *arena, int64_t pid)
{
    struct cgroup_facts facts = {0};
    auto_free char *mountinfo = NULL, *cgroup = NULL;
    char path[48];
    snprintf(path, sizeof path, "/proc/%lld/cgroup", (long long)pid);
    if (file_read(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mountinfo) < 0 ||
        file_read(AT_FDCWD, path, 1 << 20, &cgroup) < 0) {
        error_clear();
        return NULL;
    }
    cgroup_parse(arena, mountinfo, cgroup, &facts);
    return facts.v2.own;
}

/* The contents of DIR/NAME in the arena without its newline, or "". */
static const char *read_small(struct arena *arena, const char *dir, const char *name)
{
    char path[4096], text[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (n <= 0)
        return "";
    text[n - (text[n - 1] == '\n')] = '\0';
    return arena_strdup(arena, text);
}

uint32_t cgroup_controllers(struct arena *arena, const char *dir)
{
    return controllers_in(read_small(arena, dir, "cgroup.controllers"));
}

static bool has_file(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static uint32_t count_lines(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    auto_file file = fopen(path, "re");
    uint32_t lines = 0;
    for (int c; file && (c = getc(file)) != EOF;)
        lines += c == '\n';
    return lines;
}

/* Delegated, cgroups(7): the directory and the file by which processes come in. */
static bool may_use(const char *dir)
{
    char procs[4096];
    snprintf(procs, sizeof procs, "%s/cgroup.procs", dir);
    return access(dir, W_OK) == 0 && access(procs, W_OK) == 0;
}

static void probe_tree(struct cgroup_tree *tree)
{
    if (!tree->mount)
        return;
    tree->writable = access(tree->mount, W_OK) == 0;
    tree->own_writable = tree->own == tree->mount ? tree->writable
                                                  : tree->own && may_use(tree->own);
}

static void probe_v2(struct arena *arena, struct cgroup_facts *facts)
{
    const char *mount = facts->v2.mount;
    if (!mount)
        return;
    facts->v2_controllers = cgroup_controllers(arena, mount);
    facts->v2_enabled = controllers_in(read_small(arena, mount, "cgroup.subtree_control"));
    const char *own = facts->v2.own;
    facts->v2_is_root = !has_file(mount, "cgroup.type");
    if (facts->v2_is_root && (own == mount || facts->v2.writable)) {
        facts->v2_own = facts->v2_controllers;
        facts->v2_own_enabled = facts->v2_enabled;
    } else if (own) {
        facts->v2_own = cgroup_controllers(arena, own);
        facts->v2_own_enabled = controllers_in(read_small(arena, own, "cgroup.subtree_control"));
        facts->v2_own_processes = count_lines(own, "cgroup.procs");
    }
    facts->v2_swap = facts->v2_controllers >> CG_MEMORY & 1;
}

static void probe_v1(struct cgroup_facts *facts)
{
    if (facts->v1[CG_MEMORY].mount)
        facts->v1_swap = has_file(facts->v1[CG_MEMORY].mount, "memory.memsw.limit_in_bytes");
    /* BFQ's weights are for all cgroups but the root, where only its statistics tell that it is there. */
    if (facts->v1[CG_IO].own && has_file(facts->v1[CG_IO].own, "blkio.bfq.io_serviced"))
        facts->blkio_weight = "blkio.bfq.weight";
}

int cgroup_probe(struct arena *arena, const char *mountinfo, struct cgroup_facts *facts)
{
    auto_free char *cgroup = NULL;
    *facts = (struct cgroup_facts){0};
    TRY((int)file_read(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &cgroup));
    cgroup_parse(arena, mountinfo, cgroup, facts);
    probe_tree(&facts->v2);
    for (int i = 0; i < CG_COUNT; i++)
        probe_tree(&facts->v1[i]);
    probe_v2(arena, facts);
    probe_v1(facts);
    return 0;
}

/* ---- making, setting, removing ---- */

/* A v1 cpuset takes no task before it has both, and none that its parent has not: cpuset(7). */
static void inherit_cpuset(const char *dir, const char *parent)
{
    static const char *const files[] = {"cpuset.mems", "cpuset.cpus"};
    char path[4200];
    snprintf(path, sizeof path, "%s/cpuset.effective_cpus", dir); /* v2 has it the other way round */
    for (size_t i = 0; i < COUNT(files) && access(path, F_OK) == 0; i++) {
        char from[4200], to[4200];
        auto_free char *value = NULL;
        snprintf(from, sizeof from, "%s/%s", parent, files[i]);
        snprintf(to, sizeof to, "%s/%s", dir, files[i]);
        if (file_read(AT_FDCWD, from, 4096, &value) < 0 || file_put(AT_FDCWD, to, value) < 0)
            error_clear(); /* the first task's refusal tells */
    }
}

/* Of a path with several parts. Those above are left in the end, as others may use them. */
static int make_parents(const char *dir)
{
    char above[4096];
    const char *slash = strrchr(dir, '/');
    if (!slash || slash == dir || access(dir, F_OK) == 0)
        return 0;
    snprintf(above, sizeof above, "%.*s", (int)(slash - dir), dir);
    TRY(make_parents(above));
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return -errno;
    inherit_cpuset(dir, above);
    return 0;
}

int cgroup_create(const char *dir)
{
    char parent[4096];
    const char *slash = strrchr(dir, '/');
    int r = mkdir(dir, 0755) < 0 ? -errno : 0;
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - dir) : 0, dir);
    if (r == -ENOENT) {
        r = make_parents(parent);
        if (r == 0)
            r = mkdir(dir, 0755) < 0 ? -errno : 0;
    }
    if (r < 0)
        return fail(r, "create %s", dir);
    inherit_cpuset(dir, parent);
    return 0;
}

int cgroup_write(const char *file, const char *value)
{
    int r = file_put(AT_FDCWD, file, value);
    return r < 0 ? fail(r, "write %s to %s", value, file) : 0;
}

static void sleep_us(long us)
{
    nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

/* cgroup.kill (Linux 5.14) reaches everything below at once; v1 has only a list of processes. */
void cgroup_signal(const char *dir, int number)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/cgroup.kill", dir);
    if (number == SIGKILL && file_put(AT_FDCWD, path, "1") == 0)
        return;
    snprintf(path, sizeof path, "%s/cgroup.procs", dir);
    auto_file procs = fopen(path, "re");
    for (int pid; procs && fscanf(procs, "%d", &pid) == 1;)
        if (pid > 0)
            kill(pid, number);
}

static int remove_once(const char *dir)
{
    if (rmdir(dir) == 0 || errno == ENOENT)
        return 0;
    if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;
    cgroup_signal(dir, SIGKILL);
    auto_dir d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            char inner[4200];
            if (snprintf(inner, sizeof inner, "%s/%s", dir, e->d_name) < (int)sizeof inner)
                remove_once(inner);
        }
    return rmdir(dir) == 0 || errno == ENOENT ? 0 : -errno;
}

int cgroup_remove(const char *dir)
{
    enum { FIRST_US = 100, LONGEST_US = 50000, PATIENCE_US = 2000000 };
    long slept = 0;
    for (long pause = FIRST_US;; pause = pause * 2 < LONGEST_US ? pause * 2 : LONGEST_US) {
        int r = remove_once(dir);
        if (r == 0)
            return 0;
        if ((r != -EBUSY && r != -ENOTEMPTY) || slept > PATIENCE_US)
            return fail(r, "remove cgroup %s", dir);
        sleep_us(pause);
        slept += pause;
    }
}

/* ---- stepping aside ---- */

int cgroup_step_aside(const char *leaf)
{
    char procs[4200];
    snprintf(procs, sizeof procs, "%s/cgroup.procs", leaf);
    TRY(cgroup_create(leaf));
    return cgroup_write(procs, "0");
}

static bool has_process(const char *dir, pid_t pid)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/cgroup.procs", dir);
    auto_file file = fopen(path, "re");
    for (int other; file && fscanf(file, "%d", &other) == 1;)
        if (other == pid)
            return true;
    return false;
}

int cgroup_step_back(const char *leaf)
{
    char above[4096], path[4200], word[64];
    const char *slash = strrchr(leaf, '/');
    snprintf(above, sizeof above, "%.*s", slash ? (int)(slash - leaf) : 0, leaf);
    snprintf(path, sizeof path, "%s/cgroup.subtree_control", above);
    auto_free char *enabled = NULL;
    bool told = *error_text();
    if (file_read(AT_FDCWD, path, 4096, &enabled) < 0 && !told)
        error_clear(); /* it is gone, and LEAF with it */
    for (const char *p = enabled ? enabled : ""; *p; p += strcspn(p, " \n"), p += *p != '\0') {
        snprintf(word, sizeof word, "-%.*s", (int)strcspn(p, " \n"), p);
        if (word[1])
            file_put(AT_FDCWD, path, word); /* what others use below stays as it is */
    }
    snprintf(path, sizeof path, "%s/cgroup.procs", above);
    if (has_process(leaf, getpid()))
        TRY(cgroup_write(path, "0"));
    return rmdir(leaf) < 0 && errno != ENOENT ? fail(-errno, "remove cgroup %s", leaf) : 0;
}
