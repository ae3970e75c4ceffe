/* A profile with Docker's extensions as one of the plain OCI format. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/* Whether RULE is for a container with CAPS: all of its includes.caps, none of its excludes.caps. NAME and
 * POINTER are for the message of -EINVAL. */
int seccomp_rule_applies(const char *name, const char *pointer, struct json_object *rule, uint64_t caps,
                         bool *applies);

/* The entry of archMap that is for this machine, borrowed, or NULL. */
struct json_object *seccomp_arch_map(struct json_object *profile);

/* The profile TEXT for a container with CAPS as *RESOLVED, in ARENA: linux.seccomp of a config.json. Rules
 * that do not apply are gone, archMap is `architectures`. -EINVAL with a sentence. */
int seccomp_resolve(struct arena *arena, const char *text, const char *name, uint64_t caps, char **resolved);
