/* Verifying: documents are read as they are for running, and bocal-archive hashes all the rest: blobs, and the files of layers, of
 * which layer.json has a digest since they were unpacked. Nothing is collected meanwhile. */
#include "image/verify.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/sha256.h"
#include "base/text.h"
#include "image/content.h"
#include "image/program.h"

#include <fcntl.h>

/* A layer's blob, and what an image says of the tar in it. */
struct claim {
    const char *digest, *diff_id;
};

struct verifying {
    const struct store *store;
    const struct layer_owners *owners;
    verify_listener *each;
    void *data;
    struct claim *claims;
    size_t n_claims;
    struct verification *result;
};

/* All but KIND and NAME is kept where it came from: an error's sentence is not. */
static void tell_of(struct verifying *v, enum fault_kind kind, const char *name, const char *what, const char *sentence)
{
    struct arena *arena = v->store->arena;
    v->result->faults++;
    v->each(&(struct fault){.what = what, .sentence = arena_strdup(arena, sentence), .kind = kind, .name = name ? arena_strdup(arena, name) : NULL},
            v->data);
}

static void tell(struct verifying *v, const char *what, const char *sentence)
{
    tell_of(v, FAULT_OTHER, NULL, what, sentence);
}

static void claim(struct verifying *v, const char *digest, const char *diff_id)
{
    for (size_t i = 0; i < v->n_claims; i++)
        if (text_equal(v->claims[i].digest, digest) && text_equal(v->claims[i].diff_id, diff_id))
            return;
    *LIST_ADD(v->store->arena, &v->claims, &v->n_claims) = (struct claim){digest, diff_id};
}

static void verify_image(struct verifying *v, const struct image *image)
{
    struct content content;
    const char *what = image->name ? image->name : image->digest;
    v->result->images++;
    if (content_read(v->store, image, NULL, &content) < 0) {
        tell(v, what, error_text());
        error_clear();
        return;
    }
    for (size_t i = 0; i < content.n_layers; i++) {
        const char *digest = content.manifest.layers[i].digest;
        claim(v, digest, content.config.diff_ids[i]);
        if (faccessat(v->store->blobs, digest_hex(digest), F_OK, 0) < 0)
            tell(v, what, arena_printf(v->store->arena, "its layer %s is missing (pull or load it again)", digest));
    }
}

/* ---- blobs ---- */

struct sums {
    const struct verifying *v;
    const char *digest, *diff_id; /* as bocal-archive has found them; NULL: not */
};

static int hear(struct json_object *object, void *data)
{
    struct sums *sums = data;
    struct arena *arena = sums->v->store->arena;
    const char *digest = json_text_of(object, "digest"), *diff_id = json_text_of(object, "diffID");
    sums->digest = digest ? arena_strdup(arena, digest) : NULL;
    sums->diff_id = diff_id ? arena_strdup(arena, diff_id) : NULL;
    return 0;
}

static int sum(const struct verifying *v, int blob, bool layer, struct sums *sums)
{
    const char *words[] = {"digest", layer ? "--layer" : NULL, NULL};
    *sums = (struct sums){.v = v};
    return program_run(v->store->arena,
                       &(struct program_call){.name = "bocal-archive", .words = words, .input = blob, .output = -1}, hear, sums);
}

static void compare(struct verifying *v, const char *digest, const struct sums *sums)
{
    if (!text_equal(sums->digest, digest))
        tell_of(v, FAULT_BLOB, digest_hex(digest), digest, arena_printf(v->store->arena, "what is there is %s (remove its images, then pull or load them again)", sums->digest ? sums->digest : "unknown"));
    for (size_t i = 0; i < v->n_claims; i++)
        if (text_equal(v->claims[i].digest, digest) && !text_equal(v->claims[i].diff_id, sums->diff_id))
            tell(v, digest, arena_printf(v->store->arena, "the tar in it is %s, not %s", sums->diff_id ? sums->diff_id : "unknown",
                                         v->claims[i].diff_id));
}

static bool is_layer(const struct verifying *v, const char *digest)
{
    for (size_t i = 0; i < v->n_claims; i++)
        if (text_equal(v->claims[i].digest, digest))
            return true;
    return false;
}

/* It cannot be taken apart: whether it was right when it came its digest says. */
static void tell_damaged(struct verifying *v, int blob, const char *name, const char *digest)
{
    struct sums sums;
    const char *sentence = arena_strdup(v->store->arena, error_text());
    error_clear();
    bool other = lseek(blob, 0, SEEK_SET) == 0 && sum(v, blob, false, &sums) == 0 && sums.digest && !text_equal(sums.digest, digest);
    error_clear();
    tell_of(v, other ? FAULT_BLOB : FAULT_OTHER, other ? name : NULL, digest, sentence);
}

