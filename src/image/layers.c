/* Unpacking layers. Each is made in an ingest directory of its own, named by its chainID, so that who wants the same layer at the
 * same time waits for it and finds it done. All begin in their order, lowest first, and so nobody waits for somebody who
 * waits for him. A layer that needs what lies below it (a hard link to a file of a lower layer) says so, and is unpacked again
 * when those are unpacked.
 *
 * What is still being fetched is unpacked as it comes: bocal-archive reads the file that bocal-registry writes, and an eventfd
 * tells it how far. The last byte is kept from it until the blob is verified. Where that goes wrong, it may be that the fetching
 * began anew, and what was read was rubbish: the layer is unpacked once more when its blob is complete, and only what fails then has failed. */
#include "image/layers.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/json_write.h"
#include "base/text.h"
#include "image/program.h"
#include "image/remove.h"
#include "runtime/facts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>

enum { MOST_AT_ONCE = 8, SYNC_EVERY = 2 /* seconds */ };
/* WAITING: for the layers below; AGAIN: for the rest of its blob; UNPACKED: to be synced. */
enum layer_state { LAYER_MISSING, LAYER_UNPACKING, LAYER_WAITING, LAYER_AGAIN, LAYER_UNPACKED, LAYER_THERE };

struct layer {
    struct unpacking *unpacking;
    size_t index;
    enum layer_state state;
    struct ingest ingest;
    uint64_t entries, bytes, skipped;
    char seal[DIGEST_LENGTH + 1]; /* of its files, as bocal-archive has left them */
    bool root, opaque; /* what its tar says of its root: that it is there, that it hides all below */
    bool told, given; /* bocal-archive has said that it is whole; it was given the layers below */
    int growth;       /* -1, or where it is told that there is more to read; owned */
    uint64_t fed;     /* bytes of which it was told */
};

struct unpacking {
    const struct store *store;
    const struct content *content;
    const struct layer_owners *owners;
    const struct layer_supply *supply;
    layer_listener *each;
    void *data;
    struct layer *layers;
    struct program programs[MOST_AT_ONCE];
    struct layer *worked[MOST_AT_ONCE]; /* on which layer a program works; NULL: none */
    size_t at_once, processors;
    time_t unpacked_at; /* the first layer that is not synced; 0: there is none */
};

static void cleanup_unpacking(struct unpacking *u)
{
    for (size_t i = 0; i < u->at_once; i++)
        if (u->worked[i])
            program_end(&u->programs[i]);
    for (size_t i = 0; i < u->content->n_layers; i++) {
        cleanup_fd(&u->layers[i].growth);
        ingest_end(&u->layers[i].ingest);
    }
}

static time_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &at);
    return at.tv_sec + 1; /* never 0 */
}

static const struct descriptor *blob_of(const struct layer *layer)
{
    return &layer->unpacking->content->manifest.layers[layer->index];
}

/* How many bytes of its blob there are. */
static uint64_t have(const struct layer *layer)
{
    const struct layer_supply *supply = layer->unpacking->supply;
    const struct descriptor *blob = blob_of(layer);
    return supply ? supply->have(blob->digest, blob->size, supply->data) : blob->size;
}

static bool is_whole(const struct layer *layer)
{
    return have(layer) == blob_of(layer)->size;
}

static const char *layer_path(const struct unpacking *u, size_t index, const char *below)
{
    return arena_printf(u->store->arena, "layers/%s%s", digest_hex(u->content->chain[index]), below);
}

static bool is_there(const struct unpacking *u, size_t index)
{
    return faccessat(u->store->fd, layer_path(u, index, ""), F_OK, 0) == 0;
}

static void tell(const struct layer *layer, uint64_t read)
{
    const struct unpacking *u = layer->unpacking;
    const struct descriptor *blob = blob_of(layer);
    if (u->each)
        u->each(&(struct layer_event){.index = layer->index, .digest = blob->digest, .size = blob->size, .read = read,
                                      .done = layer->state == LAYER_THERE},
                u->data);
}

/* ---- one layer ---- */

static int hear(struct json_object *object, void *data)
{
    struct layer *layer = data;
    if (json_object_object_get_ex(object, "entries", NULL)) {
        layer->entries = json_number_of(object, "entries");
        layer->bytes = json_number_of(object, "bytes");
        layer->skipped = json_number_of(object, "skippedDevices");
        layer->root = json_flag_of(object, "root");
        layer->opaque = json_flag_of(object, "rootOpaque");
        const char *seal = json_text_of(object, "seal");
        if (!digest_valid(seal))
            return refuse(-EPROTO, "bocal-archive: it does not say what it has unpacked");
        snprintf(layer->seal, sizeof layer->seal, "%s", seal);
        layer->told = true;
    } else {
        tell(layer, json_number_of(object, "read"));
    }
    return 0;
}

