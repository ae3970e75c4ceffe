/* What is mounted: the defaults of the OCI runtime specification, then what -v, --mount and --tmpfs
 * ask for, parents before children; a mount of the user's replaces a default at the same place. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/request.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static char **copy_list(struct request *r, char *const *list)
{
    size_t n = text_count(list);
    char **copy = arena_alloc(r->arena, (n + 1) * sizeof *copy);
    memcpy(copy, list, n * sizeof *copy);
    return copy;
}

static struct mount_config *find_mount(struct request *r, const char *destination)
{
    for (size_t i = 0; i < r->config->n_mounts; i++)
        if (text_equal(r->config->mounts[i].destination, destination))
            return &r->config->mounts[i];
    return NULL;
}

static int add_mount(struct request *r, struct mount_config mount)
{
    struct mount_config *same = find_mount(r, mount.destination);
    if (same && !text_equal(same->origin, "default"))
        return refuse(-EINVAL, "%s: %s is mounted by %s already (leave one of them out)",
                      mount.origin, mount.destination, same->origin);
    if (!same)
        same = LIST_ADD(r->arena, &r->config->mounts, &r->config->n_mounts);
    *same = mount;
    return 0;
}

/* ---- defaults ---- */

static int add_defaults(struct request *r)
{
    const struct run_options *o = r->options;
    uint64_t shm = 64 << 20;
    if (o->shm_size && (text_to_bytes(o->shm_size, &shm) < 0 || shm == 0))
        return request_refuse("shm-size", o->shm_size, "not a size in bytes (64m)");
    bool host_pid = !r->config->namespaces[NS_PID].listed;
    bool host_ipc = !r->config->namespaces[NS_IPC].listed || r->config->namespaces[NS_IPC].path;
    bool own_net = r->config->namespaces[NS_NETWORK].listed &&
                   !r->config->namespaces[NS_NETWORK].path;
    char *shm_size = arena_printf(r->arena, "size=%llu", (unsigned long long)shm);
    const char *sys_access = o->privileged ? "rw" : "ro";
    const struct mount_config defaults[] = {
        {.destination = "/proc", .type = host_pid ? "bind" : "proc", .source = host_pid ? "/proc" : "proc",
         .options = host_pid ? WORDS("rbind", "nosuid", "noexec", "nodev", "rslave")
                             : WORDS("nosuid", "noexec", "nodev")},
        {.destination = "/dev", .type = "tmpfs", .source = "tmpfs",
         .options = WORDS("nosuid", "strictatime", "mode=755", "size=65536k")},
        {.destination = "/dev/pts", .type = "devpts", .source = "devpts",
         .options = WORDS("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")},
        {.destination = "/dev/shm", .type = host_ipc ? "bind" : "tmpfs",
         .source = host_ipc ? "/dev/shm" : "shm",
         .options = host_ipc ? WORDS("rbind", "nosuid", "noexec", "nodev")
                             : WORDS("nosuid", "noexec", "nodev", "mode=1777", shm_size)},
        {.destination = "/dev/mqueue", .type = host_ipc ? "bind" : "mqueue",
         .source = host_ipc ? "/dev/mqueue" : "mqueue",
         .options = host_ipc ? WORDS("rbind", "nosuid", "noexec", "nodev")
                             : WORDS("nosuid", "noexec", "nodev")},
        {.destination = "/sys", .type = own_net ? "sysfs" : "bind", .source = own_net ? "sysfs" : "/sys",
         .options = own_net ? WORDS("nosuid", "noexec", "nodev", (char *)sys_access)
                            : WORDS("rbind", "nosuid", "noexec", "nodev", "rro", "rslave")},
        {.destination = "/sys/fs/cgroup", .type = "cgroup", .source = "cgroup",
         .options = WORDS("nosuid", "noexec", "nodev", "relatime", (char *)sys_access)},
    };
    for (size_t i = 0; i < COUNT(defaults); i++) {
        struct mount_config mount = defaults[i];
        mount.options = copy_list(r, (char *const *)mount.options);
        mount.origin = "default";
        bool missing = host_ipc && text_equal(mount.source, "/dev/mqueue") &&
                       !r->context->has_mqueue;
        if (!missing)
            TRY(add_mount(r, mount));
    }
    return 0;
}

/* ---- paths ---- */

static int check_destination(const char *option, const char *word, const char *path)
{
    if (*path != '/')
        return request_refuse(option, word, "%s is not an absolute path of the container",
                              *path ? path : "the empty word");
    bool root = true;
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && memcmp(p, "..", 2) == 0)
            return request_refuse(option, word, "%s has \"..\" in it (write the path out)", path);
        root &= n == 0 || (n == 1 && *p == '.');
        p += n + (p[n] == '/');
    }
    return root ? request_refuse(option, word, "the container's / is its root file system (--rootfs "
                                               "gives another)") : 0;
}

