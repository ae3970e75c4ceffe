/* What is in the store takes on disk. */
#pragma once

#include "image/store.h"

/* What PATH below the store's directory takes, as du(1) counts it, in bytes; what is gone takes nothing. As root of the user
 * namespace of the caller's containers where the caller may not look; and where he has none what he may not look into counts without
 * what is in it, as du(1) has it. -errno with a sentence. */
int store_measure(const struct store *store, const char *path, uint64_t *bytes);

/* The same, of what goes whether it can be counted or not: 0 where it cannot. */
uint64_t store_measured(const struct store *store, const char *path);

/* As store_measure(), of PATH alone, without what is in it. */
int store_measure_one(const struct store *store, const char *path, uint64_t *bytes);
