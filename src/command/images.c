/* `bocal images`: what is in the store. */
#include "command/images.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/text.h"
#include "command/progress.h"
#include "engine/image.h"
#include "image/content.h"
#include "image/filter.h"

#include <stdio.h>

enum images_format { FORMAT_TABLE, FORMAT_JSON };
enum images_sort { SORT_NONE, SORT_NAME, SORT_CREATED, SORT_SIZE };

struct images_options {
    enum images_format format;
    enum images_sort sort;
    bool quiet, no_trunc;
    struct word_list filters;
};

static const char *const sort_words[] = {[SORT_NONE] = "none", [SORT_NAME] = "name", [SORT_CREATED] = "created", [SORT_SIZE] = "size", NULL};

static const char *const format_words[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};

static const struct option options[] = {
    {.group = "Options",
     .name = "format", .kind = OPTION_CHOICE, .metavar = "table|json", .words = format_words, .value = VALUE_WORDS,
     .offset = offsetof(struct images_options, format), .help = "how to print them"},
    {.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = offsetof(struct images_options, quiet),
     .help = "print digests only"},
    {.name = "no-trunc", .kind = OPTION_FLAG, .offset = offsetof(struct images_options, no_trunc),
     .help = "print digests in full"},
    {.name = "filter", .letter = 'f', .kind = OPTION_LIST, .metavar = "KEY=VALUE", .offset = offsetof(struct images_options, filters.words),
     .count_offset = offsetof(struct images_options, filters.count), .help = "only images of which this is true: see below"},
    {.name = "sort", .kind = OPTION_CHOICE, .metavar = "none|name|created|size", .words = sort_words, .value = VALUE_WORDS,
     .offset = offsetof(struct images_options, sort), .help = "in what order; newest and largest first; else as they came"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "images",
    .synopsis = "[IMAGE]",
    .summary = "list the images that are here",
    .options = options,
    .count = COUNT(options),
};

static const struct option_section after[] = {
    {"FILTERS",
     "Several filters have to hold all; of several *reference* filters one is enough. What an image does not say holds\n"
     "for none.\n\n"
     "*reference=*_GLOB_\n\tIts name with or without host and tag: box, lib/\\*, \\*:2. A star does not match slashes.\n\n"
     "*dangling=true*|*false*\n\tWithout a name, or with one.\n\n"
     "*label=*_KEY_[=_VALUE_], *label!=*_KEY_[=_VALUE_]\n\tWith this label, or without it.\n\n"
     "*before=*_IMAGE_, *since=*_IMAGE_\n\tMade before or after _IMAGE_.\n\n"
     "*until=*_TIME_\n\tMade before _TIME_: 2026-11-27, 2026-11-27T12:00:00Z, or how long ago: 90s, 10m, 24h, 7d.\n"},
    {NULL, NULL},
};
static const struct option_prose prose = {.after = after};

/* What the index says, or else the image's documents; where those cannot be read, no more than its entry. */
struct row {
    const struct image *image;
    const char *created;
    uint64_t size;
};

static struct row row_of(const struct store *store, const struct image *image)
{
    struct content content;
    struct row row = {.image = image, .created = image->created, .size = image->total};
    if (image->total)
        return row;
    if (content_read(store, image, NULL, &content) == 0) {
        row.created = content.config.created;
        row.size = manifest_size(&content.manifest);
    }
    error_clear();
    return row;
}

static void print_table(struct arena *arena, const struct row *rows, size_t count, bool whole)
{
    int widest = 4;
    for (size_t i = 0; i < count; i++) {
        int length = rows[i].image->name ? (int)strlen(rows[i].image->name) : 6;
        widest = length > widest ? length : widest;
    }
    printf("%-*s  %-*s  %-20s  %s\n", widest, "NAME", whole ? DIGEST_LENGTH : 12, "DIGEST", "CREATED", "SIZE");
    for (size_t i = 0; i < count; i++) {
        const struct image *image = rows[i].image;
        const char *name = text_disarmed(arena, image->name ? image->name : "<none>");
        const char *created = text_disarmed(arena, rows[i].created ? rows[i].created : "-");
        printf("%-*s  %-*.*s  %-20.19s  %s\n", widest, name, 12, whole ? DIGEST_LENGTH : 12, whole ? image->digest : digest_hex(image->digest),
               created, size_text(arena, rows[i].size));
    }
}

static void print_json(const struct row *rows, size_t count)
{
    struct json_writer json = json_writer_pretty(stdout);
    json_begin_array(&json, NULL);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&json, NULL);
        if (rows[i].image->name)
            json_put_string(&json, "name", rows[i].image->name);
        json_put_string(&json, "digest", rows[i].image->digest);
        if (rows[i].created)
            json_put_string(&json, "created", rows[i].created);
        json_put_u64(&json, "size", rows[i].size);
        json_end_object(&json);
    }
    json_end_array(&json);
    putchar('\n');
}

