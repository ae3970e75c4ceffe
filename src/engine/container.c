#include "engine/container.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/pidfd.h"
#include "spec/config_decode.h"
#include "spec/config_fields.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const container_status_names[] = {
    [CONTAINER_CREATING] = "creating", [CONTAINER_CREATED] = "created",
    [CONTAINER_RUNNING] = "running",   [CONTAINER_PAUSED] = "paused",
    [CONTAINER_STOPPED] = "stopped",
};

int container_check_id(const char *id)
{
    enum { LONGEST = 1024 };
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
    if (!*id || *id == '.' || strlen(id) > LONGEST || strspn(id, allowed) != strlen(id))
        return refuse(-EINVAL, "container ID %.64s: invalid character, or invalid as a name (letters, digits and _+-., "
                               "but no . at the beginning, at most 1024)", id);
    return 0;
}

/* ---- on disk ---- */

static int read_annotations(struct json_source *s, struct json_object *value, void *into)
{
    struct container *container = into;
    return config_read_pairs(s, value, &container->annotations, &container->n_annotations);
}

static const struct json_field fields[] = {
    {"ociVersion", json_string, AT(container, oci_version)},
    {"pid", json_i64, AT(container, pid)},
    {"startTime", json_u64, AT(container, start_time)},
    {"bundle", json_string, AT(container, bundle)},
    {"created", json_string, AT(container, created)},
    {"owner", json_u64, AT(container, owner)},
    {"systemd", json_flag, AT(container, systemd)},
    {"lateHooks", json_flag, AT(container, late_hooks)},
    {"annotations", read_annotations, 0},
    {0},
};

int container_load(struct arena *arena, const char *root, const char *id, struct container *container)
{
    TRY(container_check_id(id));
    *container = (struct container){.arena = arena, .id = id, .dir = arena_printf(arena, "%s/%s", root, id)};
    const char *path = arena_printf(arena, "%s/state.json", container->dir);
    auto_free char *text = NULL;
    ssize_t size = file_read(AT_FDCWD, path, 1 << 20, &text);
    if (size == -ENOENT) {
        error_clear();
        if (access(container->dir, F_OK) < 0)
            return errno == ENOENT ? refuse(-ENOENT, "container %s does not exist", id)
                                   : fail(-errno, "open %s", container->dir);
    }
    if (size <= 0)
        return size == -ENOENT ? 0 : (int)size;
    return json_read(arena, text, (size_t)size, path, fields, container);
}

struct oci_state container_state(const struct container *c, const char *status, int64_t pid)
{
    return (struct oci_state){.oci_version = c->oci_version, .id = c->id, .bundle = c->bundle, .status = status,
                              .pid = pid, .annotations = c->annotations, .n_annotations = c->n_annotations};
}

