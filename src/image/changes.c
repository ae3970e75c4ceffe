/* A row an instruction. Words are split as the builder of Docker does: blanks part them, quotes hold them together, a backslash
 * takes the next letter as it is. What a builder would do with variables is not done: there are none here. */
#include "image/changes.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define QUOTE "%.200s"

/* ---- words ---- */

/* The next word of *TEXT into WORD, which has room for all of it; false at the end. */
static bool next_word(const char **text, char *word)
{
    char quote = '\0';
    const char *p = *text + strspn(*text, " \t");
    if (!*p)
        return false;
    for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
        if (*p == '\\' && p[1] && quote != '\'')
            *word++ = *++p;
        else if (*p == quote)
            quote = '\0';
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
        else
            *word++ = *p;
    }
    *word = '\0';
    *text = p;
    return true;
}

static char **split(struct arena *arena, const char *text)
{
    char **words = NULL;
    size_t n = 0;
    char *word = arena_alloc(arena, strlen(text) + 1);
    while (next_word(&text, word))
        *LIST_ADD(arena, &words, &n) = arena_strdup(arena, word);
    *LIST_ADD(arena, &words, &n) = NULL;
    return words;
}

/* All of TEXT as JSON, or NULL; the caller's. */
static struct json_object *read_json(const char *text)
{
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *json = tokener ? json_tokener_parse_ex(tokener, text, (int)strlen(text)) : NULL;
    if (json && text[json_tokener_get_parse_end(tokener)]) {
        json_object_put(json);
        json = NULL;
    }
    if (tokener)
        json_tokener_free(tokener);
    return json;
}

/* A JSON list of texts; NULL with a sentence where it is none. */
static char **read_list(struct arena *arena, const char *text)
{
    char **words = NULL;
    size_t n = 0;
    auto_json *list = read_json(text);
    bool good = json_object_is_type(list, json_type_array);
    for (size_t i = 0; good && i < json_length(list); i++) {
        good = json_object_is_type(json_object_array_get_idx(list, i), json_type_string);
        if (good)
            *LIST_ADD(arena, &words, &n) = arena_strdup(arena, json_item(list, i));
    }
    *LIST_ADD(arena, &words, &n) = NULL;
    if (good)
        return words;
    refuse(-EINVAL, "not a list of texts in JSON");
    return NULL;
}

/* ---- instructions ---- */

struct change {
    struct arena *arena;
    struct image_config *config;
    const char *text; /* behind the instruction, not empty, without blanks at its ends */
};

/* A list, or what a shell is to be given. */
static int read_command(const struct change *c, char ***command)
{
    if (*c->text == '[') {
        *command = read_list(c->arena, c->text);
        return *command ? 0 : -EINVAL;
    }
    *command = arena_alloc(c->arena, 4 * sizeof **command);
    (*command)[0] = "/bin/sh";
    (*command)[1] = "-c";
    (*command)[2] = arena_strdup(c->arena, c->text);
    return 0;
}

static int change_cmd(const struct change *c)
{
    return read_command(c, &c->config->cmd);
}

static int change_entrypoint(const struct change *c)
{
    return read_command(c, &c->config->entrypoint);
}

/* KEY=VALUE words; or KEY VALUE, of which the value is all that is left. */
static int each_pair(const struct change *c, void (*put)(const struct change *c, const char *key, const char *value))
{
    const char *text = c->text;
    char *first = arena_alloc(c->arena, strlen(text) + 1);
    next_word(&text, first);
    if (!strchr(first, '=')) {
        const char *value = text + strspn(text, " \t");
        if (!*value)
            return refuse(-EINVAL, "KEY=VALUE is wanted");
        put(c, first, arena_strdup(c->arena, value));
        return 0;
    }
    for (char **word = split(c->arena, c->text); *word; word++) {
        char *equals = strchr(*word, '=');
        if (!equals || equals == *word)
            return refuse(-EINVAL, QUOTE ": KEY=VALUE is wanted", *word);
        *equals = '\0';
        put(c, *word, equals + 1);
    }
    return 0;
}

static void put_env(const struct change *c, const char *key, const char *value)
{
    char *variable = arena_printf(c->arena, "%s=%s", key, value);
    size_t length = strlen(key) + 1, n = text_count(c->config->env);
    for (size_t i = 0; i < n; i++)
        if (strncmp(c->config->env[i], variable, length) == 0) {
            c->config->env[i] = variable;
            return;
        }
    char **env = arena_alloc(c->arena, (n + 2) * sizeof *env);
    if (n)
        memcpy(env, c->config->env, n * sizeof *env);
    env[n] = variable;
    c->config->env = env;
}

