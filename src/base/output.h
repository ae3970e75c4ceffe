/* A file that gets its name when it is complete: who is killed before leaves what was there, and nothing beside it where the
 * file system has O_TMPFILE (open(2)); where it has not, PATH.part, which the next writer of PATH removes. */
#pragma once

#include <stdbool.h>

struct output {
    int fd;           /* to write to; owned */
    const char *path; /* borrowed */
    bool named;       /* it is PATH.part already */
};

/* Begins to write PATH, with the mode of new files. -errno with a sentence; -EBUSY where another begins to at the same time. */
int output_begin(struct output *output, const char *path);

/* Syncs it, and gives it its name, in place of what has it. */
int output_keep(struct output *output);

/* Removes it, unless it was kept. */
void output_end(struct output *output);
#define auto_output __attribute__((cleanup(output_end))) struct output