static int verify_blob(int dir, const char *name, unsigned char type, void *data)
{
    struct verifying *v = data;
    struct sums sums;
    const char *digest = arena_printf(v->store->arena, "sha256:%.200s", name);
    (void)type;
    v->result->blobs++;
    if (!digest_valid(digest)) {
        tell_of(v, FAULT_BLOB, name, arena_strdup(v->store->arena, name), "it has no digest for a name");
        return 0;
    }
    auto_fd blob = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (blob < 0)
        return fail(-errno, "open blob %s", digest);
    if (sum(v, blob, is_layer(v, digest), &sums) < 0) /* such as one that is no gzip any more */
        tell_damaged(v, blob, name, digest);
    else
        compare(v, digest, &sums);
    return 0;
}

/* ---- layers ---- */

static const char remedy_layer[] = "(remove its images, then pull or load them again)";

static int hear_seal(struct json_object *object, void *data)
{
    struct sums *sums = data;
    const char *seal = json_text_of(object, "seal");
    sums->digest = seal ? arena_strdup(sums->v->store->arena, seal) : NULL;
    return 0;
}

static int seal(const struct verifying *v, int files, struct sums *sums)
{
    const char *words[8] = {"seal"};
    size_t n = 1, n_fds = 1;
    int fds[2] = {files};
    *sums = (struct sums){.v = v};
    if (v->owners->flat)
        words[n++] = "--flat";
    if (v->owners->userns >= 0) {
        words[n++] = "--userns";
        words[n++] = "4";
        fds[n_fds++] = v->owners->userns;
    }
    return program_run(v->store->arena,
                       &(struct program_call){.name = "bocal-archive", .words = words, .input = -1, .output = -1, .fds = fds, .n_fds = n_fds},
                       hear_seal, sums);
}

/* The name of a layer is its chainID (image-spec config.md): of what it is made from, and of what it stands on. */
static bool name_fits(struct arena *arena, const char *name, const char *diff_id, const char *parent)
{
    char hex[SHA256_HEX_SIZE];
    if (!digest_valid(diff_id) || (parent && !digest_valid(parent)))
        return false;
    if (!parent)
        return text_equal(digest_hex(diff_id), name);
    const char *both = arena_printf(arena, "%s %s", parent, diff_id);
    sha256_hex(both, strlen(both), hex);
    return text_equal(hex, name);
}

/* What is wrong; DAMAGED: and certainly so, where it is not only that it could not be looked at. */
static const char *check_layer(const struct verifying *v, int dir, const char *name, bool *damaged)
{
    struct arena *arena = v->store->arena;
    struct sums sums;
    auto_free char *text = NULL;
    int size = (int)file_read(dir, arena_printf(arena, "%s/layer.json", name), 1 << 20, &text);
    *damaged = size == -ENOENT;
    if (size < 0)
        return error_text();
    auto_json *json = json_tokener_parse(text);
    *damaged = true;
    const char *wanted = json_text_of(json, "digest");
    if (!name_fits(arena, name, json_text_of(json, "diffID"), json_text_of(json, "parent")))
        return arena_printf(arena, "its name is not that of what layer.json says it was made from %s", remedy_layer);
    if (!digest_valid(wanted))
        return arena_printf(arena, "layer.json has no digest of its files %s", remedy_layer);
    auto_fd files = openat(dir, arena_printf(arena, "%s/fs", name), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *damaged = files >= 0 || errno == ENOENT || errno == ENOTDIR;
    if (files < 0)
        return arena_printf(arena, "its files are missing: %s", strerror(errno));
    *damaged = seal(v, files, &sums) == 0;
    if (!*damaged)
        return error_text();
    return text_equal(sums.digest, wanted) ? NULL : arena_printf(arena, "its files are not as they were unpacked %s", remedy_layer);
}

static int verify_layer(int dir, const char *name, unsigned char type, void *data)
{
    struct verifying *v = data;
    (void)type;
    v->result->layers++;
    bool damaged;
    const char *fault = check_layer(v, dir, name, &damaged);
    if (fault)
        tell_of(v, damaged ? FAULT_LAYER : FAULT_OTHER, damaged ? name : NULL, arena_printf(v->store->arena, "layer %.12s", name), fault);
    error_clear();
    return 0;
}

static int each_of(struct verifying *v, const char *directory, dir_visitor *visit)
{
    auto_fd dir = openat(v->store->fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? fail(-errno, "open %s/%s", v->store->dir, directory) : dir_each(dir, visit, v);
}

int store_verify(const struct store *store, const struct layer_owners *owners, verify_listener *each, void *data,
                 struct verification *result)
{
    struct verifying v = {.store = store, .owners = owners, .each = each, .data = data, .result = result};
    struct image *images;
    size_t count;
    *result = (struct verification){0};
    auto_fd adding = store_hold(store, false, false);
    TRY(adding);
    TRY(store_images(store, &images, &count));
    for (size_t i = 0; i < count; i++)
        verify_image(&v, &images[i]);
    TRY(each_of(&v, "images/blobs/sha256", verify_blob));
    return each_of(&v, "layers", verify_layer);
}
