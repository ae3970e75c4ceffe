#include "engine/container.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "spec/config_fields.h"

#include <string.h>

const char *const container_status_names[] = {
    [CONTAINER_CREATING] = "creating", [CONTAINER_CREATED] = "created",
    [CONTAINER_RUNNING] = "running",   [CONTAINER_STOPPED] = "stopped",
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
    bool has_process = status == CONTAINER_CREATED || status == CONTAINER_RUNNING;
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

int container_save(const struct container *container)
{
    auto_free char *text = NULL; /* outlives the stream, which writes to it */
    size_t size = 0;
    auto_file stream = open_memstream(&text, &size);
    if (!stream)
        return fail(-ENOMEM, "write state");
    struct json_writer json = json_writer_compact(stream);
    put_state(container, &json, true);
    fflush(stream);
    const char *path = arena_printf(container->arena, "%s/state.json", container->dir);
    return file_replace(AT_FDCWD, path, text, size, 0600);
}

void container_print(const struct container *container, FILE *out)
{
    struct json_writer json = json_writer_pretty(out);
    put_state(container, &json, false);
    putc('\n', out);
}

/* ---- the process ---- */

/* proc_pid_stat(5): "PID (COMM) STATE ..."; COMM may hold blanks and brackets, so from the last bracket on. */
int process_stat(int64_t pid, uint64_t *start_time, char *state)
{
    enum { START_TIME = 22, STATE = 3 };
    char path[48], text[1024];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0)
        return -ESRCH;
    text[n] = '\0';
    char *rest = strrchr(text, ')'), *save = NULL;
    int number = STATE;
    for (char *word = rest ? strtok_r(rest + 1, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save), number++) {
        if (number == STATE)
            *state = *word;
        if (number == START_TIME)
            return text_to_u64(word, UINT64_MAX, start_time);
    }
    return -ESRCH;
}

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
    return access(socket, F_OK) == 0 ? CONTAINER_CREATED : CONTAINER_RUNNING;
}
