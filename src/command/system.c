/* `bocal system df`: what takes room on disk. */
#include "command/system.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/text.h"
#include "command/progress.h"
#include "engine/disk.h"
#include "engine/image.h"

#include <stdio.h>

enum system_format { FORMAT_TABLE, FORMAT_JSON };

struct system_options {
    enum system_format format;
    bool verbose;
};

static const char *const format_words[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};

static const struct option options[] = {
    {.group = "Options",
     .name = "format", .kind = OPTION_CHOICE, .metavar = "table|json", .words = format_words, .value = VALUE_WORDS,
     .offset = offsetof(struct system_options, format), .help = "how to print it"},
    {.name = "verbose", .letter = 'v', .kind = OPTION_FLAG, .offset = offsetof(struct system_options, verbose),
     .help = "each image, layer and container, too"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "system",
    .synopsis = "df",
    .summary = "print what takes room on disk",
    .operands = (const char *const[]){"df", NULL},
    .options = options,
    .count = COUNT(options),
};

static const struct option_section after[] = {
    {"WHAT IS PRINTED",
     "What is on disk, in blocks, as *du*(1) counts it: the sum is what it says of the directory.\n\n"
     "*images*\n\tEntries of the index.\n\n"
     "*blobs*, *layers*\n\tWhat images consist of, as it was packed, and as it was unpacked.\n\n"
     "*containers*\n\tWhat containers have written.\n\n"
     "*embedded*\n\tThe image inside the executable, unpacked.\n\n"
     "*ingest*\n\tWhat is being made, or was left by who was killed.\n\n"
     "*other*\n\tDirectories, the index, locks.\n\n"
     "ACTIVE is what is needed by images that a container or a mount uses, and RECLAIMABLE what\n"
     "*bocal prune --all* would remove. Neither is known while something is being added, saved or verified.\n"},
    {NULL, NULL},
};
static const struct option_prose prose = {.after = after};

static size_t active_of(const struct disk_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->count; i++)
        n += list->items[i].active;
    return n;
}

static size_t active_images(const struct disk_use *use)
{
    size_t n = 0;
    for (size_t i = 0; i < use->n_images; i++)
        n += use->images[i].active;
    return n;
}

struct sums {
    uint64_t bytes, reclaimable;
};

static struct sums sums_of(const struct disk_use *use)
{
    struct sums sums = {.bytes = use->other};
    for (size_t i = 0; i < DISK_KINDS; i++) {
        sums.bytes += disk_bytes(&use->lists[i]);
        sums.reclaimable += disk_reclaimable(&use->lists[i]);
    }
    return sums;
}

/* ---- as a table ---- */

static void print_items(struct arena *arena, const char *title, const struct disk_list *list)
{
    printf("\n%-64s  %-9s  %s\n", title, "SIZE", "ACTIVE");
    for (size_t i = 0; i < list->count; i++)
        printf("%-64s  %-9s  %s\n", text_disarmed(arena, list->items[i].name), size_text(arena, list->items[i].bytes),
               list->items[i].active ? "yes" : "no");
}

static void print_images(struct arena *arena, const struct disk_use *use)
{
    printf("\n%-48s  %-12s  %-9s  %-9s  %s\n", "IMAGE", "DIGEST", "BLOBS", "LAYERS", "ACTIVE");
    for (size_t i = 0; i < use->n_images; i++) {
        const struct disk_image *image = &use->images[i];
        printf("%-48s  %-12.12s  %-9s  %-9s  %s\n", text_disarmed(arena, image->image->name ? image->image->name : "<none>"),
               digest_hex(image->image->digest), size_text(arena, image->blobs), size_text(arena, image->layers),
               image->active ? "yes" : "no");
    }
}

static const char *number_text(struct arena *arena, bool known, size_t number)
{
    return known ? arena_printf(arena, "%zu", number) : "-";
}

