/* An OCI bundle: config.json and the root file system beside it. */
#pragma once

#include "spec/config.h"

/* Reads DIR/config.json into CONFIG, whose arena is the caller's; the root's path becomes absolute, and the
 * seccomp profile is compiled into SECCOMP (through the directory CACHE). -errno with a sentence. */
int bundle_load(const char *dir, const char *cache, struct config *config, struct seccomp_program *seccomp);
