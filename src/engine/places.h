/* Where the engine keeps things: root in /run, /var/lib and /var/cache, users as the XDG Base Directory Specification has it.
 * BOCAL_DATA names another place for images and containers. */
#pragma once

#include "base/arena.h"

struct places {
    const char *state; /* journals */
    const char *data;  /* images, layers, what containers write */
    const char *cache; /* what can be made again */
};

/* The caller's; nothing is made. -ENOENT with a sentence where HOME is not set. */
int places_find(struct arena *arena, struct places *places);
