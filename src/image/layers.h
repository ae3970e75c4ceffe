/* An image's layers as directories, for overlayfs: unpacked once each, by bocal-archive, and shared by all images that have
 * the same layers below them. */
#pragma once

#include "base/cleanup.h"
#include "image/content.h"
#include "image/stack.h"

#include <stdbool.h>

/* What a layer may unpack to; 0: what bocal-archive allows by itself, 64 GiB, 1000 times the size of
 * its blob, and two million entries. */
struct layer_limits {
    uint64_t bytes, ratio, entries;
};

/* Whose the files are. */
struct layer_owners {
    int userns;    /* -1: the caller's ids; else unpacked in this user namespace; owned */
    bool user;     /* an ordinary user's overlay: its marks are in user.overlay.* */
    bool flat;     /* one id: all files are the caller's, their owners an attribute */
    struct layer_limits limits;
};

static inline void layer_owners_close(struct layer_owners *owners)
{
    cleanup_fd(&owners->userns);
}
#define auto_owners __attribute__((cleanup(layer_owners_close))) struct layer_owners

/* What happens, for who shows it: a layer is begun, has come as far as READ of its SIZE bytes, or is there. */
struct layer_event {
    size_t index;
    const char *digest;
    uint64_t size, read;
    bool done;
};
typedef void layer_listener(const struct layer_event *event, void *data);

/* Puts those that are set, and are about a LAYER or else an archive, as options of bocal-archive behind the N WORDS that there are; how
 * many there are then. */
size_t layer_limits_words(const struct layer_limits *limits, bool layer, struct arena *arena, const char **words, size_t n);

/* Where blobs are still being fetched: by PROGRAM, into the store's `incoming`, as HEX.partial and then HEX. */
struct layer_supply {
    struct program *program;
    /* Reads what it tells. 0 while it runs and after it has ended well; -errno ends the unpacking. */
    int (*go_on)(void *data);
    /* How much is there of a blob of SIZE bytes, which is SIZE once it is complete, and right. */
    uint64_t (*have)(const char *digest, uint64_t size, void *data);
    void *data;
};

/* Unpacks what is not there yet, several at a time, and with SUPPLY (or NULL) as their blobs come; the first failure ends all. */
int layers_receive(const struct store *store, const struct content *content, const struct layer_owners *owners,
                   const struct layer_supply *supply, layer_listener *each, void *data);

/* The same of blobs that are all there. */
int layers_unpack(const struct store *store, const struct content *content, const struct layer_owners *owners,
                  layer_listener *each, void *data);

/* What a root is laid over; and HOLD, owned by the caller: the layers stay while it is open. -ENOENT without a sentence where one is
 * not there, or nothing was noted of their roots: layers_unpack() makes up for both. */
int layers_use(const struct store *store, const struct content *content, struct layer_stack *stack, int *hold);

/* layer.json of the layer HEX, owned by the caller, or NULL: it was written before the layer had its name. */
struct json_object *layer_description(const struct store *store, const char *hex);
