/* The store's places and its index. The index is read into a tree of JSON and changed there, so that what other tools have
 * written into it stays. */
#include "image/store.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "spec/manifest.h"
#include "spec/reference.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char annotation_total[] = "io.bocal.image.size";
enum { LEAST_DIGITS = 6, SHOWN = 6, DIGITS_SHOWN = 19 }; /* of digests; candidates; with "sha256:" */

/* ---- places ---- */

static int open_places(struct store *store)
{
    store->fd = open(store->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (store->fd < 0)
        return -errno;
    store->blobs = openat(store->fd, "images/blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return store->blobs < 0 ? -errno : 0;
}

int store_look(struct arena *arena, const char *dir, struct store *store)
{
    *store = (struct store){.arena = arena, .dir = dir, .fd = -1, .blobs = -1};
    int r = open_places(store);
    return r == 0 || r == -ENOENT ? r : fail(r, "open the image store %s", dir);
}

static int make_layout(const struct store *store)
{
    static const char layout[] = "{\"imageLayoutVersion\": \"1.0.0\"}\n";
    static const char empty[] = "{\"schemaVersion\": 2, \"mediaType\": \"application/vnd.oci.image.index.v1+json\", \"manifests\": []}\n";
    if (faccessat(store->fd, "images/index.json", F_OK, 0) < 0)
        TRY(file_replace_synced(store->fd, "images/index.json", empty, sizeof empty - 1, 0644));
    return faccessat(store->fd, "images/oci-layout", F_OK, 0) == 0
               ? 0
               : file_replace(store->fd, "images/oci-layout", layout, sizeof layout - 1, 0644);
}

static int lock_file(const struct store *store, const char *name, int how)
{
    auto_fd fd = openat(store->fd, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(-errno, "open %s/%s", store->dir, name);
    if (flock(fd, how) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : fail(-errno, "lock %s/%s", store->dir, name);
    return take_fd(&fd);
}

int store_open(struct arena *arena, const char *dir, struct store *store)
{
    static const char *const places[] = {"images/blobs/sha256", "layers", "ingest"};
    *store = (struct store){.arena = arena, .dir = dir, .fd = -1, .blobs = -1};
    TRY(dir_make(dir, 0711));
    for (size_t i = 0; i < COUNT(places); i++)
        TRY(dir_make(arena_printf(arena, "%s/%s", dir, places[i]), 0700));
    int r = open_places(store);
    if (r < 0)
        return fail(r, "open the image store %s", dir);
    auto_fd lock = lock_file(store, "lock", LOCK_EX);
    return lock < 0 ? lock : make_layout(store);
}

void store_close(struct store *store)
{
    cleanup_fd(&store->fd);
    cleanup_fd(&store->blobs);
    store->fd = store->blobs = -1;
}

int store_hold(const struct store *store, bool exclusive, bool now)
{
    return lock_file(store, "users", (exclusive ? LOCK_EX : LOCK_SH) | (now ? LOCK_NB : 0));
}

/* ---- blobs ---- */

static int place_of(const struct store *store, const char *hex)
{
    const struct ingest *incoming = store->incoming;
    return incoming && faccessat(incoming->fd, hex, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? incoming->fd : store->blobs;
}

int store_blob(const struct store *store, const char *digest)
{
    const char *hex = digest_hex(digest);
    int fd = openat(place_of(store, hex), hex, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return refuse(-ENOENT, "blob %s is missing from %s (pull or load the image again)", digest, store->dir);
    return fd < 0 ? fail(-errno, "open blob %s", digest) : fd;
}

int store_document(const struct store *store, const char *digest, char **text)
{
    ssize_t size = file_read(place_of(store, digest_hex(digest)), digest_hex(digest), DOCUMENT_MAX, text);
    return size < 0 ? because((int)size, "blob %s", digest) : (int)size;
}

/* ---- the index ---- */

static int read_index(const struct store *store, struct json_object **index)
{
    auto_free char *text = NULL;
    ssize_t size = file_read(store->fd, "images/index.json", INDEX_MAX, &text);
    if (size < 0)
        return because((int)size, "image store %s", store->dir);
    *index = json_tokener_parse(text);
    if (json_list_of(*index, "manifests"))
        return 0;
    json_object_put(take_ptr(index));
    return refuse(-EINVAL, "%s/images/index.json: not an index of images", store->dir);
}

static struct image image_of(const struct store *store, struct json_object *entry)
{
    struct json_object *annotations = NULL, *size = NULL;
    json_object_object_get_ex(entry, "annotations", &annotations);
    json_object_object_get_ex(entry, "size", &size);
    const char *name = json_text_of(annotations, ANNOTATION_REF_NAME), *digest = json_text_of(entry, "digest"),
               *type = json_text_of(entry, "mediaType");
    if (!digest_valid(digest)) /* of another tool's making */
        return (struct image){.name = NULL};
    const char *created = json_text_of(annotations, ANNOTATION_CREATED), *total = json_text_of(annotations, annotation_total);
    uint64_t all = 0;
    if (!total || text_to_u64(total, INT64_MAX, &all) < 0)
        all = 0;
    return (struct image){.created = created ? arena_strdup(store->arena, created) : NULL,
                          .total = all,
                          .name = name ? arena_strdup(store->arena, name) : NULL,
                          .digest = arena_strdup(store->arena, digest),
                          .media_type = arena_strdup(store->arena, type ? type : ""),
                          .size = size ? (uint64_t)json_object_get_int64(size) : 0};
}

int store_images(const struct store *store, struct image **images, size_t *count)
{
    auto_json *index = NULL;
    TRY(read_index(store, &index));
    struct json_object *list = json_list_of(index, "manifests");
    *count = json_length(list);
    *images = arena_alloc(store->arena, (*count + 1) * sizeof **images);
    size_t known = 0;
    for (size_t i = 0; i < *count; i++) {
        struct image image = image_of(store, json_object_array_get_idx(list, i));
        if (image.digest)
            (*images)[known++] = image;
    }
    *count = known;
    return 0;
}

static const char *name_of(struct json_object *entry)
{
    struct json_object *annotations = NULL;
    json_object_object_get_ex(entry, "annotations", &annotations);
    return json_text_of(annotations, ANNOTATION_REF_NAME);
}

static void annotate(struct json_object *annotations, const char *key, const char *value)
{
    if (value)
        json_object_object_add(annotations, key, json_object_new_string(value));
}

static struct json_object *entry_of(const struct store *store, const char *name, const struct image *image)
{
    struct json_object *entry = json_object_new_object(), *annotations = json_object_new_object();
    json_object_object_add(entry, "mediaType", json_object_new_string(image->media_type));
    json_object_object_add(entry, "digest", json_object_new_string(image->digest));
    json_object_object_add(entry, "size", json_object_new_int64((int64_t)image->size));
    annotate(annotations, ANNOTATION_REF_NAME, name);
    annotate(annotations, ANNOTATION_CREATED, image->created);
    annotate(annotations, annotation_total, image->total ? arena_printf(store->arena, "%llu", (unsigned long long)image->total) : NULL);
    json_object_object_add(entry, "annotations", annotations);
    return entry;
}

/* A change of the list of entries: how many it has changed. */
typedef int index_change(const struct store *store, struct json_object *list, const struct naming *names, size_t count);

static int change_index(const struct store *store, index_change *change, const struct naming *names, size_t count)
{
    auto_fd lock = lock_file(store, "lock", LOCK_EX);
    auto_json *index = NULL;
    TRY(lock);
    TRY(read_index(store, &index));
    int changed = change(store, json_list_of(index, "manifests"), names, count);
    if (!changed)
        return 0;
    if (!json_text_of(index, "mediaType"))
        json_object_object_add(index, "mediaType", json_object_new_string(MEDIA_OCI_INDEX));
    const char *text = json_object_to_json_string_ext(index, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (strlen(text) > INDEX_MAX)
        return refuse(-EFBIG, "%s/images/index.json would have more than %d MB (remove images: bocal rmi)", store->dir, INDEX_MAX >> 20);
    TRY(file_replace_synced(store->fd, "images/index.json", text, strlen(text), 0644));
    return changed;
}

static int take_name(const struct store *store, struct json_object *list, const struct naming *names, size_t count)
{
    int taken = 0;
    (void)store;
    for (size_t i = json_length(list); i-- > 0;)
        for (size_t k = 0; k < count; k++)
            if (text_equal(name_of(json_object_array_get_idx(list, i)), names[k].name)) {
                json_object_array_del_idx(list, i, 1);
                taken++;
                break;
            }
    return taken;
}

/* The entry without a name. */
static int take_unnamed(struct json_object *list, const struct image *image)
{
    int taken = 0;
    for (size_t i = json_length(list); i-- > 0;) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        if (!name_of(entry) && text_equal(json_text_of(entry, "digest"), image->digest))
            json_object_array_del_idx(list, i, 1), taken++;
    }
    return taken;
}

static int take_entries(const struct store *store, struct json_object *list, const struct naming *names, size_t count)
{
    int taken = take_name(store, list, names, count);
    for (size_t k = 0; k < count; k++)
        if (!names[k].name)
            taken += take_unnamed(list, names[k].image);
    return taken;
}

static int take_digest(const struct store *store, struct json_object *list, const struct naming *names, size_t count)
{
    int taken = 0;
    (void)store;
    (void)count;
    for (size_t i = json_length(list); i-- > 0;)
        if (text_equal(json_text_of(json_object_array_get_idx(list, i), "digest"), names->image->digest))
            json_object_array_del_idx(list, i, 1), taken++;
    return taken;
}

static bool is_listed(struct json_object *list, const struct image *image)
{
    for (size_t i = 0; i < json_length(list); i++)
        if (text_equal(json_text_of(json_object_array_get_idx(list, i), "digest"), image->digest))
            return true;
    return false;
}

static int give_names(const struct store *store, struct json_object *list, const struct naming *names, size_t count)
{
    take_name(store, list, names, count);
    for (size_t i = 0; i < count; i++)
        if (names[i].name) /* it is no longer an image without one */
            take_unnamed(list, names[i].image);
    for (size_t i = 0; i < count; i++)
        if (names[i].name || !is_listed(list, names[i].image))
            json_object_array_add(list, entry_of(store, names[i].name, names[i].image));
    return (int)count;
}

int store_name(const struct store *store, const struct naming *names, size_t count)
{
    int r = change_index(store, give_names, names, count);
    return r < 0 ? r : 0;
}

int store_unname(const struct store *store, const char *name)
{
    int r = change_index(store, take_name, &(struct naming){.name = name}, 1);
    return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

int store_take(const struct store *store, const struct naming *entries, size_t count)
{
    int r = count ? change_index(store, take_entries, entries, count) : 0;
    return r < 0 ? r : 0;
}

int store_forget(const struct store *store, const struct image *image)
{
    int r = change_index(store, take_digest, &(struct naming){.image = image}, 1);
    return r < 0 ? r : 0;
}

/* ---- finding ---- */

/* The digits that WORD says a digest begins with, or NULL: as `images` prints them, or with the algorithm before. */
static const char *digest_start(const char *word)
{
    const char *after = text_after(word, "sha256:"), *digits = after ? after : word;
    size_t n = strlen(digits);
    return n >= LEAST_DIGITS && n <= DIGEST_HEX && strspn(digits, "0123456789abcdef") == n ? digits : NULL;
}

/* What may be meant, for people: names where there are such. */
struct candidates {
    struct arena *arena;
    const char *text;
    size_t count;
};

static void add_candidate(struct candidates *candidates, const struct image *image)
{
    const char *digest = arena_strndup(candidates->arena, image->digest, DIGITS_SHOWN);
    if (++candidates->count > SHOWN)
        return;
    candidates->text = arena_printf(candidates->arena, "%s%s%s%s%s", candidates->text ? candidates->text : "", candidates->text ? ", " : "",
                                    image->name ? image->name : "", image->name ? " " : "", digest);
}

/* An image whose digest begins with DIGITS; of two that differ neither. */
static const struct image *by_digest(const struct image *images, size_t count, const char *digits, bool *several,
                                     struct candidates *candidates)
{
    const struct image *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *hex = text_after(images[i].digest, "sha256:");
        if (!hex || !text_after(hex, digits))
            continue;
        add_candidate(candidates, &images[i]);
        *several |= found && !text_equal(found->digest, images[i].digest);
        found = &images[i];
    }
    return found;
}

/* The one that WANTED means; where that is a short name which several have behind their hosts, none. */
static const struct image *by_reference(const struct store *store, const struct image *images, size_t count,
                                        const struct reference *wanted, bool *several, struct candidates *candidates)
{
    const struct image *found = NULL;
    for (size_t i = 0; i < count; i++) {
        struct reference stored;
        bool named = images[i].name && reference_parse(store->arena, images[i].name, &stored) == 0;
        error_clear(); /* other tools may have written names that are no references */
        if (!reference_matches(wanted, named ? &stored : NULL, images[i].digest))
            continue;
        if (named && text_equal(stored.text, wanted->text)) {
            *several = false;
            return &images[i];
        }
        add_candidate(candidates, &images[i]);
        *several |= found && !text_equal(found->digest, images[i].digest);
        found = &images[i];
    }
    return found;
}

int store_find(const struct store *store, const char *word, struct image *image)
{
    struct image *images;
    size_t count;
    bool several = false;
    struct reference wanted = {.kind = REFERENCE_DIGEST};
    struct candidates candidates = {.arena = store->arena};
    const struct image *found = NULL;
    const char *digits = digest_start(word);
    TRY(store_images(store, &images, &count));
    if (!digits || digits == word) {
        TRY(reference_parse(store->arena, word, &wanted));
        if (wanted.kind != REFERENCE_NAME && wanted.kind != REFERENCE_DIGEST)
            return refuse(-EINVAL, "%.200s: not an image of the store (load it first: bocal load)", word);
        found = by_reference(store, images, count, &wanted, &several, &candidates);
    }
    bool is_digest = (!found && digits) || (found && wanted.kind == REFERENCE_DIGEST);
    if (!found && digits)
        found = by_digest(images, count, digits, &several, &candidates);
    if (several)
        return refuse(-EINVAL, "image %.200s: several are meant by it: %.600s%s (give more of one)", word, candidates.text,
                      candidates.count > SHOWN ? ", ..." : "");
    if (!found)
        return refuse(-ENOENT, "image %.200s is not here (bocal pull, or bocal load; bocal images lists what is)", word);
    *image = *found;
    image->by_digest = is_digest || wanted.digest;
    return 0;
}
