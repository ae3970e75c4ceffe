#pragma once

#include "base/option.h"
#include "command/verb.h"
#include "image/store.h"

struct prune_options {
    bool all, force;
    struct word_list filters;
};

/* Removes from STORE (its fd -1: there is none) what O says, prints what goes, and adds what it was on disk to *FREED. Asks
 * before names go, on a terminal. -errno with a sentence. */
int prune_images(const struct store *store, const struct prune_options *o, uint64_t *freed);

extern const struct verb prune_verb;
