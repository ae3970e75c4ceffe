/* config.json, the OCI runtime configuration (runtime-spec 1.3.0), into struct config. */
#pragma once

#include "spec/config.h"

/* Reads TEXT, named NAME in messages, into CONFIG, whose arena is the caller's; every origin is a JSON pointer.
 * Default devices are added, relative paths, of the root and of sources of binds, are left relative. Unknown properties are ignored, as the
 * specification asks; wrong values, and what bocal cannot do yet, are errors with a pointer: "config.json:
 * /linux/resources/pids/limit: expected an integer". */
int config_decode(struct config *config, const char *text, size_t length, const char *name);

/* The same for limits alone, as `update --resources` has them: into CONFIG's. */
int config_decode_resources(struct config *config, const char *text, size_t length, const char *name);

/* The same for a process alone, as `exec --process` has it: it replaces CONFIG's. */
int config_decode_process(struct config *config, const char *text, size_t length, const char *name);

/* The same for an array of mounts alone, as `mounts add` has it: it replaces CONFIG's. */
int config_decode_mounts(struct config *config, const char *text, size_t length, const char *name);

/* The name of a hook in config.json. */
const char *config_hook_name(enum hook_kind kind);
