/* Mounts of a container that runs. */
#pragma once

#include <stdbool.h>

/* Mounts in the container ID below ROOT what FILE says, "-" is standard input: a JSON array as config.json's /mounts; all of
 * it or nothing. With REMOVE it unmounts what is mounted at those destinations, the last first. -errno with a sentence. */
int mounts_run(const char *root, const char *id, const char *file, bool remove);
