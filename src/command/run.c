/* `bocal run`: words into options (run_table.c), a name into an image, and both into a container (engine/run.h). */
#include "command/run.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "command/load.h"
#include "command/pull.h"
#include "command/run_man.h"
#include "command/run_table.h"
#include "engine/places.h"
#include "engine/run.h"

#include <unistd.h>

/* ---- the image ---- */

/* What the wish's word then means: a short one may mean another. Whatever else was asked for is known to be possible first. */
static int pull(struct arena *arena, const struct run_options *o, struct image_wish *wish, struct run_image *image)
{
    struct image pulled;
    bool missing = o->pull == PULL_MISSING;
    TRY(engine_check(o));
    image->arrivals.arena = arena;
    int r = pull_image(arena, &(struct pull_options){.platform = o->platform, .newer = o->pull == PULL_NEWER, .arrivals = &image->arrivals}, o->image, &pulled);
    if (r < 0 && missing)
        return because(r, "image %.200s is not here%s%s", o->image, o->platform ? " for " : "", o->platform ? o->platform : "");
    TRY(r);
    wish->word = pulled.name ? pulled.name : pulled.digest;
    image->source = FROM_REGISTRY;
    return 0;
}

/* An archive's image becomes one of the store, as `bocal load` makes it. */
static int load(struct arena *arena, const struct run_options *o, const struct reference *from, struct image_wish *wish,
                struct run_image *image)
{
    struct loaded_image *list;
    size_t count;
    if (o->dry_run != DRY_RUN_OFF)
        return refuse(-EINVAL, "--dry-run: %.200s would have to be loaded (bocal load)", o->image);
    if (from->kind == REFERENCE_INPUT && (o->interactive || o->tty))
        return refuse(-EINVAL, "standard input is the archive, and cannot be the command's (leave out --interactive and --tty)");
    TRY(engine_check(o));
    image->arrivals.arena = arena;
    TRY(load_images(arena, &(struct load_request){.from = *from, .single = true, .arrivals = &image->arrivals}, &list, &count));
    wish->word = *list->names ? *list->names : list->image.digest;
    image->source = FROM_ARCHIVE;
    return 0;
}

/* Where it has to come from, if it has to come: 1 when it has. */
static int get_image(struct arena *arena, const struct run_options *o, struct image_wish *wish, struct run_image *image)
{
    struct reference name;
    bool parsed = reference_parse(arena, o->image, &name) == 0;
    error_clear(); /* what is wrong with it is told when it is looked for */
    if (parsed && load_can(&name)) {
        TRY(load(arena, o, &name, wish, image));
        return 1;
    }
    bool pulls = parsed && name.kind == REFERENCE_NAME && o->pull != PULL_NEVER && o->dry_run == DRY_RUN_OFF;
    int r = pulls && o->pull != PULL_MISSING ? -ENOENT : run_image_open(arena, wish, image);
    if (r != -ENOENT || !pulls)
        return r;
    error_clear();
    run_image_close(image);
    TRY(pull(arena, o, wish, image));
    return 1;
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
    r = get_image(arena, o, &wish, image);
    if (r > 0)
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
    if (options.platform && !options.image)
        return refuse(-EINVAL, "--platform %.100s: only an IMAGE has a choice of platforms (leave it out)", options.platform);
    if (options.image && !options.facts)
        TRY(open_image(&arena, &options, &image));
    return engine_run(&options, options.image ? &image : NULL);
}

const struct verb run_verb = {.set = &run_set, .prose = &run_prose, .run = run_run};
