#include "engine/image_explanation.h"

#include "base/cleanup.h"
#include "base/json_write.h"
#include "base/text.h"

#include <inttypes.h>

static const char *const sources[] = {[FROM_STORE] = "store", [FROM_REGISTRY] = "registry", [FROM_ARCHIVE] = "archive"};

static const char *platform_of(const struct run_image *image)
{
    return platform_text(image->store.arena, &image->content.config.platform);
}

/* Names in the store may be of another tool's making. */
static void put_line(char *line, FILE *out)
{
    text_disarm(line);
    fprintf(out, "%s\n", line);
}

void image_explain(const struct run_image *image, FILE *out)
{
    static const char *const states[2][2] = {{"was here", "was here, unpacked now"},
                                             {"fetched now, its files were here", "fetched and unpacked now"}};
    struct arena *arena = image->store.arena;
    const struct content *content = &image->content;
    const char *name = content->image.name;
    put_line(arena_printf(arena, "image: %s is %s for %s, from the %s", image->word, name ? name : "without a name", platform_of(image),
                          sources[image->source]), out);
    fprintf(out, "image: %s\n", content->image.digest);
    if (!text_equal(content->image.digest, content->digest))
        fprintf(out, "image: of that index the manifest %s\n", content->digest);
    for (size_t i = 0; i < content->n_layers; i++) {
        const struct descriptor *layer = &content->manifest.layers[i];
        struct arrival arrival = arrivals_find(&image->arrivals, layer->digest);
        fprintf(out, "layer: %s, %" PRIu64 " bytes, %s\n", layer->digest, layer->size, states[arrival.fetched][arrival.unpacked]);
    }
}

static void put_layers(const struct run_image *image, struct json_writer *json)
{
    const struct content *content = &image->content;
    json_begin_array(json, "layers");
    for (size_t i = 0; i < content->n_layers; i++) {
        const struct descriptor *layer = &content->manifest.layers[i];
        struct arrival arrival = arrivals_find(&image->arrivals, layer->digest);
        json_begin_object(json, NULL);
        json_put_string(json, "digest", layer->digest);
        json_put_string(json, "diffID", content->config.diff_ids[i]);
        json_put_u64(json, "size", layer->size);
        json_put_bool(json, "fetched", arrival.fetched);
        json_put_bool(json, "unpacked", arrival.unpacked);
        json_end_object(json);
    }
    json_end_array(json);
}

void image_explain_json(const struct run_image *image, FILE *out)
{
    const struct content *content = &image->content;
    struct json_writer json = json_writer_compact(out);
    json_begin_object(&json, NULL);
    json_begin_object(&json, "image");
    json_put_string(&json, "reference", image->word);
    if (content->image.name)
        json_put_string(&json, "name", content->image.name);
    json_put_string(&json, "digest", content->image.digest);
    json_put_string(&json, "manifest", content->digest);
    json_put_string(&json, "platform", platform_of(image));
    json_put_string(&json, "from", sources[image->source]);
    if (content->config.healthcheck.test && content->config.healthcheck.test[0])
        json_put_bool(&json, "healthcheckRun", false);
    put_layers(image, &json);
    json_end_object(&json);
    json_end_object(&json);
    putc('\n', out);
}
