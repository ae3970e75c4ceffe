/* An OCI bundle: config.json and the root file system beside it. */
#pragma once

#include "spec/config.h"

/* Reads DIR/config.json, or FILE when it is not NULL, into CONFIG, whose arena is the caller's; the root's path becomes absolute, and the
 * seccomp profile is compiled into SECCOMP (through the directory CACHE). Where the annotation io.bocal.upper asks
 * for an overlay over the root, LAYER is the directory for it on disk. -errno with a sentence. */
int bundle_load(const char *dir, const char *file, const char *cache, const char *layer, struct config *config,
                struct seccomp_program *seccomp);

/* *PATH, of CONFIG, becomes absolute: what is relative is so to the bundle. */
void bundle_resolve(const struct config *config, const char **path);

/* Writes DIR/config.json, the usual one; ROOTLESS: one that the caller may use who is not root. -EEXIST with a
 * sentence when there is one. */
int bundle_begin(const char *dir, bool rootless);
