/* `bocal history`: how an image came to be, as its config tells. */
#include "command/history.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/text.h"
#include "command/look.h"
#include "command/progress.h"
#include "image/content.h"

#include <stdio.h>

enum history_format { FORMAT_TABLE, FORMAT_JSON };

struct history_options {
    enum history_format format;
    bool no_trunc;
};

static const char *const format_words[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};

static const struct option options[] = {
    {.group = "Options",
     .name = "format", .kind = OPTION_CHOICE, .metavar = "table|json", .words = format_words, .value = VALUE_WORDS,
     .offset = offsetof(struct history_options, format), .help = "how to print it"},
    {.name = "no-trunc", .kind = OPTION_FLAG, .offset = offsetof(struct history_options, no_trunc),
     .help = "print commands in full"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "history",
    .synopsis = "IMAGE",
    .summary = "print how an image came to be, the newest step first",
    .options = options,
    .count = COUNT(options),
};

/* A step, and the size of its layer as it is packed; a step without one has none. */
struct row {
    const struct image_history *step;
    uint64_t size;
};

/* Layers belong to the steps that are not empty, in their order; an image may tell of fewer or more than it has. */
static struct row *rows_of(struct arena *arena, const struct content *content)
{
    const struct image_config *config = &content->config;
    struct row *rows = arena_alloc(arena, (config->n_history + 1) * sizeof *rows);
    for (size_t i = 0, layer = 0; i < config->n_history; i++) {
        rows[i].step = &config->history[i];
        if (!config->history[i].empty_layer && layer < content->n_layers)
            rows[i].size = content->manifest.layers[layer++].size;
    }
    return rows;
}

static const char *shown(struct arena *arena, const char *text)
{
    return text_disarmed(arena, text ? text : "");
}

static void print_table(struct arena *arena, const struct row *rows, size_t count, bool whole)
{
    printf("%-19s  %-8s  %s\n", "CREATED", "SIZE", "CREATED BY");
    while (count-- > 0) {
        const struct image_history *step = rows[count].step;
        const char *by = shown(arena, step->created_by);
        printf("%-19.19s  %-8s  %.*s\n", *shown(arena, step->created) ? shown(arena, step->created) : "-",
               size_text(arena, rows[count].size), whole ? (int)strlen(by) : 60, by);
    }
}

static void put_text(struct json_writer *json, const char *key, const char *value)
{
    if (value)
        json_put_string(json, key, value);
}

static void print_json(const struct row *rows, size_t count)
{
    struct json_writer json = json_writer_pretty(stdout);
    json_begin_array(&json, NULL);
    while (count-- > 0) {
        const struct image_history *step = rows[count].step;
        json_begin_object(&json, NULL);
        put_text(&json, "created", step->created);
        put_text(&json, "createdBy", step->created_by);
        put_text(&json, "author", step->author);
        put_text(&json, "comment", step->comment);
        json_put_bool(&json, "emptyLayer", step->empty_layer);
        json_put_u64(&json, "size", rows[count].size);
        json_end_object(&json);
    }
    json_end_array(&json);
    putchar('\n');
}

static int history(struct arena *arena, const struct history_options *o, const char *word)
{
    struct content content;
    auto_look look = NO_LOOK;
    TRY(look_at(arena, word, &look));
    TRY(content_read(&look.store, &look.image, NULL, &content));
    struct row *rows = rows_of(arena, &content);
    if (o->format == FORMAT_JSON)
        print_json(rows, content.config.n_history);
    else
        print_table(arena, rows, content.config.n_history, o->no_trunc);
    return 0;
}

static int history_run(const struct call *call)
{
    struct history_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&history_verb);
    char **rest = call->words + used;
    if (!*rest)
        return refuse(-EINVAL, "an image is wanted (bocal images lists them)");
    TRY(verb_ends(rest + 1));
    return history(&arena, &o, *rest);
}

const struct verb history_verb = {.set = &set, .prose = &look_prose, .run = history_run};
