/* `bocal inspect`: what an image is, as JSON. */
#include "command/inspect.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/json_write.h"
#include "base/text.h"
#include "command/look.h"
#include "image/content.h"

#include <stdio.h>

static const struct option_set set = {
    .program = "bocal",
    .verb = "inspect",
    .synopsis = "IMAGE...",
    .summary = "print what an image is, as JSON",
};

/* The member "config" of the image's config as it is, whoever wrote it: Docker's has more than OCI's. */
static int put_config(const struct store *store, const struct content *content, struct json_writer *json)
{
    struct json_object *config = NULL;
    auto_free char *text = NULL;
    TRY(store_document(store, content->manifest.config.digest, &text));
    auto_json *root = json_tokener_parse(text);
    if (!json_object_object_get_ex(root, "config", &config) || !config)
        return 0;
    char *raw = arena_strdup(store->arena, json_object_to_json_string_ext(config, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
    text_disarm(raw);
    json_put_raw(json, "config", raw);
    return 0;
}

static void put_layers(const struct content *content, struct json_writer *json)
{
    json_begin_array(json, "layers");
    for (size_t i = 0; i < content->n_layers; i++) {
        const struct descriptor *layer = &content->manifest.layers[i];
        json_begin_object(json, NULL);
        json_put_string(json, "digest", layer->digest);
        json_put_string(json, "mediaType", layer->media_type);
        json_put_u64(json, "size", layer->size);
        json_put_string(json, "diffID", content->config.diff_ids[i]);
        json_put_string(json, "chainID", content->chain[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

static int put_image(const struct look *look, struct json_writer *json)
{
    struct content content;
    const struct store *store = &look->store;
    const struct image *image = &look->image;
    const char *name = image->name ? image->name : look->other;
    TRY(content_read(store, image, NULL, &content));
    json_begin_object(json, NULL);
    if (name)
        json_put_string(json, "name", name);
    json_put_string(json, "digest", image->digest);
    json_put_string(json, "manifest", content.digest);
    json_put_string(json, "configDigest", content.manifest.config.digest);
    json_put_string(json, "platform", platform_text(store->arena, &content.config.platform));
    if (content.config.created)
        json_put_string(json, "created", content.config.created);
    json_put_u64(json, "size", manifest_size(&content.manifest));
    TRY(put_config(store, &content, json));
    put_layers(&content, json);
    json_end_object(json);
    return 0;
}

static int inspect(struct arena *arena, char **words)
{
    auto_free char *text = NULL;
    size_t size = 0;
    auto_file out = open_memstream(&text, &size); /* all of it, or nothing */
    if (!out)
        return fail(-ENOMEM, "inspect an image");
    struct json_writer json = json_writer_pretty(out);
    json_begin_array(&json, NULL);
    for (; *words; words++) {
        auto_look look = NO_LOOK;
        TRY(look_at(arena, *words, &look));
        TRY(put_image(&look, &json));
    }
    json_end_array(&json);
    fflush(out);
    puts(text);
    return 0;
}

static int inspect_run(const struct call *call)
{
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, NULL, &help);
    TRY(used);
    if (help)
        return verb_help(&inspect_verb);
    char **rest = call->words + used;
    if (!*rest)
        return refuse(-EINVAL, "an image is wanted (bocal images lists them)");
    return inspect(&arena, rest);
}

const struct verb inspect_verb = {.set = &set, .prose = &look_prose, .run = inspect_run};