/* The directories of the layers below, topmost first, as fds: those that are not synced yet still lie where they were made. */
static int open_parents(const struct layer *layer, int *fds)
{
    const struct unpacking *u = layer->unpacking;
    for (size_t i = 0; i < layer->index; i++) {
        const struct layer *below = &u->layers[layer->index - 1 - i];
        bool there = below->state == LAYER_THERE;
        fds[i] = openat(there ? u->store->fd : below->ingest.fd, there ? layer_path(u, below->index, "/fs") : "fs",
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fds[i] < 0)
            return fail(-errno, "open layer %s", u->content->chain[below->index]);
    }
    return 0;
}

struct fds {
    int list[LAYERS_MAX + 3];
    size_t count;
};

static void cleanup_fds(struct fds *fds)
{
    for (size_t i = 0; i < fds->count; i++)
        cleanup_fd(&fds->list[i]);
}

size_t layer_limits_words(const struct layer_limits *limits, bool layer, struct arena *arena, const char **words, size_t n)
{
    const struct {
        const char *option;
        uint64_t value;
    } said[] = {{"--limit", limits->bytes}, {"--ratio", limits->ratio}, {"--entries", layer ? limits->entries : 0}};
    for (size_t i = 0; i < COUNT(said); i++)
        if (said[i].value) {
            words[n++] = said[i].option;
            words[n++] = arena_printf(arena, "%llu", (unsigned long long)said[i].value);
        }
    return n;
}

/* Its blob; of what is not complete what there is, and then LAYER gets an eventfd for more. */
static int open_blob(struct layer *layer)
{
    const struct unpacking *u = layer->unpacking;
    const struct descriptor *blob = blob_of(layer);
    cleanup_fd(&layer->growth);
    layer->growth = -1;
    layer->fed = 0;
    if (is_whole(layer))
        return store_blob(u->store, blob->digest);
    auto_fd fd = openat(u->store->incoming->fd, arena_printf(u->store->arena, "%s.partial", digest_hex(blob->digest)),
                        O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) /* by now it is */
        return store_blob(u->store, blob->digest);
    if (fd >= 0)
        layer->growth = eventfd(0, EFD_CLOEXEC);
    return fd < 0 || layer->growth < 0 ? fail(-errno, "open blob %s", blob->digest) : take_fd(&fd);
}

static void feed(struct layer *layer)
{
    uint64_t there = have(layer);
    if (layer->growth < 0 || there <= layer->fed)
        return;
    if (eventfd_write(layer->growth, there - layer->fed) == 0)
        layer->fed = there;
}

/* Hands FD over; its number there. */
static const char *hand_over(struct arena *arena, struct fds *fds, int fd)
{
    fds->list[fds->count] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return fds->list[fds->count++] < 0 ? NULL : arena_printf(arena, "%zu", fds->count + 2);
}

static int begin_program(struct layer *layer, bool parents, struct program *program)
{
    const struct unpacking *u = layer->unpacking;
    struct arena *arena = u->store->arena;
    const struct descriptor *blob = blob_of(layer);
    __attribute__((cleanup(cleanup_fds))) struct fds fds = {.count = 0};
    auto_fd input = open_blob(layer);
    TRY(input);
    TRY(store_remove(u->store, arena_printf(arena, "ingest/%s/fs", layer->ingest.name)));
    int r = dir_make_apart(layer->ingest.fd, "fs", 0755);
    if (r < 0)
        return fail(r, "create the directory of a layer");
    fds.list[fds.count++] = openat(layer->ingest.fd, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fds.list[0] < 0)
        return fail(-errno, "open the directory of a layer");
    const char *words[22] = {"unpack", "--digest", blob->digest, "--diff-id", u->content->config.diff_ids[layer->index],
                             "--size", arena_printf(arena, "%llu", (unsigned long long)blob->size)};
    size_t n = layer_limits_words(&u->owners->limits, true, arena, words, 7);
    if (parents) {
        memset(fds.list + 1, -1, layer->index * sizeof *fds.list);
        fds.count += layer->index;
        TRY(open_parents(layer, fds.list + 1));
        words[n++] = "--parents";
        words[n++] = arena_printf(arena, "%zu", layer->index);
    }
    if (u->owners->user)
        words[n++] = "--user";
    else if (facts_kernel() < DETACHED_LAYERS) /* where the container's root makes the overlay, in its user namespace */
        words[n++] = "--both";
    if (u->owners->flat)
        words[n++] = "--flat";
    const struct {
        const char *option;
        int fd;
    } given[] = {{"--userns", u->owners->userns}, {"--grows", layer->growth}};
    for (size_t i = 0; i < COUNT(given); i++)
        if (given[i].fd >= 0) {
            words[n++] = given[i].option;
            words[n++] = hand_over(arena, &fds, given[i].fd);
            if (!words[n - 1])
                return fail(-errno, "unpack a layer");
        }
    return program_start(arena, &(struct program_call){.name = "bocal-archive", .words = words, .input = input, .output = -1,
                                                       .fds = fds.list, .n_fds = fds.count},
                         program);
}