static void encode_descriptors(const void *data, struct json_writer *json)
{
    (void)data;
    char link[] = "/proc/self/fd/0", target[PATH_MAX];
    json_begin_array(json, NULL);
    for (char *fd = strchr(link, '0'); *fd <= '2'; ++*fd) {
        ssize_t length = readlink(link, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        json_put_string(json, NULL, target);
    }
    json_end_array(json);
}

/* What the caller's standard fds are, as text that is a JSON array: where crun has it. */
static void put_descriptors(struct json_writer *json)
{
    auto_free char *text = NULL;
    size_t length;
    if (json_write_text(encode_descriptors, NULL, &text, &length) == 0)
        json_put_string(json, "external_descriptors", text);
}

static void put_state(const struct container *c, const struct oci_state *state, bool stored, struct json_writer *json)
{
    json_begin_object(json, NULL);
    state_encode(state, json);
    json_put_string(json, "created", c->created ? c->created : "");
    json_put_u64(json, "owner", c->owner);
    if (stored) {
        json_put_u64(json, "startTime", c->start_time);
        json_put_bool(json, "systemd", c->systemd);
        json_put_bool(json, "lateHooks", c->late_hooks);
        put_descriptors(json);
    }
    json_end_object(json);
}

int container_save(const struct container *container, const char *config)
{
    auto_free char *text = NULL; /* outlives the stream, which writes to it */
    size_t size = 0;
    auto_file stream = open_memstream(&text, &size);
    if (!stream)
        return fail(-ENOMEM, "write state");
    struct json_writer json = json_writer_compact(stream);
    struct oci_state state = container_state(container, NULL, container->pid);
    put_state(container, &state, true, &json);
    fflush(stream);
    const char *beside = arena_printf(container->arena, "%s/config.json", container->dir);
    auto_fd fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* nobody reads it before the other is there */
    int r = fd < 0 ? -errno : fd_write_all(fd, config, strlen(config));
    if (r < 0)
        return fail(r, "write %s", beside);
    const char *path = arena_printf(container->arena, "%s/state.json", container->dir);
    TRY(file_replace(AT_FDCWD, path, text, size, 0600));
    const char *status = arena_printf(container->arena, "%s/status", container->dir);
    return symlink("state.json", status) < 0 ? fail(-errno, "link %s", status) : 0;
}

int container_config(const struct container *container, struct config *config)
{
    auto_free char *text = NULL;
    const char *path = arena_printf(container->arena, "%s/config.json", container->dir);
    ssize_t size = file_read(AT_FDCWD, path, 16 << 20, &text);
    TRY((int)size);
    config->arena = container->arena;
    return config_decode(config, text, (size_t)size, path);
}

const char *container_cgroups_path(struct arena *arena, const char *id, const char *wanted, enum cgroup_manager manager)
{
    bool systemd = manager == MANAGER_SYSTEMD;
    if (wanted && *wanted)
        return systemd || *wanted == '/' ? wanted : arena_printf(arena, "/%s", wanted);
    return arena_printf(arena, systemd ? ":bocal:%s" : "/bocal-%s", id);
}

int container_cgroups(const struct container *container, char ***dirs)
{
    auto_free char *journal = NULL;
    size_t n = 0;
    *dirs = NULL;
    TRY((int)file_read(AT_FDCWD, arena_printf(container->arena, "%s/journal", container->dir), 1 << 20, &journal));
    char *rest = NULL;
    for (char *line = strtok_r(journal, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (text_after(line, "cgroup ") || text_after(line, "scope "))
            *LIST_ADD(container->arena, dirs, &n) = arena_strdup(container->arena, strchr(line, ' ') + 1);
    *LIST_ADD(container->arena, dirs, &n) = NULL;
    return 0;
}

/* The ids in DIR and below, each once. */
static void collect(struct arena *arena, const char *dir, int64_t **pids, size_t *n)
{
    auto_file procs = fopen(arena_printf(arena, "%s/cgroup.procs", dir), "re");
    for (long long pid; procs && fscanf(procs, "%lld", &pid) == 1;)
        *LIST_ADD(arena, pids, n) = pid;
    auto_dir d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_type == DT_DIR && *e->d_name != '.')
            collect(arena, arena_printf(arena, "%s/%s", dir, e->d_name), pids, n);
}

int container_pids(const struct container *container, int64_t **pids, size_t *n)
{
    char **dirs;
    TRY(container_cgroups(container, &dirs));
    if (!dirs[0])
        return refuse(-EOPNOTSUPP, "container %s has no cgroup of its own that would tell its processes", container->id);
    collect(container->arena, dirs[0], pids, n);
    return 0;
}

void container_print(const struct container *container, FILE *out)
{
    enum container_status status = container_status(container);
    struct json_writer json = json_writer_pretty(out);
    struct oci_state state = container_state(container, container_status_names[status], container_live_pid(container, status));
    put_state(container, &state, false, &json);
    putc('\n', out);
}

/* ---- the process ---- */

int container_pidfd(const struct container *container)
{
    return pidfd_open_same(container->pid, container->start_time);
}

/* What the container was made with is not the caller's, and entering one's own again is nothing to the kernel; but for
 * the user namespace, and for that of the time, by which plans go: a first process may have changed them. */
static bool is_foreign(const struct config *config, int kind)
{
    const struct ns_config *ns = &config->namespaces[kind];
    return ns->listed && !ns->path && kind != NS_USER && kind != NS_TIME;
}

static int look_failed(const struct container *container, const char *name, int error)
{
    fail(error, "container %s: look at its %s namespace", container->id, name);
    if (error == -EACCES)
        remedy(error, "before it is started it is hidden from all but root");
    return error;
}

int container_namespaces(const struct container *container, const struct config *config, uint64_t *namespaces)
{
    *namespaces = 0;
    for (int i = 0; i < NS_COUNT; i++) {
        char path[64];
        struct stat own, other;
        if (is_foreign(config, i)) {
            *namespaces |= ns_flags[i];
            continue;
        }
        snprintf(path, sizeof path, "/proc/self/ns/%s", ns_proc_names[i]);
        if (stat(path, &own) < 0)
            continue; /* no time namespaces in this kernel */
        snprintf(path, sizeof path, "/proc/%lld/ns/%s", (long long)container->pid, ns_proc_names[i]);
        if (stat(path, &other) < 0)
            return look_failed(container, ns_names[i], -errno);
        if (own.st_dev != other.st_dev || own.st_ino != other.st_ino)
            *namespaces |= ns_flags[i];
    }
    return 0;
}

int64_t container_live_pid(const struct container *container, enum container_status status)
{
    return status == CONTAINER_CREATING || status == CONTAINER_STOPPED ? 0 : container->pid;
}

enum container_status container_look(const struct container *container, int *pidfd, char ***cgroups)
{
    *pidfd = -1;
    *cgroups = NULL;
    if (!container->pid)
        return CONTAINER_CREATING;
    *pidfd = container_pidfd(container);
    if (*pidfd < 0)
        return CONTAINER_STOPPED;
    if (container_cgroups(container, cgroups) < 0)
        error_clear(); /* it is being deleted */
    const char *socket = arena_printf(container->arena, "%s/start", container->dir);
    if (access(socket, F_OK) == 0)
        return CONTAINER_CREATED;
    for (char **dir = *cgroups; dir && *dir; dir++)
        if (cgroup_is_frozen(*dir))
            return CONTAINER_PAUSED;
    return CONTAINER_RUNNING;
}

enum container_status container_status(const struct container *container)
{
    char **cgroups;
    int pidfd;
    enum container_status status = container_look(container, &pidfd, &cgroups);
    cleanup_fd(&pidfd);
    return status;
}
