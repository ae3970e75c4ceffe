/* What people and shells read about options, all of it from the tables that the parser walks. What
 * a table has no room for, the manual's prose, is given beside it as sections of scdoc(5) text.
 * Everything goes to a FILE of the caller; whether it could be written is what ferror(3) and
 * fflush(3) tell. */
#pragma once

#include "base/option.h"

#include <stdio.h>

/* A section of the manual: TITLE in capitals and its scdoc source. */
struct option_section {
    const char *title, *text;
};

/* The prose of a verb's manual; lists end with a NULL title, and may be NULL. */
struct option_prose {
    const struct option_section *before, *after; /* of OPTIONS */
};

/* `--help`: usage, and the options by group in two columns, wrapped to COLUMNS. */
void option_help(FILE *out, const struct option_set *set, unsigned columns);

/* The options alone, and --help, after an empty line. */
void option_help_list(FILE *out, const struct option_set *set, unsigned columns);

/* The scdoc source of PROGRAM-VERB(1); PROSE may be NULL. */
void option_man(FILE *out, const struct option_set *set, const struct option_prose *prose);

/* Parts of such a manual: how the verb is called; the options alone, as one list. */
void option_man_synopsis(FILE *out, const struct option_set *set);
void option_man_list(FILE *out, const struct option_set *set);

/* Writes the completion of PROGRAM with these verbs for one shell. */
typedef void option_complete(FILE *out, const char *program, const struct option_set *const *sets,
                             size_t count);
option_complete option_complete_bash, option_complete_zsh, option_complete_fish;
