/* The options of `bocal run`: the table, and the words after them. Knows nothing of containers. */
#pragma once

#include "base/option.h"
#include "engine/run_options.h"

extern const struct option_set run_set;

/* Fills OPTIONS from WORDS, what follows `run`; lists live in ARENA, strings in WORDS. SEED: called
 * as `container`, which announces itself and is interactive. TERMINAL: somebody sits at a terminal,
 * and gets one in the container where the manners ask for it. *HELP: --help was given and nothing
 * else counts. 0, or -EINVAL or -ENOSYS with a sentence. */
int run_parse(struct arena *arena, char **words, bool seed, bool terminal,
              struct run_options *options, bool *help);
