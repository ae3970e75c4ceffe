/* Removing what is not needed. */
#pragma once

#include "image/store.h"

/* As store_collect(), of a store that the caller holds alone. */
int store_collect_alone(const struct store *store, uint64_t *freed);
