/* A journal that nobody holds a lock on is undone, as every `bocal run` does. What a container wrote and no journal tells of is
 * of before the last boot, which empties the journals' directory; or of a user whose XDG_RUNTIME_DIR was another, and then it may
 * be in use. So it goes only when its directory was made before the system was booted. */
#include "engine/leftovers.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "image/measure.h"
#include "image/remove.h"
#include "runtime/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

struct removing {
    const struct store *store;
    const struct places *places;
    time_t booted;
};

static int remove_old(int dir, const char *name, unsigned char type, void *data)
{
    struct removing *r = data;
    struct arena *arena = r->store->arena;
    struct stat st;
    (void)type;
    const char *path = arena_printf(arena, "containers/%s", name);
    bool known = access(arena_printf(arena, "%s/%s", r->places->state, name), F_OK) == 0;
    if (known || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_mtim.tv_sec >= r->booted)
        return 0;
    return store_remove(r->store, path);
}

static time_t boot_time(void)
{
    enum { CLOCK_SLACK = 60 };
    struct timespec up;
    clock_gettime(CLOCK_BOOTTIME, &up);
    return time(NULL) - up.tv_sec - CLOCK_SLACK;
}

int leftovers_remove(const struct store *store, const struct places *places, uint64_t *freed)
{
    struct removing removing = {.store = store, .places = places, .booted = boot_time()};
    uint64_t before = 0, after = 0;
    if (faccessat(store->fd, "containers", F_OK, 0) < 0)
        return 0;
    TRY(store_measure(store, "containers", &before));
    journal_sweep(places->state);
    auto_fd dir = openat(store->fd, "containers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return fail(-errno, "open %s/containers", store->dir);
    TRY(dir_each(dir, remove_old, &removing));
    TRY(store_measure(store, "containers", &after));
    *freed += before > after ? before - after : 0;
    return 0;
}