static void print_table(struct arena *arena, const struct disk_use *use, bool verbose)
{
    struct sums sums = sums_of(use);
    printf("%-11s  %-6s  %-6s  %-9s  %s\n", "TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE");
    printf("%-11s  %-6zu  %-6s  %-9s  %s\n", "images", use->n_images, number_text(arena, use->known, active_images(use)), "-", "-");
    for (size_t i = 0; i < DISK_KINDS; i++) {
        const struct disk_list *list = &use->lists[i];
        printf("%-11s  %-6zu  %-6s  %-9s  %s\n", disk_names[i], list->count, number_text(arena, use->known, active_of(list)),
               size_text(arena, disk_bytes(list)), use->known ? size_text(arena, disk_reclaimable(list)) : "-");
    }
    printf("%-11s  %-6s  %-6s  %-9s  %s\n", "other", "-", "-", size_text(arena, use->other), "-");
    printf("%-11s  %-6s  %-6s  %-9s  %s\n", "all", "-", "-", size_text(arena, sums.bytes),
           use->known ? size_text(arena, sums.reclaimable) : "-");
    if (!verbose)
        return;
    print_images(arena, use);
    print_items(arena, "LAYER", &use->lists[DISK_LAYERS]);
    print_items(arena, "CONTAINER", &use->lists[DISK_CONTAINERS]);
}

/* ---- as JSON ---- */

static void put_list(struct json_writer *json, const struct disk_use *use, enum disk_kind kind, bool verbose)
{
    const struct disk_list *list = &use->lists[kind];
    json_begin_object(json, disk_names[kind]);
    json_put_u64(json, "total", list->count);
    json_put_u64(json, "bytes", disk_bytes(list));
    if (use->known) {
        json_put_u64(json, "active", active_of(list));
        json_put_u64(json, "reclaimable", disk_reclaimable(list));
    }
    if (verbose) {
        json_begin_array(json, "items");
        for (size_t i = 0; i < list->count; i++) {
            json_begin_object(json, NULL);
            json_put_string(json, "name", list->items[i].name);
            json_put_u64(json, "bytes", list->items[i].bytes);
            if (use->known)
                json_put_bool(json, "active", list->items[i].active);
            json_end_object(json);
        }
        json_end_array(json);
    }
    json_end_object(json);
}

static void put_images(struct json_writer *json, const struct disk_use *use)
{
    json_begin_array(json, "items");
    for (size_t i = 0; i < use->n_images; i++) {
        const struct disk_image *image = &use->images[i];
        json_begin_object(json, NULL);
        if (image->image->name)
            json_put_string(json, "name", image->image->name);
        json_put_string(json, "digest", image->image->digest);
        json_put_u64(json, "blobs", image->blobs);
        json_put_u64(json, "layers", image->layers);
        if (use->known)
            json_put_bool(json, "active", image->active);
        json_end_object(json);
    }
    json_end_array(json);
}

static void print_json(const struct disk_use *use, const char *directory, bool verbose)
{
    struct sums sums = sums_of(use);
    struct json_writer json = json_writer_pretty(stdout);
    json_begin_object(&json, NULL);
    json_put_string(&json, "directory", directory);
    json_begin_object(&json, "images");
    json_put_u64(&json, "total", use->n_images);
    if (use->known)
        json_put_u64(&json, "active", active_images(use));
    if (verbose)
        put_images(&json, use);
    json_end_object(&json);
    for (enum disk_kind kind = 0; kind < DISK_KINDS; kind++)
        put_list(&json, use, kind, verbose);
    json_put_u64(&json, "other", use->other);
    json_put_u64(&json, "bytes", sums.bytes);
    if (use->known)
        json_put_u64(&json, "reclaimable", sums.reclaimable);
    json_end_object(&json);
    putchar('\n');
}

static int df(struct arena *arena, const struct system_options *o)
{
    struct disk_use use = {.known = true};
    struct places places;
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(places_find(arena, &places));
    TRY(caller_store_look(arena, NULL, &store));
    if (store.fd >= 0)
        TRY(disk_measure(&store, &places, &use));
    if (o->format == FORMAT_JSON)
        print_json(&use, places.data, o->verbose);
    else
        print_table(arena, &use, o->verbose);
    return 0;
}

static int system_run(const struct call *call)
{
    struct system_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&system_verb);
    char **rest = call->words + used;
    if (!*rest || !text_equal(*rest, "df"))
        return refuse(-EINVAL, "%.80s: not df, which is all that there is", *rest ? *rest : "(nothing)");
    TRY(verb_ends(rest + 1));
    return df(&arena, &o);
}

const struct verb system_verb = {.set = &set, .prose = &prose, .run = system_run};
