/* Containers by a regular expression. */
#pragma once

#include <stdbool.h>

/* Deletes every container below ROOT in whose id the extended regular expression PATTERN (regex(7)) matches; with FORCE
 * those that run are ended first. -EINVAL, -EBUSY with a sentence: where one cannot be deleted the others are. */
int matching_delete(const char *root, const char *pattern, bool force);
