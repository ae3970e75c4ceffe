/* Root has the places of the Filesystem Hierarchy Standard, everybody else his own. */
#include "engine/places.h"

#include "base/error.h"

#include <stdlib.h>
#include <unistd.h>

static const char *user_directory(struct arena *arena, const char *variable, const char *otherwise)
{
    const char *value = getenv(variable), *home = getenv("HOME");
    if (value && *value == '/')
        return arena_printf(arena, "%s/bocal", value);
    return home && *home == '/' ? arena_printf(arena, "%s/%s/bocal", home, otherwise) : NULL;
}

int places_find(struct arena *arena, struct places *places)
{
    const char *said = getenv("BOCAL_DATA");
    if (said && *said != '/')
        return refuse(-EINVAL, "BOCAL_DATA: %.200s is not an absolute path", said);
    if (geteuid() == 0) {
        *places = (struct places){.state = "/run/bocal", .data = said ? said : "/var/lib/bocal", .cache = "/var/cache/bocal"};
        return 0;
    }
    places->data = said ? said : user_directory(arena, "XDG_DATA_HOME", ".local/share");
    places->cache = user_directory(arena, "XDG_CACHE_HOME", ".cache");
    if (!places->data || !places->cache)
        return refuse(-ENOENT, "there is no place for images: HOME is not set (set it, or XDG_DATA_HOME "
                               "and XDG_CACHE_HOME)");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    places->state = runtime && *runtime == '/' && access(runtime, W_OK | X_OK) == 0
                        ? arena_printf(arena, "%s/bocal", runtime)
                        : arena_printf(arena, "%s/state", places->data);
    return 0;
}
