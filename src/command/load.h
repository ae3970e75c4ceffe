#pragma once

#include "command/verb.h"

/* Opens FILE, or standard input for - and NULL; owned by the caller. -errno with a sentence. */
int load_open_input(const char *file);

struct layer_event;
/* A layer_listener whose data is a struct progress. */
void load_show(const struct layer_event *event, void *progress);

extern const struct verb load_verb;
