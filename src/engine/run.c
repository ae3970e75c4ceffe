/* One container in the foreground, from options to exit status. Everything of policy is in
 * run_config.c, everything of order in runtime/plan_build.c; here is only the sequence: image,
 * configuration, facts, plan, and then either print it or walk it, supervise, and clean up.
 *
 * What an earlier bocal left behind because it was killed is swept first, whoever that was. */
#include "engine/run.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/console.h"
#include "engine/run_config.h"
#include "image/embedded.h"
#include "kernel/cgroup.h"
#include "kernel/seccomp.h"
#include "runtime/execute.h"
#include "runtime/facts.h"
#include "spec/config_encode.h"

#include <string.h>
#include <time.h>

struct places {
    char *state, *data, *cache;
};

/* DESIGN section 8: root's directories are the system's, a user's are XDG's. */
static int places_find(struct arena *arena, struct places *places)
{
    if (geteuid() == 0) {
        *places = (struct places){.state = "/run/bocal", .data = "/var/lib/bocal",
                                  .cache = "/var/cache/bocal"};
        return 0;
    }
    const char *run = getenv("XDG_RUNTIME_DIR"), *data = getenv("XDG_DATA_HOME");
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if ((!data || !cache) && (!home || *home != '/'))
        return refuse(-ENOENT, "HOME is not set (set it, or XDG_DATA_HOME and XDG_CACHE_HOME)");
    places->data = data && *data == '/' ? arena_printf(arena, "%s/bocal", data)
                                        : arena_printf(arena, "%s/.local/share/bocal", home);
    places->cache = cache && *cache == '/' ? arena_printf(arena, "%s/bocal", cache)
                                           : arena_printf(arena, "%s/.cache/bocal", home);
    places->state = run && *run == '/' && access(run, W_OK) == 0
                        ? arena_printf(arena, "%s/bocal", run)
                        : arena_printf(arena, "%s/state", places->data);
    return 0;
}

static bool is_dry(const struct run_options *options)
{
    return options->dry_run != DRY_RUN_OFF;
}
