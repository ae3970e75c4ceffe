/* `bocal image`: what is done with the store as a whole. */
#include "command/image.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/progress.h"
#include "command/prune.h"
#include "engine/image.h"
#include "engine/places.h"
#include "image/mounts.h"
#include "image/repair.h"

#include <stdio.h>

struct image_options {
    struct prune_options prune; /* first: its rows say where */
    bool repair;
};

static const struct option options[] = {
    PRUNE_OPTIONS("Options of prune and unmount", "; all that are mounted", "; unmount what somebody works in, too"),
    {.group = "Options of verify", .name = "repair", .kind = OPTION_FLAG, .offset = offsetof(struct image_options, repair),
     .help = "remove what is not right, and unpack anew what can be"}};

static const struct option_set set = {
    .program = "bocal",
    .verb = "image",
    .synopsis = "verify | prune | mount [IMAGE] | unmount IMAGE...",
    .summary = "verify the store of images, remove what nobody needs, or mount an image",
    .operands = (const char *const[]){"verify", "prune", "mount", "unmount", NULL},
    .options = options,
    .count = COUNT(options),
};

static const struct option_section after[] = {
    {"WHAT IT DOES",
     "*verify*\n\tReads every image, every blob and every unpacked file: digests and diffIDs have to be right, and layers as\n"
     "\tthey were unpacked: names, modes, owners, times, attributes, contents. That takes as long as reading it all.\n"
     "\t*--repair*: a layer that is not right is removed, and unpacked anew from its blob; so is a blob, which the next pull or\n"
     "\tload of its image brings again. A layer that a container or a mount uses stays, and that is said. The exit status is 0\n"
     "\twhen nothing wrong is left.\n\n"
     "*prune*\n\tAs *bocal-prune*(1), of images alone.\n\n"
     "*mount* _IMAGE_\n\tMounts it, read-only, without devices and set-id bits, and prints where; root only. What is mounted\n"
     "\tstays until it is unmounted, and is not removed. Without _IMAGE_: what is mounted.\n\n"
     "*unmount* _IMAGE_...\n\tTakes that back, also by where it is mounted. *--force*: although somebody works in it.\n"},
    {NULL, NULL},
};
static const struct option_prose prose = {.after = after};

struct request {
    const struct store *store;
    const struct image_options *options;
    char **words; /* behind the action's */
};

struct faults {
    struct arena *arena;
    struct fault *list;
    size_t count;
};

static void print_fault(const struct fault *fault, void *data)
{
    struct faults *faults = data;
    printf("%s: %s\n", text_disarmed(faults->arena, fault->what), text_disarmed(faults->arena, fault->sentence));
    *LIST_ADD(faults->arena, &faults->list, &faults->count) = *fault;
}

static void print_repair(const struct fault *fault, const char *sentence, void *data)
{
    printf("%s %s\n", text_disarmed(data, fault->what), sentence);
}

static int repair(struct arena *arena, const struct store *store, const struct layer_owners *owners, const struct faults *faults)
{
    size_t left;
    int r = store_repair(store, owners, faults->list, faults->count, print_repair, arena, &left);
    if (r == -EBUSY && !*error_text())
        return refuse(r, "images are being added, saved or verified: nothing was repaired (try again)");
    TRY(r);
    if (left)
        return refuse(-EBADMSG, "%zu of %zu fault%s left", left, faults->count, faults->count == 1 ? " is" : "s are");
    printf("repaired: all that was wrong\n");
    return 0;
}

static int verify(struct arena *arena, const struct request *request)
{
    struct verification result = {0};
    struct faults faults = {.arena = arena};
    auto_owners owners = {.userns = -1};
    TRY(verb_ends(request->words));
    if (request->store->blobs >= 0) {
        TRY(layer_owners_choose(arena, &owners));
        TRY(store_verify(request->store, &owners, print_fault, &faults, &result));
    }
    if (faults.count && request->options->repair)
        return repair(arena, request->store, &owners, &faults);
    if (result.faults)
        return refuse(-EBADMSG, "%zu fault%s in %zu images, %zu blobs and %zu layers", result.faults, result.faults == 1 ? "" : "s",
                      result.images, result.blobs, result.layers);
    printf("%zu images, %zu blobs and %zu layers are sound\n", result.images, result.blobs, result.layers);
    return 0;
}

static int prune(struct arena *arena, const struct request *request)
{
    uint64_t freed = 0;
    TRY(verb_ends(request->words));
    TRY(prune_images(request->store, &request->options->prune, &freed));
    printf("freed %s\n", size_text(arena, freed));
    return 0;
}

