#include "runtime/mount_options.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/sys.h"

#include <string.h>

/* What a word changes. Attribute words come in pairs: the one sets what the other clears; the
 * prefix `r` makes them recursive ("rro"), which mount_setattr(2) can since Linux 5.12. */
static const struct attribute {
    const char *set, *clear;
    uint64_t bit;
} attributes[] = {
    {"ro", "rw", MOUNT_ATTR_RDONLY},
    {"nosuid", "suid", MOUNT_ATTR_NOSUID},
    {"nodev", "dev", MOUNT_ATTR_NODEV},
    {"noexec", "exec", MOUNT_ATTR_NOEXEC},
    {"nodiratime", "diratime", MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW},
};

/* The access time policy is a field, not a bit: setting one clears the others. */
static const struct {
    const char *word;
    uint64_t value;
} times[] = {
    {"relatime", MOUNT_ATTR_RELATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME},
    {"noatime", MOUNT_ATTR_NOATIME},
    {"atime", MOUNT_ATTR_RELATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME},
    {"nostrictatime", MOUNT_ATTR_RELATIME},
};

static const struct {
    const char *word;
    uint64_t type;
} propagations[] = {
    {"shared", MS_SHARED},
    {"slave", MS_SLAVE},
    {"private", MS_PRIVATE},
    {"unbindable", MS_UNBINDABLE},
};

static const struct {
    const char *word;
    size_t offset;
} switches[] = {
    {"rbind", offsetof(struct mount_spec, recursive)},
    {"tmpcopyup", offsetof(struct mount_spec, copy_up)},
    {"idmap", offsetof(struct mount_spec, idmap)},
    {"ridmap", offsetof(struct mount_spec, idmap_all)},
    {"U", offsetof(struct mount_spec, chown)},
    {"src-nofollow", offsetof(struct mount_spec, src_nofollow)},
    {"dest-nofollow", offsetof(struct mount_spec, dest_nofollow)},
    {"copy-symlink", offsetof(struct mount_spec, copy_link)},
};

/* Accepted and without effect here: the label words act on the file before the container starts; the kernel is silent,
 * and file systems that count versions always do. */
static const char *const ignored[] = {"bind",   "remount", "z",        "Z",         "defaults", "nofail", "auto",
                                      "noauto", "silent",  "loud",     "iversion",  "noiversion", NULL};

/* Settings of file systems, which binds have none of; these are how it is anyway. */
static const char *const ignored_for_binds[] = {"async", "nolazytime", "nomand", NULL};

static bool is_in(const char *word, const char *const *list)
{
    while (*list && !text_equal(*list, word))
        list++;
    return *list;
}

static bool attribute_apply(const char *word, uint64_t *set, uint64_t *clear)
{
    for (size_t i = 0; i < COUNT(attributes); i++) {
        bool sets = text_equal(word, attributes[i].set);
        if (!sets && !text_equal(word, attributes[i].clear))
            continue;
        *set = sets ? *set | attributes[i].bit : *set & ~attributes[i].bit;
        *clear = sets ? *clear & ~attributes[i].bit : *clear | attributes[i].bit;
        return true;
    }
    for (size_t i = 0; i < COUNT(times); i++)
        if (text_equal(word, times[i].word)) {
            *set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | times[i].value;
            *clear |= MOUNT_ATTR__ATIME;
            return true;
        }
    return false;
}

static bool propagation_apply(const char *word, struct mount_spec *spec)
{
    for (size_t i = 0; i < COUNT(propagations); i++) {
        bool all = *word == 'r' && text_equal(word + 1, propagations[i].word);
        if (!all && !text_equal(word, propagations[i].word))
            continue;
        spec->propagation = propagations[i].type;
        spec->propagate_all = all;
        return true;
    }
    return false;
}

static bool switch_apply(const char *word, struct mount_spec *spec)
{
    for (size_t i = 0; i < COUNT(switches); i++)
        if (text_equal(word, switches[i].word)) {
            *(bool *)((char *)spec + switches[i].offset) = true;
            return true;
        }
    return is_in(word, ignored);
}

static void setting_add(struct arena *arena, const char *key, const char *value, struct mount_spec *spec, size_t *count)
{
    *LIST_ADD(arena, &spec->settings, count) = key;
    *LIST_ADD(arena, &spec->settings, count) = value;
}

/* "size=64m", or a flag. */
static void word_add(struct arena *arena, const char *word, struct mount_spec *spec, size_t *count)
{
    const char *equals = strchr(word, '=');
    const char *key = equals ? arena_strndup(arena, word, (size_t)(equals - word)) : word;
    setting_add(arena, key, equals ? equals + 1 : NULL, spec, count);
}

