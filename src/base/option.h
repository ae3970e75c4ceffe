/* Option tables. A verb's command line is one array of struct option, and everything that knows
 * about options is derived from it: the parser here; help, manual and shell completion in
 * option_doc.h. So an option cannot exist without its help, nor a help text without its option.
 *
 * An option names the field of the verb's own struct which it fills, so that there is no code per
 * option. A default is what the struct holds before parsing. The rules are those of Docker's
 * command line, since people bring their commands with them: `--name value`, `--name=value`,
 * `-n value`, `-nvalue`, `-it`, `--flag=true|false`, the last one wins, lists append, `--` ends the
 * options. They may stand behind operands, but where those are a command (`in_order`): there the first
 * word that is none ends them, for the words of a command are never touched.
 * Names are never abbreviated: a script must not change its meaning when an option is added. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char *, any text; points into argv */
    OPTION_LIST,   /* const char ** and size_t: every value given */
    OPTION_CHOICE, /* enum or unsigned: the value's place in `words` */
    OPTION_NUMBER, /* int, decimal, not negative */
};

/* What a value is, for completion. */
enum option_value { VALUE_ANY, VALUE_FILE, VALUE_DIR, VALUE_WORDS };

struct option {
    const char *name;
    const char *alias;     /* a second long name, or NULL */
    const char *group;     /* heading; NULL: that of the option before */
    const char *metavar;   /* "BYTES"; NULL for flags */
    const char *help;      /* one line, no full stop */
    const char *const *words; /* NULL-terminated: a choice's values, else what completion offers */
    size_t offset, count_offset; /* into the verb's struct; the latter for lists */
    enum option_kind kind;
    enum option_value value;
    unsigned bare;         /* choice: its place when no value is given; 0: a value is required */
    char letter;           /* 0: none */
    bool inverted;         /* flag that is on by default: the field is its opposite, --no-NAME */
    bool hidden;           /* parsed, but in no help */
};

/* What an OPTION_LIST fills. */
struct word_list {
    const char **words;
    size_t count;
};

/* A verb's options and how it is called. */
struct option_set {
    const char *program, *verb; /* "bocal", "run" */
    const char *synopsis;       /* after "[OPTION...] ": "[COMMAND [ARGUMENT...]]" */
    const char *summary;        /* what the verb does, one line, no full stop */
    const char *const *operands; /* NULL-terminated: the first words that completion offers */
    bool of_verb;                /* its first word is the name of a verb */
    const struct option *options;
    size_t count;
    bool in_order;               /* the first word that is no option ends the options */
};

#define FOR_OPTIONS(o, set) \
    for (const struct option *o = (set)->options; o && o < (set)->options + (set)->count; o++)

/* Fills TARGET, the verb's struct, from WORDS (NULL-terminated, without the verb). Lists grow in
 * ARENA; strings point into WORDS, which must outlive TARGET. `--help` is known in every set (and
 * `-h` where no option has that letter): it sets *HELP and ends the parsing. Returns the number of
 * words used, so that WORDS + it are the operands, which are moved there, or -EINVAL with a sentence. */
int option_parse(const struct option_set *set, struct arena *arena, char **words, void *target,
                 bool *help);

/* Whether a value must follow: not for flags, nor for choices that have a bare form. */
static inline bool option_takes_value(const struct option *option)
{
    return option->kind != OPTION_FLAG && !option->bare;
}

/* How many slips of the finger lie between what was TYPED and NAME: letters left out, added,
 * exchanged, swapped. 1 when TYPED is a beginning of NAME. UINT_MAX: not similar at all. */
unsigned option_slips(const char *typed, const char *name);
