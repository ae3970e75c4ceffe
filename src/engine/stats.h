/* What a container uses, as `bocal-runtime events` tells it: runc's document, which containerd and others read. */
#pragma once

#include "base/arena.h"
#include "base/json_write.h"

/* The members, into an object that is open. DIRS are the container's cgroups, NULL-terminated. What these do not say
 * is left out: no number is made up. */
void stats_encode(struct arena *arena, char *const *dirs, struct json_writer *json);
