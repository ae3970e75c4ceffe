/* An ordinary user cannot remove what belongs to the ids of his containers; bocal-archive can, in their user namespace. */
#include "image/remove.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "image/program.h"
#include "runtime/userns.h"

#include <fcntl.h>

static int remove_inside(const struct store *store, const char *path)
{
    auto_fd dir = openat(store->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return fail(-errno, "remove %s/%s", store->dir, path);
    auto_fd userns = userns_of_caller(store->arena);
    if (userns < 0)
        return userns == -ENOENT ? refuse(-EACCES, "remove %s/%s: it has files of other ids", store->dir, path) : userns;
    return program_run(store->arena,
                       &(struct program_call){.name = "bocal-archive", .words = (const char *[]){"remove", "--userns", "4", NULL},
                                              .input = -1, .output = -1, .fds = (int[]){dir, userns}, .n_fds = 2},
                       NULL, NULL);
}

int store_remove(const struct store *store, const char *path)
{
    int r = tree_remove(store->fd, path);
    if ((r != -EACCES && r != -EPERM) || geteuid() == 0)
        return r;
    error_clear();
    TRY(remove_inside(store, path));
    return tree_remove(store->fd, path);
}