static void put_label(const struct change *c, const char *key, const char *value)
{
    for (size_t i = 0; i < c->config->n_labels; i++)
        if (text_equal(c->config->labels[i].key, key)) {
            c->config->labels[i].value = value;
            return;
        }
    *LIST_ADD(c->arena, &c->config->labels, &c->config->n_labels) = (struct key_value){.key = key, .value = value};
}

static int change_env(const struct change *c)
{
    return each_pair(c, put_env);
}

static int change_label(const struct change *c)
{
    return each_pair(c, put_label);
}

static int append_words(const struct change *c, char **words, char ***list)
{
    size_t old = text_count(*list), n = text_count(words);
    char **all = arena_alloc(c->arena, (old + n + 1) * sizeof *all);
    if (old)
        memcpy(all, *list, old * sizeof *all);
    memcpy(all + old, words, n * sizeof *all);
    *list = all;
    return 0;
}

static bool is_port(const char *text)
{
    uint64_t port;
    return text_to_u64(text, UINT16_MAX, &port) == 0 && port > 0;
}

static int change_expose(const struct change *c)
{
    char **words = split(c->arena, c->text);
    for (char **word = words; *word; word++) {
        size_t n;
        char **parts = text_split(c->arena, *word, '/', &n);
        bool known = n == 1 || (n == 2 && (text_equal(parts[1], "tcp") || text_equal(parts[1], "udp") || text_equal(parts[1], "sctp")));
        if (!known || !is_port(parts[0]))
            return refuse(-EINVAL, QUOTE ": PORT, PORT/tcp, PORT/udp or PORT/sctp is wanted", *word);
        *word = arena_printf(c->arena, "%s/%s", parts[0], n == 2 ? parts[1] : "tcp");
    }
    return append_words(c, words, &c->config->exposed_ports);
}

static int change_volume(const struct change *c)
{
    char **words = *c->text == '[' ? read_list(c->arena, c->text) : split(c->arena, c->text);
    for (char **word = words; word && *word; word++)
        if (**word != '/')
            return refuse(-EINVAL, QUOTE ": an absolute path is wanted", *word);
    return words ? append_words(c, words, &c->config->volumes) : -EINVAL;
}

static int one_word(const struct change *c, const char **field)
{
    char **words = split(c->arena, c->text);
    if (words[1])
        return refuse(-EINVAL, "one word is wanted");
    *field = words[0];
    return 0;
}

static int change_user(const struct change *c)
{
    return one_word(c, &c->config->user);
}

static int change_workdir(const struct change *c)
{
    if (*c->text != '/')
        return refuse(-EINVAL, "an absolute path is wanted");
    c->config->working_dir = arena_strdup(c->arena, c->text);
    return 0;
}

static int change_stop_signal(const struct change *c)
{
    return one_word(c, &c->config->stop_signal);
}

static const struct {
    const char *word;
    int (*apply)(const struct change *c);
} instructions[] = {
    {"CMD", change_cmd},       {"ENTRYPOINT", change_entrypoint},   {"ENV", change_env},   {"EXPOSE", change_expose},
    {"LABEL", change_label},   {"STOPSIGNAL", change_stop_signal},  {"USER", change_user}, {"VOLUME", change_volume},
    {"WORKDIR", change_workdir},
};

static int apply(struct arena *arena, const char *text, struct image_config *config)
{
    size_t length = strcspn(text, " \t=");
    const char *rest = text + length + (text[length] != '\0');
    rest += strspn(rest, " \t");
    size_t end = strlen(rest);
    while (end && isspace((unsigned char)rest[end - 1]))
        end--;
    struct change change = {.arena = arena, .config = config, .text = arena_strndup(arena, rest, end)};
    for (size_t i = 0; i < COUNT(instructions); i++)
        if (strncasecmp(instructions[i].word, text, length) == 0 && !instructions[i].word[length])
            return end ? instructions[i].apply(&change) : refuse(-EINVAL, "nothing is behind it");
    return refuse(-EINVAL, "not one of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR");
}

int config_change(struct arena *arena, const char *text, struct image_config *config)
{
    for (const char *p = text; *p;) {
        int length = text_utf8_length(p);
        if (!length)
            return refuse(-EINVAL, "change " QUOTE ": not UTF-8", text);
        p += length;
    }
    int r = apply(arena, text, config);
    return r < 0 ? because(r, "change " QUOTE, text) : 0;
}
