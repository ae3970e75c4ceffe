#include "engine/container.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/process.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/sys.h"
#include "spec/config_fields.h"

#include <string.h>

const char *const container_status_names[] = {
    [CONTAINER_CREATING] = "creating", [CONTAINER_CREATED] = "created",
    [CONTAINER_RUNNING] = "running",   [CONTAINER_PAUSED] = "paused",
    [CONTAINER_STOPPED] = "stopped",
};

int container_check_id(const char *id)
{
    enum { LONGEST = 1024 };
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
    if (!*id || strlen(id) > LONGEST || strspn(id, allowed) != strlen(id) || text_equal(id, ".") ||
        text_equal(id, ".."))
        return refuse(-EINVAL, "container id %.64s: letters, digits and _+-. only", id);
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
    {"annotations", read_annotations, 0},
    {0},
};

int container_load(struct arena *arena, const char *root, const char *id, struct container *container)
{
    TRY(container_check_id(id));
    *container = (struct container){.arena = arena, .id = id, .dir = arena_printf(arena, "%s/%s", root, id)};
    if (access(container->dir, F_OK) < 0)
        return errno == ENOENT ? refuse(-ENOENT, "container %s does not exist", id)
                               : fail(-errno, "open %s", container->dir);
    const char *path = arena_printf(arena, "%s/state.json", container->dir);
    auto_free char *text = NULL;
    ssize_t size = access(path, F_OK) < 0 ? 0 : file_read(AT_FDCWD, path, 1 << 20, &text);
    if (size <= 0)
        return (int)size;
    return json_read(arena, text, (size_t)size, path, fields, container);
}

static void put_state(const struct container *c, struct json_writer *json, bool stored)
{
    enum container_status status = stored ? CONTAINER_CREATED : container_status(c);
    bool has_process = status != CONTAINER_CREATING && status != CONTAINER_STOPPED;
    json_begin_object(json, NULL);
    json_put_string(json, "ociVersion", c->oci_version ? c->oci_version : "1.3.0");
    json_put_string(json, "id", c->id);
    if (!stored)
        json_put_string(json, "status", container_status_names[status]);
    json_put_i64(json, "pid", has_process ? c->pid : 0);
    json_put_string(json, "bundle", c->bundle ? c->bundle : "");
    if (stored)
        json_put_u64(json, "startTime", c->start_time);
    json_put_string(json, "created", c->created ? c->created : "");
    json_put_u64(json, "owner", c->owner);
    json_begin_object(json, "annotations");
    for (size_t i = 0; i < c->n_annotations; i++)
        json_put_string(json, c->annotations[i].key, c->annotations[i].value);
    json_end_object(json);
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
    put_state(container, &json, true);
    fflush(stream);
    const char *beside = arena_printf(container->arena, "%s/config.json", container->dir);
    TRY(file_replace(AT_FDCWD, beside, config, strlen(config), 0600));
    const char *path = arena_printf(container->arena, "%s/state.json", container->dir);
    return file_replace(AT_FDCWD, path, text, size, 0600);
}

int container_cgroups(const struct container *container, char ***dirs)
{
    auto_free char *journal = NULL;
    size_t n = 0;
    *dirs = NULL;
    TRY((int)file_read(AT_FDCWD, arena_printf(container->arena, "%s/journal", container->dir), 1 << 20, &journal));
    char *rest = NULL;
    for (char *line = strtok_r(journal, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (text_after(line, "cgroup "))
            *LIST_ADD(container->arena, dirs, &n) = arena_strdup(container->arena, text_after(line, "cgroup "));
    *LIST_ADD(container->arena, dirs, &n) = NULL;
    return 0;
}

void container_print(const struct container *container, FILE *out)
{
    struct json_writer json = json_writer_pretty(out);
    put_state(container, &json, false);
    putc('\n', out);
}

/* ---- the process ---- */

/* The pidfd first, then the start time: so it cannot change hands in between. */
int container_pidfd(const struct container *container)
{
    uint64_t start_time = 0;
    char state = 0;
    auto_fd fd = container->pid > 0 ? sys_pidfd_open((pid_t)container->pid) : -ESRCH;
    if (fd < 0)
        return -ESRCH;
    if (process_stat(container->pid, &start_time, &state) < 0 || start_time != container->start_time ||
        state == 'Z' || state == 'X')
        return -ESRCH;
    return take_fd(&fd);
}

enum container_status container_status(const struct container *container)
{
    if (!container->pid)
        return CONTAINER_CREATING;
    auto_fd fd = container_pidfd(container);
    if (fd < 0)
        return CONTAINER_STOPPED;
    const char *socket = arena_printf(container->arena, "%s/start", container->dir);
    if (access(socket, F_OK) == 0)
        return CONTAINER_CREATED;
    char **dirs;
    if (container_cgroups(container, &dirs) < 0)
        error_clear(); /* it is being deleted */
    for (size_t i = 0; dirs && dirs[i]; i++)
        if (cgroup_is_frozen(dirs[i]))
            return CONTAINER_PAUSED;
    return CONTAINER_RUNNING;
}
