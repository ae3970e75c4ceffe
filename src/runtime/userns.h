/* User namespaces: their maps, and namespaces that only an fd holds (user_namespaces(7)). */
#pragma once

#include "runtime/step_data.h"

#include <sys/types.h>

/* Writes the maps of the user namespace that PID has just made, by newuidmap(1) and newgidmap(1) where MAP names them. -errno
 * with a sentence. */
int userns_map(pid_t pid, const struct map_spec *map);

/* A user namespace that has just these maps: an fd, the caller's. */
int userns_holding(const struct map_spec *map);

/* OWN as 0, and RANGES from 1 on, as an ordinary user's containers have them. */
void userns_ranges(struct arena *arena, uint32_t own, const struct idmaps *ranges, struct idmaps *maps);

/* A user namespace with the ids that the caller's containers have, as userns_ranges() says: an fd, the caller's. -ENOENT without a
 * sentence where he has no ranges, or newuidmap(1) is missing. */
int userns_of_caller(struct arena *arena);

/* tree_remove() of PATH; where that is not the caller's to do, an ordinary user, in such a namespace: what his containers have
 * written belongs to their ids. -errno with a sentence. */
int userns_remove(const char *path);
