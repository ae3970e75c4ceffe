/* `bocal images`: what is in the store. */
#include "command/images.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/text.h"
#include "command/progress.h"
#include "engine/image.h"
#include "image/content.h"

#include <stdio.h>

enum images_format { FORMAT_TABLE, FORMAT_JSON };

struct images_options {
    enum images_format format;
    bool quiet, no_trunc;
};

static const char *const format_words[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};

static const struct option options[] = {
    {.group = "Options",
     .name = "format", .kind = OPTION_CHOICE, .metavar = "table|json", .words = format_words, .value = VALUE_WORDS,
     .offset = offsetof(struct images_options, format), .help = "how to print them"},
    {.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = offsetof(struct images_options, quiet),
     .help = "print digests only"},
    {.name = "no-trunc", .kind = OPTION_FLAG, .offset = offsetof(struct images_options, no_trunc),
     .help = "print digests in full"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "images",
    .synopsis = "[IMAGE]",
    .summary = "list the images that are here",
    .options = options,
    .count = COUNT(options),
};

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
        char *name = arena_strdup(arena, image->name ? image->name : "<none>");
        char *created = arena_strdup(arena, rows[i].created ? rows[i].created : "-");
        text_disarm(name);
        text_disarm(created);
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

static int list(struct arena *arena, const struct images_options *o, const char *word)
{
    struct image *images = NULL, one;
    size_t count = 0;
    auto_store store = {.fd = -1, .blobs = -1};
    int r = caller_store_look(arena, word, &store);
    if (r < 0 && (word || r != -ENOENT))
        return r;
    if (r == 0 && word) {
        TRY(store_find(&store, word, &one));
        images = &one;
        count = 1;
    } else if (r == 0) {
        TRY(store_images(&store, &images, &count));
    }
    struct row *rows = arena_alloc(arena, (count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = o->quiet ? (struct row){.image = &images[i]} : row_of(&store, &images[i]);
    if (o->format == FORMAT_JSON)
        print_json(rows, count);
    else if (!o->quiet)
        print_table(arena, rows, count, o->no_trunc);
    else
        for (size_t i = 0; i < count; i++)
            printf("%.*s\n", o->no_trunc ? DIGEST_LENGTH : 12, o->no_trunc ? images[i].digest : digest_hex(images[i].digest));
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

const struct verb images_verb = {.set = &set, .run = images_run};