/* layer.json: what the directory was made from, and what it stands on. */
static int describe(const struct layer *layer)
{
    const struct unpacking *u = layer->unpacking;
    const struct descriptor *blob = blob_of(layer);
    auto_free char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return fail(-ENOMEM, "describe a layer");
    struct json_writer json = json_writer_pretty(out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "diffID", u->content->config.diff_ids[layer->index]);
    json_put_string(&json, "blob", blob->digest);
    if (layer->index)
        json_put_string(&json, "parent", u->content->chain[layer->index - 1]);
    json_put_string(&json, "digest", layer->seal);
    json_put_u64(&json, "size", layer->bytes);
    json_put_u64(&json, "entries", layer->entries);
    json_put_u64(&json, "skippedDevices", layer->skipped);
    json_put_bool(&json, "root", layer->root);
    json_put_bool(&json, "rootOpaque", layer->opaque);
    json_end_object(&json);
    fputc('\n', out);
    fclose(out);
    return file_replace(layer->ingest.fd, "layer.json", text, size, 0644);
}

struct json_object *layer_description(const struct store *store, const char *hex)
{
    auto_free char *text = NULL;
    if (file_read(store->fd, arena_printf(store->arena, "layers/%s/layer.json", hex), 1 << 20, &text) < 0) {
        error_clear();
        return NULL;
    }
    return json_tokener_parse(text);
}

static int keep(struct layer *layer)
{
    const struct unpacking *u = layer->unpacking;
    TRY(ingest_keep_as(&layer->ingest, "layers", digest_hex(u->content->chain[layer->index])));
    layer->state = LAYER_THERE;
    tell(layer, blob_of(layer)->size);
    return 0;
}

/* ---- all of them ---- */

static bool all_below(const struct unpacking *u, size_t index, enum layer_state least)
{
    for (size_t i = 0; i < index; i++)
        if (u->layers[i].state < least)
            return false;
    return true;
}

static bool may_begin(const struct unpacking *u, const struct layer *layer)
{
    switch (layer->state) {
    case LAYER_MISSING: return have(layer) > 0 || is_whole(layer);
    case LAYER_WAITING: return all_below(u, layer->index, LAYER_UNPACKED) && have(layer) > 0;
    case LAYER_AGAIN: return is_whole(layer);
    default: return false;
    }
}

/* Those that have all their blob keep a processor busy each; the others wait for the network. */
static bool is_busy(const struct unpacking *u)
{
    size_t busy = 0;
    for (size_t slot = 0; slot < u->at_once; slot++)
        busy += u->worked[slot] && is_whole(u->worked[slot]);
    return busy >= u->processors;
}

/* The next layer to begin, or NULL while there is none. */
static struct layer *next_layer(struct unpacking *u)
{
    for (size_t i = 0; i < u->content->n_layers && !is_busy(u); i++) {
        struct layer *layer = &u->layers[i];
        if (may_begin(u, layer))
            return layer;
        if (layer->state == LAYER_MISSING) /* none before it */
            return NULL;
    }
    return NULL;
}

/* Where somebody else has made it meanwhile there is nothing to do. */
static int begin_layer(struct unpacking *u, struct layer *layer, size_t slot)
{
    if (layer->state == LAYER_MISSING)
        TRY(ingest_begin_for(u->store, "layer", digest_hex(u->content->chain[layer->index]), &layer->ingest));
    if (is_there(u, layer->index)) {
        ingest_end(&layer->ingest);
        layer->state = LAYER_THERE;
        tell(layer, blob_of(layer)->size);
        return 0;
    }
    TRY(begin_program(layer, layer->given || !layer->index, &u->programs[slot])); /* below the lowest there is nothing */
    layer->state = LAYER_UNPACKING;
    u->worked[slot] = layer;
    feed(layer);
    tell(layer, 0);
    return 0;
}

static int begin_all(struct unpacking *u)
{
    for (size_t slot = 0; slot < u->at_once; slot++) {
        struct layer *layer = u->worked[slot] ? NULL : next_layer(u);
        while (layer && !u->worked[slot]) {
            TRY(begin_layer(u, layer, slot));
            layer = next_layer(u);
        }
    }
    return 0;
}

