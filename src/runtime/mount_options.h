/* The words of mount options (runtime-spec config.md "Linux mount options", mount(8)) as one table.
 * Pure. */
#pragma once

#include "runtime/step_data.h"

/* Parses MOUNT's options into SPEC. What no word of the table names is a setting of the file system
 * ("size=64m"), which binds have none of: there it is UNKNOWN. */
int mount_options_parse(struct arena *arena, const struct mount_config *mount,
                        struct mount_spec *spec);

/* Every word of the table that is built, NULL-terminated, in ARENA. */
char **mount_options_words(struct arena *arena);

/* ", ro, nosuid, size=64k": SPEC for people, "" when there is nothing to say. */
char *mount_options_describe(struct arena *arena, const struct mount_spec *spec);
