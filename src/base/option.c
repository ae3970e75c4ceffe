/* The parser of option tables: one pass over the words, a linear search by exact name (80 options
 * cost less than building any index of them), one store function per kind of option.
 *
 * Syntax is checked here, meaning is not: `--memory potato` is a well-formed option, and the layer
 * that knows what memory is refuses it. Words come from anybody and may be a megabyte long, so a
 * message never quotes more than its beginning. */
#include "base/option.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define QUOTE "%.80s" /* enough to recognise what was typed */

enum { NAME_MAX_LENGTH = 40 };

struct parser {
    const struct option_set *set;
    struct arena *arena;
    char **next; /* the word to look at */
    char *target;
};

/* One occurrence of an option. */
struct use {
    const struct option *option;
    const char *value;
    bool negated;   /* --no-NAME */
    char shown[96]; /* as it was typed, without the value: "--name", "-n" */
};

/* ---- storing ---- */

static int store_flag(struct parser *parser, const struct use *use)
{
    static const struct {
        const char *word;
        bool on;
    } words[] = {{"true", true}, {"false", false}, {"1", true}, {"0", false},
                 {"t", true},    {"f", false}};
    bool *field = (void *)(parser->target + use->option->offset);
    if (!use->value) {
        *field = use->negated == use->option->inverted;
        return 0;
    }
    if (use->negated)
        return refuse(-EINVAL, "%s=" QUOTE ": this option takes no value", use->shown, use->value);
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcasecmp(use->value, words[i].word) == 0) {
            *field = words[i].on != use->option->inverted;
            return 0;
        }
    return refuse(-EINVAL, "%s=" QUOTE ": neither true nor false", use->shown, use->value);
}

static int store_text(struct parser *parser, const struct use *use)
{
    const char **field = (void *)(parser->target + use->option->offset);
    *field = use->value;
    return 0;
}

static int store_list(struct parser *parser, const struct use *use)
{
    const char ***words = (void *)(parser->target + use->option->offset);
    size_t *count = (void *)(parser->target + use->option->count_offset);
    *LIST_ADD(parser->arena, words, count) = use->value;
    return 0;
}

static int store_choice(struct parser *parser, const struct use *use)
{
    unsigned *field = (void *)(parser->target + use->option->offset);
    if (!use->value) {
        *field = use->option->bare;
        return 0;
    }
    for (unsigned i = 0; use->option->words[i]; i++)
        if (text_equal(use->value, use->option->words[i])) {
            *field = i;
            return 0;
        }
    refuse(-EINVAL, "%s=" QUOTE ": no such value", use->shown, use->value);
    return remedy(-EINVAL, "one of %s",
                  text_join(parser->arena, (char *const *)use->option->words, ", "));
}

static int store_number(struct parser *parser, const struct use *use)
{
    int *field = (void *)(parser->target + use->option->offset);
    uint64_t number;
    if (text_to_u64(use->value, INT_MAX, &number) < 0)
        return refuse(-EINVAL, "%s " QUOTE ": not a number from 0 to %d", use->shown, use->value,
                      INT_MAX);
    *field = (int)number;
    return 0;
}

static int use_store(struct parser *parser, const struct use *use)
{
    static int (*const stores[])(struct parser *, const struct use *) = {
        [OPTION_FLAG] = store_flag,     [OPTION_TEXT] = store_text,     [OPTION_LIST] = store_list,
        [OPTION_CHOICE] = store_choice, [OPTION_NUMBER] = store_number,
    };
    return stores[use->option->kind](parser, use);
}

/* ---- finding ---- */

static bool name_is(const char *name, const char *typed, size_t length)
{
    return name && strncmp(name, typed, length) == 0 && name[length] == '\0';
}

static const struct option *find_long(const struct option_set *set, const char *typed,
                                      size_t length, bool *negated)
{
    bool no = length > 3 && strncmp(typed, "no-", 3) == 0;
    *negated = false;
    FOR_OPTIONS(o, set) {
        if (name_is(o->name, typed, length) || name_is(o->alias, typed, length))
            return o;
        if (no && o->inverted && name_is(o->name, typed + 3, length - 3)) {
            *negated = true;
            return o;
        }
    }
    return NULL;
}

static const struct option *find_letter(const struct option_set *set, char letter)
{
    FOR_OPTIONS(o, set)
        if (o->letter && o->letter == letter)
            return o;
    return NULL;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance: three rows of the usual table are enough. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][NAME_MAX_LENGTH + 1];
    unsigned *older = rows[0], *old = rows[1], *row = rows[2];
    for (unsigned j = 0; j <= b_length; j++)
        old[j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= b_length; j++) {
            row[j] = least(least(old[j], row[j - 1]) + 1, old[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], older[j - 2] + 1);
        }
        unsigned *oldest = older;
        older = old, old = row, row = oldest;
    }
    return old[b_length];
}

