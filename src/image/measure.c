#include "image/measure.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/usage.h"
#include "image/program.h"
#include "runtime/userns.h"

#include <fcntl.h>

static int hear(struct json_object *object, void *bytes)
{
    *(uint64_t *)bytes = json_number_of(object, "bytes");
    return 0;
}

static int measure_inside(const struct store *store, const char *path, int userns, uint64_t *bytes)
{
    auto_fd dir = openat(store->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return fail(-errno, "measure %s/%s", store->dir, path);
    return program_run(store->arena,
                       &(struct program_call){.name = "bocal-archive", .words = (const char *[]){"usage", "--userns", "4", NULL},
                                              .input = -1, .output = -1, .fds = (int[]){dir, userns}, .n_fds = 2},
                       hear, bytes);
}

int store_measure(const struct store *store, const char *path, uint64_t *bytes)
{
    auto_usage usage = {0};
    int r = usage_add(&usage, store->fd, path);
    if (r < 0)
        return fail(r, "measure %s/%s", store->dir, path);
    *bytes = usage.bytes;
    if (!usage.closed || geteuid() == 0)
        return 0;
    auto_fd userns = userns_of_caller(store->arena);
    if (userns >= 0)
        return measure_inside(store, path, userns, bytes);
    return userns == -ENOENT ? 0 : userns; /* with one id nobody sees more */
}

uint64_t store_measured(const struct store *store, const char *path)
{
    uint64_t bytes = 0;
    if (store_measure(store, path, &bytes) == 0)
        return bytes;
    error_clear();
    return 0;
}

int store_measure_one(const struct store *store, const char *path, uint64_t *bytes)
{
    auto_usage usage = {0};
    int r = usage_add_one(&usage, store->fd, path);
    *bytes = usage.bytes;
    return r < 0 ? fail(r, "measure %s/%s", store->dir, path) : 0;
}
