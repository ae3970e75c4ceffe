/* An OCI image layout in a directory, as an archive that image_load() reads: bocal-archive makes it, and verifies what is in it. */
#pragma once

#include "image/program.h"

struct layout {
    struct arena *arena;
    const char *path;
    struct program program;
    int output;             /* of it, to read; owned */
};

/* Begins to read the images of the layout at PATH: the one that is called ONLY, or all, where it is NULL; with SINGLE there may be
 * one only. -errno with a sentence. */
int layout_begin(struct arena *arena, const char *path, const char *only, bool single, struct layout *layout);

/* Ends it, after R of who has read: returns R, or, where the layout was the cause, that with its sentence. */
int layout_finish(struct layout *layout, int r);

void layout_close(struct layout *layout);
#define auto_layout __attribute__((cleanup(layout_close))) struct layout
