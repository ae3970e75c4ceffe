/* A filter is a list of conditions, each of a kind from one table. Only labels need an image's documents; the rest is in the
 * index. */
#include "image/filter.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "image/content.h"
#include "spec/reference.h"

#include <fnmatch.h>

struct image_condition {
    const struct condition_kind *kind;
    const char *text, *value; /* a pattern; a label and, or NULL, its value */
    bool wanted;
    struct instant when;
};

/* An image, and what was read of it. */
struct candidate {
    const struct store *store;
    const struct image *image;
    struct content content;
    bool read;
};

struct condition_kind {
    const char *key, *form;
    bool prune; /* image prune has it, too */
    int (*parse)(const struct store *store, const char *value, struct image_condition *condition);
    int (*holds)(struct candidate *candidate, const struct image_condition *condition);
};

static int read_content(struct candidate *c)
{
    if (!c->read)
        TRY(content_read(c->store, c->image, NULL, &c->content));
    c->read = true;
    return 0;
}

/* ---- reference ---- */

static int parse_text(const struct store *store, const char *value, struct image_condition *condition)
{
    condition->text = arena_strdup(store->arena, value);
    return 0;
}

/* NAME, with and without its tag. */
static bool glob_matches(const char *glob, const char *name, const char *without_tag)
{
    return fnmatch(glob, name, FNM_PATHNAME) == 0 || fnmatch(glob, without_tag, FNM_PATHNAME) == 0;
}

static int reference_holds(struct candidate *c, const struct image_condition *condition)
{
    struct arena *arena = c->store->arena;
    struct reference r;
    if (!c->image->name)
        return 0;
    if (reference_parse(arena, c->image->name, &r) < 0) { /* of another tool's making */
        error_clear();
        return fnmatch(condition->text, c->image->name, FNM_PATHNAME) == 0;
    }
    const char *host = r.host ? arena_printf(arena, "%s/", r.host) : "";
    const char *plain = arena_printf(arena, "%s%s", host, r.repository);
    const char *short_name = text_after(c->image->name, host), *library = text_after(r.repository, "library/");
    return glob_matches(condition->text, c->image->name, plain) ||
           glob_matches(condition->text, short_name ? short_name : c->image->name, r.repository) ||
           (library && glob_matches(condition->text, short_name ? short_name + strlen("library/") : library, library));
}

/* ---- the rest ---- */

static int parse_dangling(const struct store *store, const char *value, struct image_condition *condition)
{
    (void)store;
    condition->wanted = text_equal(value, "true") || text_equal(value, "1");
    return condition->wanted || text_equal(value, "false") || text_equal(value, "0") ? 0 : -EINVAL;
}

static int dangling_holds(struct candidate *c, const struct image_condition *condition)
{
    return !c->image->name == condition->wanted;
}

static int parse_label(const struct store *store, const char *value, struct image_condition *condition)
{
    const char *equals = strchr(value, '=');
    condition->value = equals ? arena_strdup(store->arena, equals + 1) : NULL;
    condition->text = arena_strndup(store->arena, value, equals ? (size_t)(equals - value) : strlen(value));
    return 0;
}

static int label_holds(struct candidate *c, const struct image_condition *condition)
{
    TRY(read_content(c));
    const struct image_config *config = &c->content.config;
    for (size_t i = 0; i < config->n_labels; i++)
        if (text_equal(config->labels[i].key, condition->text))
            return !condition->value || text_equal(config->labels[i].value, condition->value);
    return 0;
}

static int label_fails(struct candidate *c, const struct image_condition *condition)
{
    int holds = label_holds(c, condition);
    return holds < 0 ? holds : !holds;
}

/* When IMAGE was made: 1, or 0 where it does not say. */
static int created(struct candidate *c, struct instant *when)
{
    const char *text = c->image->created;
    if (!text && !c->image->total) { /* another tool has written the entry */
        TRY(read_content(c));
        text = c->content.config.created;
    }
    return text && instant_parse(text, when) == 0;
}

static int parse_until(const struct store *store, const char *value, struct image_condition *condition)
{
    (void)store;
    return instant_parse_word(value, &condition->when);
}

static int parse_image(const struct store *store, const char *value, struct image_condition *condition)
{
    struct image image;
    TRY(store_find(store, value, &image));
    int r = created(&(struct candidate){.store = store, .image = &image}, &condition->when);
    return r == 0 ? refuse(-EINVAL, "image %.200s does not say when it was made", value) : r;
}

static int before_holds(struct candidate *c, const struct image_condition *condition)
{
    struct instant when;
    int r = created(c, &when);
    return r <= 0 ? r : instant_compare(&when, &condition->when) < 0;
}

static int since_holds(struct candidate *c, const struct image_condition *condition)
{
    struct instant when;
    int r = created(c, &when);
    return r <= 0 ? r : instant_compare(&when, &condition->when) > 0;
}

static const struct condition_kind kinds[] = {
    {"reference", "reference=GLOB", false, parse_text, reference_holds},
    {"dangling", "dangling=true|false", false, parse_dangling, dangling_holds},
    {"label", "label=KEY[=VALUE]", true, parse_label, label_holds},
    {"label!", "label!=KEY[=VALUE]", true, parse_label, label_fails},
    {"before", "before=IMAGE", false, parse_image, before_holds},
    {"since", "since=IMAGE", false, parse_image, since_holds},
    {"until", "until=TIME", true, parse_until, before_holds},
};

static int refuse_filter(struct arena *arena, const char *word, enum filter_use use)
{
    const char *known = "";
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (use == FILTER_LIST || kinds[i].prune)
            known = arena_printf(arena, "%s%s%s", known, *known ? ", " : "", kinds[i].form);
    refuse(-EINVAL, "--filter %.80s: no such filter", word);
    return remedy(-EINVAL, "%s; TIME is 2026-11-27, 2026-11-27T12:00:00Z, or how long ago: 24h", known);
}

static int parse(const struct store *store, const char *word, enum filter_use use, struct image_condition *condition)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : 0;
    for (size_t i = 0; i < COUNT(kinds) && length; i++) {
        if (strncmp(kinds[i].key, word, length) != 0 || kinds[i].key[length] || (use == FILTER_PRUNE && !kinds[i].prune))
            continue;
        condition->kind = &kinds[i];
        int r = equals[1] ? kinds[i].parse(store, equals + 1, condition) : -EINVAL;
        return r < 0 && !*error_text() ? refuse_filter(store->arena, word, use) : r;
    }
    return refuse_filter(store->arena, word, use);
}

int image_filter_parse(const struct store *store, const char **words, size_t count, enum filter_use use, struct image_filter *filter)
{
    filter->conditions = arena_alloc(store->arena, (count + 1) * sizeof *filter->conditions);
    filter->count = count;
    for (size_t i = 0; i < count; i++)
        TRY(parse(store, words[i], use, &filter->conditions[i]));
    return 0;
}

int image_filter_passes(const struct store *store, const struct image_filter *filter, const struct image *image)
{
    struct candidate candidate = {.store = store, .image = image};
    bool references = false, matched = false;
    for (size_t i = 0; i < filter->count; i++) {
        const struct image_condition *condition = &filter->conditions[i];
        int holds = condition->kind->holds(&candidate, condition);
        bool reference = condition->kind->holds == reference_holds;
        if (holds < 0 || (!holds && !reference))
            return holds;
        references |= reference;
        matched |= reference && holds;
    }
    return !references || matched;
}
