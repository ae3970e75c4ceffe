#pragma once

#include "command/progress.h"
#include "command/verb.h"
#include "engine/image.h"
#include "image/pull.h"

extern const struct verb pull_verb;

struct pull_options {
    const char *platform;
    struct registry_access access;
    bool quiet;
    bool newer; /* where the registry cannot be reached, what is here will do */
    enum progress_mode progress;
    struct arrivals *arrivals; /* what comes is noted there; or NULL */
};

/* Pulls the image WORD, and shows it. IMAGE: what it is then, in ARENA. */
int pull_image(struct arena *arena, const struct pull_options *options, const char *word, struct image *image);
