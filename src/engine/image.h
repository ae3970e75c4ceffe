/* An image of the store as what a container is made from. */
#pragma once

#include "image/content.h"
#include "image/layers.h"

/* Opens the caller's store, and makes what is missing of it. */
int caller_store_open(struct arena *arena, struct store *store);

/* Opens the caller's store, and makes nothing. Where there is none: -ENOENT with a sentence about the image
 * WORD, or where that is NULL 0, with blobs of -1 (and fd, unless something else of bocal's is there). */
int caller_store_look(struct arena *arena, const char *word, struct store *store);

/* What has come for the image that is to be run, by its blobs' digests: what is not noted was here. */
struct arrival {
    const char *digest;
    bool fetched, unpacked;
};
struct arrivals {
    struct arena *arena;
    struct arrival *list;
    size_t count;
};
void arrivals_note(struct arrivals *arrivals, const char *digest, bool unpacked);
/* An arrival that says nothing, where DIGEST is none. */
struct arrival arrivals_find(const struct arrivals *arrivals, const char *digest);

enum image_source { FROM_STORE, FROM_REGISTRY, FROM_ARCHIVE };

struct run_image {
    struct store store;
    struct content content;
    struct layer_stack stack;
    int hold;                 /* they stay while it is open; owned */
    const char *word;         /* what it was asked for by */
    enum image_source source;
    struct arrivals arrivals;
};

/* What is to be run: WORD of the store at DATA, for PLATFORM, which the user has said; NULL: for this machine, and for no other. */
struct image_wish {
    const char *data, *word;
    const struct platform *platform;
    bool looked_at; /* it is not run, and may be any machine's */
};

/* Finds what is WISHed in the store, and unpacks what is not unpacked yet. -ENOENT with a sentence where it is not here, or not for
 * that platform; -ENOTSUP where it is for a machine that this one is not, and nothing stands in for that; -errno. All lives in ARENA. */
int run_image_open(struct arena *arena, const struct image_wish *wish, struct run_image *image);
void run_image_close(struct run_image *image);
#define auto_run_image __attribute__((cleanup(run_image_close))) struct run_image
/* None: what may be closed. */
#define NO_RUN_IMAGE ((struct run_image){.store = {.fd = -1, .blobs = -1}, .hold = -1})

/* Whose an image's files are that the caller unpacks: root's as they are; a user's in the ids of his containers, or all his. */
int layer_owners_choose(struct arena *arena, struct layer_owners *owners);