int mount_options_parse(struct arena *arena, const struct mount_config *mount,
                        struct mount_spec *spec)
{
    bool bind = text_equal(mount->type, "bind");
    size_t n_settings = 0, n_unknown = 0;
    *spec = (struct mount_spec){.type = mount->type,
                                .uids = mount->uids.count ? &mount->uids : NULL,
                                .gids = mount->gids.count ? &mount->gids : NULL};
    if (!bind && mount->source && !text_equal(mount->type, "remount")) /* where there is no disk it is what mountinfo shows */
        setting_add(arena, "source", mount->source, spec, &n_settings);
    for (size_t i = 0; mount->options && mount->options[i]; i++) {
        const char *word = mount->options[i];
        if (!*word || attribute_apply(word, &spec->set, &spec->clear) ||
            propagation_apply(word, spec) || switch_apply(word, spec))
            continue;
        if (*word == 'r' && attribute_apply(word + 1, &spec->set_all, &spec->clear_all))
            continue;
        if (bind && is_in(word, ignored_for_binds))
            continue;
        if (bind)
            *LIST_ADD(arena, &spec->unknown, &n_unknown) = word;
        else
            word_add(arena, word, spec, &n_settings);
    }
    spec->idmap |= spec->idmap_all;
    if (n_unknown)
        *LIST_ADD(arena, &spec->unknown, &n_unknown) = NULL;
    if (n_settings)
        *LIST_ADD(arena, &spec->settings, &n_settings) = NULL;
    if (bind && !spec->propagation) {
        spec->propagation = MS_PRIVATE;
        spec->propagate_all = true;
    }
    return 0;
}

/* WORD itself, and the word that has the same effect on all that is mounted below. */
static void add_word(struct arena *arena, char ***words, size_t *n, const char *word, bool also_recursive)
{
    *LIST_ADD(arena, words, n) = arena_strdup(arena, word);
    if (also_recursive)
        *LIST_ADD(arena, words, n) = arena_printf(arena, "r%s", word);
}

char **mount_options_words(struct arena *arena)
{
    char **words = NULL;
    size_t n = 0;
    for (size_t i = 0; i < COUNT(attributes); i++) {
        add_word(arena, &words, &n, attributes[i].set, true);
        add_word(arena, &words, &n, attributes[i].clear, true);
    }
    for (size_t i = 0; i < COUNT(times); i++)
        add_word(arena, &words, &n, times[i].word, true);
    for (size_t i = 0; i < COUNT(propagations); i++)
        add_word(arena, &words, &n, propagations[i].word, true);
    for (size_t i = 0; i < COUNT(switches); i++)
        add_word(arena, &words, &n, switches[i].word, false);
    for (size_t i = 0; ignored[i]; i++)
        if (strcasecmp(ignored[i], "z") != 0) /* a host with SELinux refuses these */
            add_word(arena, &words, &n, ignored[i], false);
    for (size_t i = 0; ignored_for_binds[i]; i++)
        add_word(arena, &words, &n, ignored_for_binds[i], false);
    *LIST_ADD(arena, &words, &n) = NULL;
    return words;
}

static char *describe_attributes(struct arena *arena, char *text, const char *prefix, uint64_t set,
                                 uint64_t clear)
{
    for (size_t i = 0; i < COUNT(attributes); i++)
        if ((set | clear) & attributes[i].bit)
            text = arena_printf(arena, "%s, %s%s", text, prefix,
                                set & attributes[i].bit ? attributes[i].set : attributes[i].clear);
    if (clear & MOUNT_ATTR__ATIME)
        for (size_t i = 0; i < COUNT(times); i++)
            if ((set & MOUNT_ATTR__ATIME) == times[i].value) {
                text = arena_printf(arena, "%s, %s%s", text, prefix, times[i].word);
                break;
            }
    return text;
}

char *mount_options_describe(struct arena *arena, const struct mount_spec *spec)
{
    char *text = arena_strdup(arena, spec->recursive ? ", rbind" : "");
    text = describe_attributes(arena, text, "", spec->set, spec->clear);
    text = describe_attributes(arena, text, "r", spec->set_all, spec->clear_all);
    for (size_t i = 0; i < COUNT(propagations); i++)
        if (spec->propagation == propagations[i].type && spec->propagation != MS_PRIVATE)
            text = arena_printf(arena, "%s, %s%s", text, spec->propagate_all ? "r" : "",
                                propagations[i].word);
    if (spec->src_nofollow || spec->dest_nofollow)
        text = arena_printf(arena, "%s%s%s", text, spec->src_nofollow ? ", src-nofollow" : "",
                            spec->dest_nofollow ? ", dest-nofollow" : "");
    if (spec->idmap || spec->uids)
        text = arena_printf(arena, "%s, id-mapped%s", text, spec->recursive && !spec->idmap_all ? " at the top" : "");
    for (size_t i = 0; spec->settings && spec->settings[i]; i += 2)
        if (!text_equal(spec->settings[i], "source") || !text_equal(spec->settings[i + 1], spec->type))
            text = arena_printf(arena, "%s, %s%s%s", text, spec->settings[i],
                            spec->settings[i + 1] ? "=" : "",
                            spec->settings[i + 1] ? spec->settings[i + 1] : "");
    return text;
}
