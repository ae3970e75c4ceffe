/* The outer object is image-spec's, "config" inside it Docker's container configuration, of which only what an image can mean
 * is read: what Docker keeps there of the container that an image was made in is ignored. */
#include "spec/image_config.h"

#include "base/error.h"
#include "base/json_tree.h"
#include "base/sha256.h"
#include "spec/config_fields.h"
#include "spec/image_fields.h"

#include <string.h>

/* ---- "config" ---- */

static int decode_nothing(struct json_source *s, struct json_object *value, void *into)
{
    (void)s;
    (void)value;
    (void)into;
    return 0;
}

/* An object whose members are nothing, as a list of its names: Go's set. */
static int decode_names(struct json_source *s, struct json_object *value, void *into)
{
    void *list;
    size_t count;
    TRY(json_read_map(s, value, decode_nothing, sizeof(char *), &list, &count));
    char **names = list;
    *LIST_ADD(s->arena, &names, &count) = NULL;
    *(char ***)into = names;
    return 0;
}

/* A command: a list of words, or, from Docker's early days, one word alone. */
static int decode_command(struct json_source *s, struct json_object *value, void *into)
{
    if (!json_object_is_type(value, json_type_string))
        return json_strings(s, value, into);
    char **words = arena_alloc(s->arena, 2 * sizeof *words);
    *(char ***)into = words;
    return json_string(s, value, words);
}

static int decode_time(struct json_source *s, struct json_object *value, void *into)
{
    uint64_t *time = into;
    TRY(json_u64(s, value, time));
    return *time <= INT64_MAX ? 0 : json_expected(s, "a time in nanoseconds");
}

static const struct json_field health_fields[] = {
    {"Test", json_strings, AT(healthcheck, test)},
    {"Interval", decode_time, AT(healthcheck, interval)},
    {"Timeout", decode_time, AT(healthcheck, timeout)},
    {"StartPeriod", decode_time, AT(healthcheck, start_period)},
    {"StartInterval", decode_time, AT(healthcheck, start_interval)},
    {"Retries", json_u32, AT(healthcheck, retries)},
    {0},
};

GROUP(health)

static int decode_labels(struct json_source *s, struct json_object *value, void *into)
{
    struct image_config *config = into;
    return config_read_pairs(s, value, &config->labels, &config->n_labels);
}

static const struct json_field run_fields[] = {
    {"User", json_string, AT(image_config, user)},
    {"ExposedPorts", decode_names, AT(image_config, exposed_ports)},
    {"Env", json_strings, AT(image_config, env)},
    {"Entrypoint", decode_command, AT(image_config, entrypoint)},
    {"Cmd", decode_command, AT(image_config, cmd)},
    {"Volumes", decode_names, AT(image_config, volumes)},
    {"WorkingDir", json_string, AT(image_config, working_dir)},
    {"Labels", decode_labels, 0},
    {"StopSignal", json_string, AT(image_config, stop_signal)},
    {"Healthcheck", decode_health, AT(image_config, healthcheck)},
    {"Shell", json_strings, AT(image_config, shell)},
    {0},
};

GROUP(run)

/* ---- layers and history ---- */

static int decode_rootfs_type(struct json_source *s, struct json_object *value, void *into)
{
    (void)into;
    const char *type;
    TRY(json_string(s, value, &type));
    return strcmp(type, "layers") == 0 ? 0 : json_expected(s, "layers");
}

static int decode_diff_ids(struct json_source *s, struct json_object *value, void *into)
{
    struct image_config *config = into;
    void *list;
    TRY(json_read_list(s, value, image_read_digest, sizeof *config->diff_ids, &list, &config->n_diff_ids));
    config->diff_ids = list;
    if (config->n_diff_ids > LAYERS_MAX)
        return refuse(-ENOTSUP, "%s: %s: %zu layers, more than the %d that an overlay can have", s->name, s->pointer,
                      config->n_diff_ids, LAYERS_MAX);
    return 0;
}

static const struct json_field rootfs_fields[] = {
    {"type", decode_rootfs_type, 0},
    {"diff_ids", decode_diff_ids, 0},
    {0},
};

/* Without layers Docker writes null for the list. */
static int decode_rootfs(struct json_source *s, struct json_object *value, void *into)
{
    struct image_config *config = into;
    TRY(json_read_object(s, value, rootfs_fields, config));
    size_t count = config->n_diff_ids;
    *LIST_ADD(s->arena, &config->diff_ids, &count) = NULL;
    return 0;
}

static const struct json_field history_fields[] = {
    {"created", json_string, AT(image_history, created)},
    {"created_by", json_string, AT(image_history, created_by)},
    {"author", json_string, AT(image_history, author)},
    {"comment", json_string, AT(image_history, comment)},
    {"empty_layer", json_flag, AT(image_history, empty_layer)},
    {0},
};

GROUP(history)

static int decode_histories(struct json_source *s, struct json_object *value, void *into)
{
    struct image_config *config = into;
    void *list;
    TRY(json_read_list(s, value, decode_history, sizeof *config->history, &list, &config->n_history));
    config->history = list;
    return 0;
}

static const struct json_field fields[] = {
    PLATFORM_ROWS(AT(image_config, platform)),
    {"created", json_string, AT(image_config, created)},
    {"author", json_string, AT(image_config, author)},
    {"config", decode_run, 0},
    {"rootfs", decode_rootfs, 0},
    {"history", decode_histories, 0},
    {0},
};

int image_config_decode(struct arena *arena, const char *text, size_t length, const char *name, struct image_config *config)
{
    *config = (struct image_config){0};
    TRY(image_read_document(arena, text, length, DOCUMENT_MAX, name, fields, config));
    const char *missing = !config->platform.os             ? "os"
                          : !config->platform.architecture ? "architecture"
                          : !config->diff_ids              ? "rootfs"
                                                           : NULL;
    return missing ? refuse(-EINVAL, "%s: /%s: is missing", name, missing) : 0;
}

int image_config_fits(const struct image_config *config, const struct image_manifest *manifest, const char *name)
{
    if (config->n_diff_ids == manifest->n_layers)
        return 0;
    return refuse(-EINVAL, "%s: the config has %zu layers, but the manifest %zu", name, config->n_diff_ids,
                  manifest->n_layers);
}

/* ChainID(L0) = DiffID(L0); ChainID(L0|…|Ln) = digest of "ChainID(L0|…|Ln-1) DiffID(Ln)". */
char **image_config_chain(struct arena *arena, char *const *diff_ids)
{
    char **chain = NULL;
    size_t count = 0;
    for (size_t i = 0; diff_ids[i]; i++) {
        char text[2 * DIGEST_LENGTH + 2], hex[SHA256_HEX_SIZE];
        int length = i ? snprintf(text, sizeof text, "%s %s", chain[i - 1], diff_ids[i]) : 0;
        sha256_hex(text, (size_t)length, hex);
        *LIST_ADD(arena, &chain, &count) = i ? arena_printf(arena, "sha256:%s", hex) : diff_ids[0];
    }
    *LIST_ADD(arena, &chain, &count) = NULL;
    return chain;
}