/* One slash between the parts, none at the end. */
static const char *clean_path(struct request *r, const char *path)
{
    char *clean = arena_strdup(r->arena, path), *out = clean;
    for (const char *p = path; *p; p++)
        if (*p != '/' || (out == clean || out[-1] != '/'))
            *out++ = *p;
    if (out > clean + 1 && out[-1] == '/')
        out--;
    *out = '\0';
    return clean;
}

static int host_path(struct request *r, const char *option, const char *word, const char *path,
                     const char **absolute)
{
    if (!*path)
        return request_refuse(option, word, "the source is missing (HOST:CONTAINER)");
    if (*path == '/')
        *absolute = path;
    else if (text_after(path, "./") || text_after(path, "../") || text_equal(path, ".") ||
             text_equal(path, ".."))
        *absolute = arena_printf(r->arena, "%s/%s", r->context->cwd, path);
    else
        return request_refuse(option, word, "named volumes are not built yet (give a path: ./%s or "
                                            "/...)", path);
    return 0;
}

/* ---- -v ---- */

static const char *const volume_words[] = {
    "ro",     "rw",      "rro",     "z",       "Z",       "U",      "idmap",  "rslave",
    "slave",  "rshared", "shared",  "private", "rprivate", "bind",  "rbind",  "exec",
    "noexec", "suid",    "nosuid",  "dev",     "nodev",   "nocopy", "runbindable", "unbindable",
};

static bool is_volume_word(const char *word)
{
    for (size_t i = 0; i < COUNT(volume_words); i++)
        if (text_equal(word, volume_words[i]))
            return true;
    return false;
}

/* Options for the planner: the bind is recursive, and so is its read-only-ness. */
static int bind_options(struct request *r, const char *option, const char *word, const char *list,
                        char ***options)
{
    size_t n = 0, count = 0;
    char **words = text_split(r->arena, list, ',', &n), **out = NULL;
    bool flat = false;
    for (size_t i = 0; i < n; i++)
        flat |= text_equal(words[i], "bind");
    *LIST_ADD(r->arena, &out, &count) = flat ? "bind" : "rbind";
    for (size_t i = 0; i < n && *list; i++) {
        if (!is_volume_word(words[i]))
            return request_refuse(option, word, "unknown option \"%s\" (ro, rw, z, Z, U, idmap, rslave, "
                                                "noexec, ...)", words[i]);
        if (text_equal(words[i], "nocopy") || text_equal(words[i], "bind") ||
            text_equal(words[i], "rbind"))
            continue;
        bool readonly = text_equal(words[i], "ro"), idmap = text_equal(words[i], "idmap");
        *LIST_ADD(r->arena, &out, &count) = flat ? words[i] : readonly ? "rro" : idmap ? "ridmap" : words[i];
        if (readonly && !flat)
            *LIST_ADD(r->arena, &out, &count) = "ro";
    }
    *LIST_ADD(r->arena, &out, &count) = NULL;
    *options = out;
    return 0;
}

static int add_volume(struct request *r, const char *word)
{
    size_t n;
    char **parts = text_split(r->arena, word, ':', &n);
    const char *source;
    if (n < 2)
        return request_refuse("volume", word, "anonymous volumes are not built yet (HOST:CONTAINER, or "
                                              "--tmpfs %s)", word);
    if (n > 3)
        return request_refuse("volume", word, "more than HOST:CONTAINER:OPTIONS (--mount takes paths with "
                                              "colons)");
    TRY(host_path(r, "volume", word, parts[0], &source));
    TRY(check_destination("volume", word, parts[1]));
    struct mount_config mount = {.type = "bind", .source = source,
                                 .destination = clean_path(r, parts[1]),
                                 .origin = request_origin(r, "volume", word)};
    TRY(bind_options(r, "volume", word, n == 3 ? parts[2] : "", &mount.options));
    return add_mount(r, mount);
}

/* ---- --tmpfs ---- */

static int add_tmpfs(struct request *r, const char *word)
{
    const char *colon = strchr(word, ':');
    const char *path = colon ? arena_strndup(r->arena, word, (size_t)(colon - word)) : word;
    TRY(check_destination("tmpfs", word, path));
    char *list = arena_printf(r->arena, "nosuid,nodev%s%s", colon ? "," : ",noexec", colon ? colon + 1 : "");
    return add_mount(r, (struct mount_config){.type = "tmpfs", .source = "tmpfs",
                                              .destination = clean_path(r, path),
                                              .options = text_split(r->arena, list, ',', NULL),
                                              .origin = request_origin(r, "tmpfs", word)});
}

/* ---- --mount ---- */

struct mount_words {
    const char *type, *source, *destination, *size, *mode, *propagation;
    bool readonly, flat, chown, idmap;
    const char *relabel;
};

