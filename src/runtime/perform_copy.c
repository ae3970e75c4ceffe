/* A root without an overlay: what the layers come to, copied into a directory of the container's own, which its journal has.
 * By INIT, whose ids the files get; or by HOST, where they keep those on disk and are mapped by a mount. Nothing here allocates. */
#include "runtime/perform.h"

#include "base/cleanup.h"
#include "base/merge.h"

#include <errno.h>
#include <fcntl.h>

static int open_directory(int dir, const char *path)
{
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int copy_layers(struct execution *x, const struct step *step)
{
    const struct copy_spec *spec = step->data;
    struct layers *layers = &x->layers;
    for (size_t i = 0; spec->lowers[i]; i++) {
        int layer = i == MAX_LAYERS ? -E2BIG : open(spec->lowers[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (layer < 0)
            return i == MAX_LAYERS ? layer : -errno;
        layers->fds[layers->count++] = layer;
    }
    auto_fd container = open(spec->container, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (container < 0)
        return -errno;
    auto_fd to = open_directory(container, "upper");
    auto_fd links = open_directory(container, "work");
    if (to < 0 || links < 0)
        return to < 0 ? to : links;
    int r = layers_merge(&(struct merge){.layers = layers->fds, .count = layers->count, .model = spec->model, .opaque = spec->opaque,
                                         .to = to, .links = links});
    layers_close(layers);
    return r;
}
