#pragma once

#include "command/progress.h"
#include "command/verb.h"
#include "engine/image.h"
#include "image/add.h"
#include "spec/reference.h"

/* Opens FILE, or standard input for - and NULL; owned by the caller. -errno with a sentence. */
int load_open_input(const char *file);

struct layer_event;
/* A layer_listener whose data is a struct progress. */
void load_show(const struct layer_event *event, void *progress);

extern const struct verb load_verb;

struct load_request {
    struct reference from;      /* a layout, an archive, or standard input */
    bool single;                /* it may have one image only */
    bool packed;                /* layers are not unpacked: nobody runs it */
    enum progress_mode progress;
    struct arrivals *arrivals;  /* what comes is noted there; or NULL */
};

/* Whether images come from there, and not from the store or a registry. */
bool load_can(const struct reference *from);

/* Loads, and shows it. *LIST, in ARENA, has at least one. -errno with a sentence, and then the store is as it was. */
int load_images(struct arena *arena, const struct load_request *request, struct loaded_image **list, size_t *count);
/* The same into STORE. */
int load_into(const struct store *store, const struct load_request *request, struct loaded_image **list, size_t *count);
