/* The verbs of the command line. A verb is an option set (base/option.h) and a function; main.c
 * finds it in the one table of verb.c, which help and completion read as well. */
#pragma once

#include "base/option_doc.h"

/* How a verb was called. */
struct call {
    bool seed;           /* as `container`: with the seed's manners */
    char **words;        /* what follows the verb, NULL-terminated */
};

struct verb {
    const struct option_set *set;
    const struct option_prose *prose; /* of its manual; may be NULL */
    /* Returns the exit status of the process, with a sentence recorded where one is to be printed,
     * or -errno with a sentence, which is exit status 125. Prints no error itself. */
    int (*run)(const struct call *call);
};

/* Ordered as people should read them. */
size_t verb_count(void);
const struct verb *verb_at(size_t i);

/* The verb of that name, or NULL with a sentence that suggests one. */
const struct verb *verb_find(const char *name);

/* Prints the help of a verb to standard output, as wide as the terminal; returns 0. */
int verb_help(const struct verb *verb);

/* Prints how bocal is called and its verbs. */
void verb_usage(FILE *out);

/* Refuses words after the last one that a verb takes: -EINVAL with a sentence, or 0. */
int verb_ends(char *const *words);