static int by_name(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return strcmp(x->image->name ? x->image->name : "", y->image->name ? y->image->name : "");
}

static int by_created(const void *a, const void *b)
{
    struct instant x = {0}, y = {0};
    const char *mine = ((const struct row *)a)->created, *other = ((const struct row *)b)->created;
    if (!mine || instant_parse(mine, &x) < 0)
        x = (struct instant){.seconds = INT64_MIN};
    if (!other || instant_parse(other, &y) < 0)
        y = (struct instant){.seconds = INT64_MIN};
    return instant_compare(&y, &x);
}

static int by_size(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->size > y->size ? -1 : x->size < y->size;
}

static int (*const orders[])(const void *, const void *) = {[SORT_NAME] = by_name, [SORT_CREATED] = by_created, [SORT_SIZE] = by_size};

static int find_rows(const struct store *store, const struct images_options *o, const char *word, struct row **rows, size_t *count)
{
    struct image_filter filter;
    struct image *images;
    size_t n = 1;
    TRY(image_filter_parse(store, o->filters.words, o->filters.count, FILTER_LIST, &filter));
    if (word)
        TRY(store_find(store, word, images = arena_alloc(store->arena, sizeof *images)));
    else
        TRY(store_images(store, &images, &n));
    *rows = arena_alloc(store->arena, (n + 1) * sizeof **rows);
    for (size_t i = 0; i < n; i++) {
        int passes = image_filter_passes(store, &filter, &images[i]);
        if (passes < 0)
            return because(passes, "image %s", images[i].name ? images[i].name : images[i].digest);
        if (passes)
            (*rows)[(*count)++] = o->quiet && !o->sort ? (struct row){.image = &images[i]} : row_of(store, &images[i]);
    }
    if (o->sort)
        qsort(*rows, *count, sizeof **rows, orders[o->sort]);
    return 0;
}

static int list(struct arena *arena, const struct images_options *o, const char *word)
{
    struct row *rows = NULL;
    size_t count = 0;
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(caller_store_look(arena, word, &store));
    if (store.blobs >= 0)
        TRY(find_rows(&store, o, word, &rows, &count));
    if (o->format == FORMAT_JSON)
        print_json(rows, count);
    else if (!o->quiet)
        print_table(arena, rows, count, o->no_trunc);
    else
        for (size_t i = 0; i < count; i++)
            printf("%.*s\n", o->no_trunc ? DIGEST_LENGTH : 12, o->no_trunc ? rows[i].image->digest : digest_hex(rows[i].image->digest));
    return 0;
}

static int images_run(const struct call *call)
{
    struct images_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&images_verb);
    char **rest = call->words + used;
    const char *word = *rest ? *rest++ : NULL;
    TRY(verb_ends(rest));
    return list(&arena, &o, word);
}

const struct verb images_verb = {.set = &set, .prose = &prose, .run = images_run};
