#include "engine/hooks.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/hook.h"
#include "spec/config_decode.h"
#include "spec/state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int state_file(const struct container *c, const char *status)
{
    auto_free char *text = NULL; /* outlives the stream, which writes to it */
    size_t size = 0;
    auto_file stream = open_memstream(&text, &size);
    auto_fd fd = memfd_create("state", MFD_CLOEXEC);
    if (!stream || fd < 0)
        return -errno;
    struct json_writer json = json_writer_compact(stream);
    json_begin_object(&json, NULL);
    state_encode(&(struct oci_state){.oci_version = c->oci_version, .id = c->id, .bundle = c->bundle, .status = status,
                                     .pid = strcmp(status, "stopped") == 0 ? 0 : c->pid,
                                     .annotations = c->annotations, .n_annotations = c->n_annotations},
                 &json);
    json_end_object(&json);
    if (fflush(stream) != 0)
        return -errno;
    TRY(fd_write_all(fd, text, size));
    return take_fd(&fd);
}

int hooks_run(const struct config *config, enum hook_kind kind, const struct container *container, const char *status)
{
    const struct hook_list *hooks = &config->hooks[kind];
    struct hook_result result;
    int first = 0;
    if (!hooks->count)
        return 0;
    auto_fd state = state_file(container, status);
    for (size_t i = 0; i < hooks->count && (first == 0 || kind == HOOK_POSTSTOP); i++) {
        int r = state < 0 ? state : hook_run(&hooks->list[i], NULL, state, &result);
        if (r >= 0)
            continue;
        hook_describe(&hooks->list[i], &result, r);
        because(r, "%s", hooks->list[i].origin);
        first = first ? first : r;
    }
    return first;
}

int hooks_run_late(const struct container *container, enum hook_kind kind, const char *status)
{
    if (!container->late_hooks)
        return 0;
    struct config config = {.arena = container->arena};
    auto_free char *text = NULL;
    const char *path = arena_printf(container->arena, "%s/config.json", container->dir);
    ssize_t size = file_read(AT_FDCWD, path, 16 << 20, &text);
    TRY((int)size);
    TRY(config_decode(&config, text, (size_t)size, path));
    return hooks_run(&config, kind, container, status);
}