/* ---- mounts ---- */

static int print_mounts(struct arena *arena, const struct store *store)
{
    struct image_mount *mounts = NULL;
    size_t count = 0;
    if (store->fd >= 0)
        TRY(image_mounts(store, &mounts, &count));
    for (size_t i = 0; i < count; i++)
        printf("%s  %s\n", text_disarmed(arena, mounts[i].name), mounts[i].point);
    return 0;
}

static int mount_image(struct arena *arena, const struct request *request)
{
    struct places places;
    struct run_image image = NO_RUN_IMAGE;
    const char *point;
    if (!*request->words)
        return print_mounts(arena, request->store);
    TRY(verb_ends(request->words + 1));
    if (geteuid() != 0)
        return refuse(-EPERM, "only root mounts images for all to see (bocal run %.80s COMMAND looks into it)", *request->words);
    TRY(places_find(arena, &places));
    int r = run_image_open(arena, &(struct image_wish){.data = places.data, .word = *request->words, .looked_at = true}, &image);
    auto_fd adding = r < 0 ? -1 : store_hold(&image.store, false, false); /* its layers are held: they are not collected before */
    if (r == 0)
        r = adding < 0 ? adding : image_mount(&image.store, &image.content, places.state, &point);
    run_image_close(&image);
    TRY(r);
    puts(point);
    return 0;
}

/* By its name, or by where it is mounted. */
static int find_mount(const struct store *store, const struct image_mount *mounts, size_t count, const char *word, size_t *found)
{
    struct image image;
    for (size_t i = 0; i < count; i++)
        if (text_equal(mounts[i].point, word) || text_equal(mounts[i].name, word) || text_equal(mounts[i].image, word)) {
            *found = i;
            return 0;
        }
    TRY(store_find(store, word, &image));
    const struct image_mount *mount = image_mount_find(mounts, count, image.digest);
    *found = mount ? (size_t)(mount - mounts) : 0;
    return mount ? 0 : refuse(-EINVAL, "image %.200s is not mounted (bocal image mount lists what is)", word);
}

static int unmount_images(struct arena *arena, const struct request *request)
{
    const struct prune_options *o = &request->options->prune;
    struct image_mount *mounts = NULL;
    size_t count = 0, found;
    (void)arena;
    if (!*request->words && !o->all)
        return refuse(-EINVAL, "an image is wanted, or --all (bocal image mount lists what is mounted)");
    if (request->store->fd >= 0)
        TRY(image_mounts(request->store, &mounts, &count));
    if (!count && *request->words)
        return refuse(-EINVAL, "image %.200s is not mounted: none is", *request->words);
    for (size_t i = 0; i < count && o->all; i++)
        TRY(image_unmount(request->store, &mounts[i], o->force));
    for (char **word = request->words; *word && !o->all; word++) {
        TRY(find_mount(request->store, mounts, count, *word, &found));
        TRY(image_unmount(request->store, &mounts[found], o->force));
        puts(mounts[found].point);
    }
    return 0;
}

static const struct action {
    const char *word;
    int (*run)(struct arena *arena, const struct request *request);
    bool all, filters, repair; /* which options it has; --force goes with --all */
} actions[] = {
    {"verify", verify, false, false, true},
    {"prune", prune, true, true, false},
    {"mount", mount_image, false, false, false},
    {"unmount", unmount_images, true, false, false},
};

static int act(struct arena *arena, const struct action *action, const struct image_options *o, char **words)
{
    auto_store store = {.fd = -1, .blobs = -1};
    if ((!action->all && (o->prune.all || o->prune.force)) || (!action->filters && o->prune.filters.count) || (!action->repair && o->repair))
        return refuse(-EINVAL, "%s has no such option", action->word);
    TRY(caller_store_look(arena, NULL, &store)); /* where there is none, there is nothing in it */
    return action->run(arena, &(struct request){&store, o, words});
}

static int image_run(const struct call *call)
{
    struct image_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&image_verb);
    char **rest = call->words + used;
    for (size_t i = 0; i < COUNT(actions) && *rest; i++)
        if (text_equal(actions[i].word, *rest))
            return act(&arena, &actions[i], &o, rest + 1);
    return refuse(-EINVAL, "%.80s: none of verify, prune, mount, unmount", *rest && **rest ? *rest : "(nothing)");
}

const struct verb image_verb = {.set = &set, .prose = &prose, .run = image_run};