static int work(struct unpacking *u, size_t slot)
{
    struct layer *layer = u->worked[slot];
    int r = program_read(&u->programs[slot], hear, layer);
    if (r == 0)
        return 0;
    u->worked[slot] = NULL;
    program_end(&u->programs[slot]);
    const char *digest = blob_of(layer)->digest;
    if (r < 0 && layer->growth >= 0) {
        error_clear();
        layer->state = LAYER_AGAIN;
        return 0;
    }
    if (r == PROGRAM_PARENTS && layer->index && !layer->given) {
        layer->state = LAYER_WAITING;
        layer->given = true;
        return 0;
    }
    if (r == PROGRAM_PARENTS)
        return refuse(-EINVAL, "unpack layer %.19s: a link to what no layer below has", digest);
    if (r > 0 && !layer->told)
        r = refuse(-EIO, "bocal-archive ended without a word");
    if (r < 0)
        return because(r, "unpack layer %.19s", digest);
    layer->state = LAYER_UNPACKED;
    if (!u->unpacked_at)
        u->unpacked_at = now();
    return describe(layer);
}

static bool is_working(const struct unpacking *u)
{
    for (size_t slot = 0; slot < u->at_once; slot++)
        if (u->worked[slot])
            return true;
    return u->supply && u->supply->program->pid > 0;
}

/* One sync for as many layers as there are: when all are unpacked, or when others may wait for long. */
static bool is_time_to_sync(const struct unpacking *u)
{
    return !is_working(u) || all_below(u, u->content->n_layers, LAYER_UNPACKED) || now() - u->unpacked_at >= SYNC_EVERY;
}

/* How many it were, or -errno. */
static int keep_all(struct unpacking *u)
{
    int kept = 0;
    if (!u->unpacked_at || !is_time_to_sync(u))
        return 0;
    u->unpacked_at = 0;
    for (size_t i = 0; i < u->content->n_layers; i++) {
        struct layer *layer = &u->layers[i];
        if (layer->state != LAYER_UNPACKED)
            continue;
        if (!kept++)
            TRY(ingest_sync(&layer->ingest));
        TRY(keep(layer));
    }
    TRY(store_sync(u->store, "layers"));
    return kept;
}

/* Until one has something to tell, and what that is; or it may be time to sync. */
static int listen(struct unpacking *u)
{
    struct program *programs[MOST_AT_ONCE + 1];
    size_t n = 0;
    for (; n < u->at_once; n++)
        programs[n] = &u->programs[n];
    if (u->supply)
        programs[n++] = u->supply->program;
    TRY(program_poll(programs, n, u->unpacked_at ? 1000 : -1));
    if (u->supply)
        TRY(u->supply->go_on(u->supply->data));
    for (size_t slot = 0; slot < u->at_once; slot++)
        if (u->worked[slot]) {
            feed(u->worked[slot]);
            TRY(work(u, slot));
        }
    return 0;
}

int layers_unpack(const struct store *store, const struct content *content, const struct layer_owners *owners,
                  layer_listener *each, void *data)
{
    return layers_receive(store, content, owners, NULL, each, data);
}

int layers_receive(const struct store *store, const struct content *content, const struct layer_owners *owners,
                   const struct layer_supply *supply, layer_listener *each, void *data)
{
    size_t processors = get_nprocs() > MOST_AT_ONCE ? MOST_AT_ONCE : (size_t)get_nprocs();
    __attribute__((cleanup(cleanup_unpacking))) struct unpacking u = {
        .store = store, .content = content, .owners = owners, .supply = supply, .each = each, .data = data,
        .layers = arena_alloc(store->arena, (content->n_layers + 1) * sizeof *u.layers),
        .at_once = supply ? MOST_AT_ONCE : processors, .processors = processors};
    for (size_t i = 0; i < content->n_layers; i++)
        u.layers[i] = (struct layer){.unpacking = &u, .index = i, .ingest.fd = -1, .growth = -1,
                                     .state = is_there(&u, i) ? LAYER_THERE : LAYER_MISSING};
    for (;;) {
        TRY(begin_all(&u));
        int kept = keep_all(&u);
        TRY(kept);
        if (kept) /* one may have waited for that */
            continue;
        if (!is_working(&u))
            return content->n_layers ? stack_note(store, content) : 0;
        TRY(listen(&u));
    }
}

int layers_use(const struct store *store, const struct content *content, struct layer_stack *stack, int *hold)
{
    auto_fd no_collecting = store_hold(store, false, false);
    TRY(no_collecting);
    if (!content->n_layers)
        return refuse(-EINVAL, "image %s: it has no layers, there is nothing to run", content->image.digest);
    const char *top = content->chain[content->n_layers - 1];
    auto_fd fd = openat(store->fd, arena_printf(store->arena, "layers/%s", digest_hex(top)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : fail(-errno, "open layer %s", top);
    if (flock(fd, LOCK_SH | LOCK_NB) < 0) /* who has it for himself is about to remove it */
        return errno == EWOULDBLOCK ? -ENOENT : fail(-errno, "hold layer %s", top);
    int r = stack_read(store, content, stack);
    if (r == 0)
        *hold = take_fd(&fd);
    return r;
}
