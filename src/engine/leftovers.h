/* What containers have left whose bocal was killed. */
#pragma once

#include "engine/places.h"
#include "image/store.h"

/* Removes it, and adds what it was on disk to *FREED. -errno with a sentence. */
int leftovers_remove(const struct store *store, const struct places *places, uint64_t *freed);