unsigned option_slips(const char *typed, const char *name)
{
    size_t typed_length = strnlen(typed, NAME_MAX_LENGTH + 1), length = strlen(name);
    if (typed_length < 2 || typed_length > NAME_MAX_LENGTH || length > NAME_MAX_LENGTH)
        return UINT_MAX;
    if (typed_length >= 3 && strncmp(typed, name, typed_length) == 0)
        return 1;
    unsigned slips = distance(typed, typed_length, name, length);
    return slips <= 1 + typed_length / 4 && slips < length ? slips : UINT_MAX;
}

static int unknown_long(const struct option_set *set, const char *typed, size_t length)
{
    char name[NAME_MAX_LENGTH + 2] = "", nearest[NAME_MAX_LENGTH + 10] = "";
    unsigned best = UINT_MAX;
    memcpy(name, typed, length < sizeof name ? length : sizeof name - 1);
    const char *bare = text_after(name, "no-");
    FOR_OPTIONS(o, set) {
        bool no = bare && (o->inverted || (!o->metavar && text_equal(bare, o->name)));
        unsigned slips = option_slips(no ? bare : name, o->name);
        if (o->hidden || slips >= best)
            continue;
        best = slips;
        snprintf(nearest, sizeof nearest, "--%s%s%s", no && o->inverted ? "no-" : "", o->name,
                 no && !o->inverted ? "=false" : "");
    }
    refuse(-EINVAL, "unknown option --%.*s", length < 80 ? (int)length : 80, typed);
    if (best < UINT_MAX)
        return remedy(-EINVAL, "did you mean %s? see %s %s --help", nearest, set->program,
                      set->verb);
    return remedy(-EINVAL, "see %s %s --help", set->program, set->verb);
}

/* ---- words ---- */

static int missing_value(const struct use *use)
{
    return refuse(-EINVAL, "option %s: its value is missing (%s %s)", use->shown, use->shown,
                  use->option->metavar);
}

static int parse_long(struct parser *parser, const char *word)
{
    const char *name = word + 2, *equals = strchrnul(name, '=');
    size_t length = (size_t)(equals - name);
    struct use use = {.value = *equals ? equals + 1 : NULL};
    use.option = find_long(parser->set, name, length, &use.negated);
    if (!use.option)
        return unknown_long(parser->set, name, length);
    snprintf(use.shown, sizeof use.shown, "--%.*s", (int)length, name);
    if (!use.value && option_takes_value(use.option)) {
        if (!*parser->next)
            return missing_value(&use);
        use.value = *parser->next++;
    }
    return use_store(parser, &use);
}

static int unknown_letter(const struct option_set *set, const char *word, char letter)
{
    if (word[2])
        refuse(-EINVAL, "unknown option -%c in " QUOTE, letter, word);
    else
        refuse(-EINVAL, "unknown option -%c", letter);
    return remedy(-EINVAL, "see %s %s --help", set->program, set->verb);
}

/* A word of letters, `-it`: the first which takes a value takes the rest of the word, `-m1g`,
 * `-itm=1g`, or else the next word. */
static int parse_letters(struct parser *parser, const char *word)
{
    for (const char *p = word + 1; *p; p++) {
        struct use use = {.option = find_letter(parser->set, *p)};
        if (!use.option)
            return unknown_letter(parser->set, word, *p);
        snprintf(use.shown, sizeof use.shown, "-%c", *p);
        bool takes = option_takes_value(use.option), last = takes || p[1] == '=';
        if (p[1] == '=')
            use.value = p + 2;
        else if (takes && p[1])
            use.value = p + 1;
        else if (takes && !*parser->next)
            return missing_value(&use);
        else if (takes)
            use.value = *parser->next++;
        TRY(use_store(parser, &use));
        if (last)
            break;
    }
    return 0;
}

static bool asks_for_help(const struct option_set *set, const char *word)
{
    return text_equal(word, "--help") || text_after(word, "--help=") ||
           (text_equal(word, "-h") && !find_letter(set, 'h'));
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

static int parse_word(struct parser *parser, const char *word, bool *help)
{
    if (asks_for_help(parser->set, word)) {
        *help = true;
        return 0;
    }
    return word[1] == '-' ? parse_long(parser, word) : parse_letters(parser, word);
}

/* Operands between options move to the end of those, in their order. */
int option_parse(const struct option_set *set, struct arena *arena, char **words, void *target,
                 bool *help)
{
    struct parser parser = {.set = set, .arena = arena, .next = words, .target = target};
    char **passed = NULL;
    size_t n = 0;
    *help = false;
    while (*parser.next && !*help && (is_option(*parser.next) || !set->in_order)) {
        char *word = *parser.next++;
        if (text_equal(word, "--"))
            break;
        if (is_option(word))
            TRY(parse_word(&parser, word, help));
        else
            *LIST_ADD(arena, &passed, &n) = word;
    }
    char **operands = parser.next - n;
    for (size_t i = 0; i < n; i++)
        operands[i] = passed[i];
    return (int)(operands - words);
}
