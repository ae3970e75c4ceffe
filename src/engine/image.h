/* An image of the store as what a container is made from. */
#pragma once

#include "image/content.h"
#include "image/layers.h"

/* Opens the caller's store, and makes what is missing of it. */
int caller_store_open(struct arena *arena, struct store *store);

/* Opens the caller's store, and makes nothing. -ENOENT where there is none: with a sentence about the image WORD, or without one
 * where that is NULL. */
int caller_store_look(struct arena *arena, const char *word, struct store *store);

struct run_image {
    struct store store;
    struct content content;
    const char **directories; /* its layers, the topmost first, NULL-terminated */
    int hold;                 /* they stay while it is open; owned */
};

/* Finds WORD in the store at DATA, and unpacks what is not unpacked yet. -errno with a sentence. All lives in ARENA. */
int run_image_open(struct arena *arena, const char *data, const char *word, struct run_image *image);
void run_image_close(struct run_image *image);

/* Whose an image's files are that the caller unpacks: root's as they are; a user's in the ids of his containers, or all his. */
int layer_owners_choose(struct arena *arena, struct layer_owners *owners);
