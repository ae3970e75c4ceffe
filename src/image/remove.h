/* Removing what was unpacked. */
#pragma once

#include "image/store.h"

/* Removes PATH below the store's directory, as root of the user namespace of the caller's containers where files there have ids of
 * theirs. 0, or -errno with a sentence. */
int store_remove(const struct store *store, const char *path);
