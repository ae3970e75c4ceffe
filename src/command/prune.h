#pragma once

#include "base/option.h"
#include "command/verb.h"
#include "image/store.h"

struct prune_options {
    bool all, force;
    struct word_list filters;
};

/* Their rows, for the verbs that have them: under the heading GROUP, with what --all and --force mean there besides. */
#define PRUNE_OPTIONS(GROUP, ALL, FORCE)                                                                                   \
    {.group = GROUP,                                                                                                       \
     .name = "all", .letter = 'a', .kind = OPTION_FLAG, .offset = offsetof(struct prune_options, all),                     \
     .help = "images with names, too, where no container uses them" ALL},                                                  \
        {.name = "filter", .kind = OPTION_LIST, .metavar = "KEY=VALUE", .offset = offsetof(struct prune_options, filters.words), \
         .count_offset = offsetof(struct prune_options, filters.count),                                                    \
         .help = "only images of which this is true: until=TIME, label[!]=KEY[=VALUE]"},                                   \
        {.name = "force", .letter = 'f', .kind = OPTION_FLAG, .offset = offsetof(struct prune_options, force), .help = "do not ask" FORCE}

/* Removes from STORE (its fd -1: there is none) what O says, prints what goes, and adds what it was on disk to *FREED. Asks
 * before names go, on a terminal. -errno with a sentence. */
int prune_images(const struct store *store, const struct prune_options *o, uint64_t *freed);

extern const struct verb prune_verb;
