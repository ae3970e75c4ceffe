/* `bocal run`: words into options (run_table.c), options into a container (engine/run.h). */
#include "command/run.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "command/pull.h"
#include "command/run_man.h"
#include "command/run_table.h"
#include "engine/places.h"
#include "engine/run.h"

#include <unistd.h>

/* The image that is to be run is here, or comes now. Everything else that is wrong with its name is told when it is opened. */
static int get_image(struct arena *arena, struct run_options *o)
{
    struct places places;
    struct image image;
    struct reference name;
    if (!o->image || o->pull == PULL_NEVER || o->dry_run != DRY_RUN_OFF)
        return 0;
    TRY(reference_parse(arena, o->image, &name));
    TRY(places_find(arena, &places));
    auto_store store = {.fd = -1, .blobs = -1};
    int r = store_look(arena, places.data, &store);
    if (r == 0 && o->pull == PULL_MISSING)
        r = store_find(&store, o->image, &image);
    if (name.kind != REFERENCE_NAME || (r != -ENOENT && o->pull == PULL_MISSING)) {
        error_clear();
        return 0;
    }
    error_clear();
    r = pull_image(arena, &(struct pull_options){.quiet = false}, o->image, &image);
    if (r < 0)
        return o->pull == PULL_MISSING ? because(r, "image %.200s is not here", o->image) : r;
    o->image = image.name; /* what a short word means may be another */
    return 0;
}

static int run_run(const struct call *call)
{
    struct run_options options;
    auto_arena arena = {0};
    bool help, terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    TRY(run_parse(&arena, call->words, call->seed, terminal, &options, &help));
    if (help)
        return verb_help(&run_verb);
    TRY(get_image(&arena, &options));
    return engine_run(&options);
}

const struct verb run_verb = {.set = &run_set, .prose = &run_prose, .run = run_run};