static const struct {
    const char *key;
    size_t offset;
    bool flag;
} mount_keys[] = {
    {"type", offsetof(struct mount_words, type), false},
    {"source", offsetof(struct mount_words, source), false},
    {"src", offsetof(struct mount_words, source), false},
    {"target", offsetof(struct mount_words, destination), false},
    {"dst", offsetof(struct mount_words, destination), false},
    {"destination", offsetof(struct mount_words, destination), false},
    {"tmpfs-size", offsetof(struct mount_words, size), false},
    {"tmpfs-mode", offsetof(struct mount_words, mode), false},
    {"bind-propagation", offsetof(struct mount_words, propagation), false},
    {"relabel", offsetof(struct mount_words, relabel), false},
    {"readonly", offsetof(struct mount_words, readonly), true},
    {"ro", offsetof(struct mount_words, readonly), true},
    {"bind-nonrecursive", offsetof(struct mount_words, flat), true},
    {"U", offsetof(struct mount_words, chown), true},
    {"chown", offsetof(struct mount_words, chown), true},
    {"idmap", offsetof(struct mount_words, idmap), true},
};

static int parse_mount_word(const char *word, char *field, struct mount_words *words)
{
    char *value = strchr(field, '=');
    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < COUNT(mount_keys); i++) {
        if (!text_equal(field, mount_keys[i].key))
            continue;
        void *at = (char *)words + mount_keys[i].offset;
        if (!mount_keys[i].flag) {
            if (!value || !*value)
                return request_refuse("mount", word, "%s has no value", field);
            *(const char **)at = value;
            return 0;
        }
        if (value && !text_equal(value, "true") && !text_equal(value, "false") &&
            !text_equal(value, "1") && !text_equal(value, "0"))
            return request_refuse("mount", word, "%s is true or false", field);
        *(bool *)at = !value || text_equal(value, "true") || text_equal(value, "1");
        return 0;
    }
    return request_refuse("mount", word, "unknown key \"%s\" (type, source, target, readonly, ...)",
                          field);
}

static int add_mount_option(struct request *r, const char *word)
{
    struct mount_words w = {.type = "bind"};
    char **fields = text_split(r->arena, word, ',', NULL);
    for (; *fields; fields++)
        TRY(parse_mount_word(word, *fields, &w));
    if (!w.destination)
        return request_refuse("mount", word, "target is missing");
    TRY(check_destination("mount", word, w.destination));
    struct mount_config mount = {.type = w.type, .origin = request_origin(r, "mount", word),
                                 .destination = clean_path(r, w.destination)};
    if (text_equal(w.type, "bind")) {
        if (!w.source)
            return request_refuse("mount", word, "source is missing");
        TRY(host_path(r, "mount", word, w.source, &mount.source));
        char *list = arena_printf(r->arena, "%s%s%s%s%s%s%s", w.flat ? "bind" : "rbind",
                                  w.readonly ? ",ro" : "", w.chown ? ",U" : "", w.idmap ? ",idmap" : "",
                                  w.propagation ? "," : "", w.propagation ? w.propagation : "",
                                  !w.relabel ? "" : text_equal(w.relabel, "private") ? ",Z" : ",z");
        TRY(bind_options(r, "mount", word, list, &mount.options));
        return add_mount(r, mount);
    }
    if (text_equal(w.type, "volume"))
        return request_refuse("mount", word, "volumes are not built yet (type=bind,source=/PATH)");
    if (!text_equal(w.type, "tmpfs") && !text_equal(w.type, "mqueue") && !text_equal(w.type, "devpts"))
        return request_refuse("mount", word, "unknown type \"%s\" (bind, tmpfs, mqueue, devpts)", w.type);
    mount.source = w.type;
    mount.options = text_split(r->arena,
                               arena_printf(r->arena, "nosuid,nodev%s%s%s%s%s", w.readonly ? ",ro" : "",
                                            w.size ? ",size=" : "", w.size ? w.size : "",
                                            w.mode ? ",mode=" : "", w.mode ? w.mode : ""),
                               ',', NULL);
    return add_mount(r, mount);
}

/* Parents come before what lies in them; /sys, which waits for the network namespace, after all else. */
static size_t depth(const char *path)
{
    const char *in_sys = text_after(path, "/sys");
    size_t n = in_sys && (!*in_sys || *in_sys == '/') ? PATH_MAX : 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* Stable, and few. */
static void sort_mounts(struct config *config)
{
    for (size_t i = 1; i < config->n_mounts; i++) {
        struct mount_config mount = config->mounts[i];
        size_t k = i;
        for (; k && depth(config->mounts[k - 1].destination) > depth(mount.destination); k--)
            config->mounts[k] = config->mounts[k - 1];
        config->mounts[k] = mount;
    }
}

int request_files(struct request *r)
{
    const struct run_options *o = r->options;
    TRY(add_defaults(r));
    for (size_t i = 0; i < o->volumes.count; i++)
        TRY(add_volume(r, o->volumes.words[i]));
    for (size_t i = 0; i < o->mounts.count; i++)
        TRY(add_mount_option(r, o->mounts.words[i]));
    for (size_t i = 0; i < o->tmpfs.count; i++)
        TRY(add_tmpfs(r, o->tmpfs.words[i]));
    sort_mounts(r->config);
    return 0;
}
