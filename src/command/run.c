/* `bocal run`: words into options (run_table.c), a name into an image, and both into a container (engine/run.h). */
#include "command/run.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "command/pull.h"
#include "command/run_man.h"
#include "command/run_table.h"
#include "engine/places.h"
#include "engine/run.h"

#include <unistd.h>

/* ---- the image ---- */

/* Whether a registry may be asked for it. */
static bool can_pull(struct arena *arena, const struct run_options *o)
{
    struct reference name;
    bool is_name = reference_parse(arena, o->image, &name) == 0 && name.kind == REFERENCE_NAME;
    error_clear(); /* what is wrong with it is told when it is looked for */
    return is_name && o->pull != PULL_NEVER && o->dry_run == DRY_RUN_OFF;
}

/* What the wish's word then means: a short one may mean another. Whatever else was asked for is known to be possible first. */
static int pull(struct arena *arena, const struct run_options *o, struct image_wish *wish, struct run_image *image)
{
    struct image pulled;
    bool missing = o->pull != PULL_ALWAYS;
    TRY(engine_check(o));
    image->arrivals.arena = arena;
    int r = pull_image(arena, &(struct pull_options){.platform = o->platform, .arrivals = &image->arrivals}, o->image, &pulled);
    if (r < 0 && missing)
        return because(r, "image %.200s is not here%s%s", o->image, o->platform ? " for " : "", o->platform ? o->platform : "");
    TRY(r);
    wish->word = pulled.name ? pulled.name : pulled.digest;
    image->source = FROM_REGISTRY;
    return 0;
}

static int open_image(struct arena *arena, const struct run_options *o, struct run_image *image)
{
    struct places places;
    struct platform platform;
    TRY(places_find(arena, &places));
    int r = o->platform ? platform_parse(arena, o->platform, &platform) : 0;
    if (r < 0)
        return because(r, "--platform");
    struct image_wish wish = {.data = places.data, .word = o->image, .platform = o->platform ? &platform : NULL};
    bool pulls = can_pull(arena, o);
    r = pulls && o->pull == PULL_ALWAYS ? -ENOENT : run_image_open(arena, &wish, image);
    if (r != -ENOENT || !pulls)
        return r;
    error_clear();
    run_image_close(image);
    TRY(pull(arena, o, &wish, image));
    r = run_image_open(arena, &wish, image);
    image->word = o->image;
    return r;
}

/* ---- the verb ---- */

static int run_run(const struct call *call)
{
    struct run_options options;
    auto_arena arena = {0};
    auto_run_image image = NO_RUN_IMAGE;
    bool help, terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    TRY(run_parse(&arena, call->words, call->seed, terminal, &options, &help));
    if (help)
        return verb_help(&run_verb);
    if (options.image && !options.facts)
        TRY(open_image(&arena, &options, &image));
    return engine_run(&options, options.image ? &image : NULL);
}

const struct verb run_verb = {.set = &run_set, .prose = &run_prose, .run = run_run};
