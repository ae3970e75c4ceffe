/* The blob comes through a source, which verifies it. Digests are known in the end only, when everything is written: on failure
 * the directory is rubbish, and its owner's to remove. */
#include "archive/unpack.h"

#include "archive/confine.h"
#include "archive/layer.h"
#include "archive/seal.h"
#include "archive/userns.h"
#include "archive/verb.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/option.h"
#include "base/overlay.h"
#include "base/process.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

enum { FD_ROOT = 3, FD_PARENTS = 4, PARENTS_MOST = 512 };

struct unpack_options {
    const char *digest, *size, *diff_id, *limit, *ratio, *entries;
    int parents, userns, grows;
    bool user, flat, both;
};

#define TEXT(field) .offset = offsetof(struct unpack_options, field), .kind = OPTION_TEXT
#define FLAG(field) .offset = offsetof(struct unpack_options, field), .kind = OPTION_FLAG
static const struct option options[] = {
    {"digest", .group = "Options", .metavar = "DIGEST", .help = "of the blob, sha256:HEX", TEXT(digest)},
    {"size", .metavar = "BYTES", .help = "of the blob", TEXT(size)},
    {"diff-id", .metavar = "DIGEST", .help = "of the tar in it, sha256:HEX", TEXT(diff_id)},
    {"user", .help = "marks of overlayfs in user.*, for mounts in a user namespace", FLAG(user)},
    {"both", .help = "marks in user.* and in trusted.*: some mounts are made in a user namespace", FLAG(both)},
    {"flat", .help = "with one id: owners and modes are recorded in user.containers.override_stat", FLAG(flat)},
    {"parents", .metavar = "N", .help = "the layers below are descriptors 4 and on, the topmost first",
     .offset = offsetof(struct unpack_options, parents), .kind = OPTION_NUMBER},
    {"userns", .metavar = "FD", .help = "be root of the user namespace that this descriptor is",
     .offset = offsetof(struct unpack_options, userns), .kind = OPTION_NUMBER},
    {"grows", .metavar = "FD", .help = "the blob is still written: an eventfd(2), to which what has come is added",
     .offset = offsetof(struct unpack_options, grows), .kind = OPTION_NUMBER},
    {"limit", .metavar = "BYTES", .help = "most that it may unpack to", TEXT(limit)},
    {"ratio", .metavar = "N", .help = "most that it may unpack to, in sizes of the blob", TEXT(ratio)},
    {"entries", .metavar = "N", .help = "most files that it may have", TEXT(entries)},
};
static const struct option_set set = {
    .program = "bocal-archive", .verb = "unpack", .synopsis = "<BLOB", .summary = "unpack a layer into descriptor 3",
    .options = options, .count = COUNT(options),
};

struct unpack {
    struct source *source;
    struct extractor extractor;
    struct timespec told; /* when */
};

static void tell_progress(uint64_t read, void *data)
{
    struct unpack *unpack = data;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    int64_t passed = (now.tv_sec - unpack->told.tv_sec) * 1000 + (now.tv_nsec - unpack->told.tv_nsec) / 1000000;
    if (passed < 100)
        return;
    unpack->told = now;
    printf("{\"read\": %" PRIu64 "}\n", read);
    fflush(stdout);
}

/* ---- the verb ---- */

static int verify(struct source *source, const struct unpack_options *wanted, uint64_t size)
{
    struct source_sums sums;
    TRY(source_finish(source, &sums));
    if (sums.packed_size != size)
        return refuse(-EBADMSG, "the layer has %" PRIu64 " bytes and should have %" PRIu64, sums.packed_size, size);
    if (!text_equal(sums.packed, wanted->digest))
        return refuse(-EBADMSG, "the layer is not what its name says: it is %s, not %s", sums.packed, wanted->digest);
    if (!text_equal(sums.plain, wanted->diff_id))
        return refuse(-EBADMSG, "the layer's tar is not that of the image's configuration: it is %s, not %s", sums.plain, wanted->diff_id);
    return 0;
}

static void put_result(const struct extractor *done, const struct seal *seal)
{
    struct json_writer json = json_writer_compact(stdout);
    json_begin_object(&json, NULL);
    json_put_u64(&json, "entries", done->entries);
    json_put_u64(&json, "bytes", done->bytes);
    json_put_u64(&json, "skippedDevices", done->skipped_devices);
    json_put_u64(&json, "skippedAttributes", done->skipped_attributes);
    json_put_string(&json, "seal", seal->digest);
    json_put_bool(&json, "root", done->tree.root_named);
    json_put_bool(&json, "rootOpaque", done->tree.root_opaque);
    json_end_object(&json);
    putchar('\n');
}

static int number(const char *name, const char *text, uint64_t least, uint64_t *value)
{
    if (!text)
        return refuse(-EINVAL, "--%s is missing", name);
    if (text_to_u64(text, INT64_MAX, value) < 0 || *value < least)
        return refuse(-EINVAL, "--%s %.80s: not such a number", name, text);
    return 0;
}

static int unpack_with(const struct unpack_options *wanted, struct unpack *unpack)
{
    uint64_t size, limit, ratio, entries;
    struct seal seal;
    int layers[PARENTS_MOST];
    TRY(digest_check("--digest", wanted->digest));
    TRY(digest_check("--diff-id", wanted->diff_id));
    TRY(number("size", wanted->size, 0, &size));
    TRY(number("limit", wanted->limit, 1, &limit));
    TRY(number("ratio", wanted->ratio, 1, &ratio));
    TRY(number("entries", wanted->entries, 1, &entries));
    if (wanted->parents > PARENTS_MOST)
        return refuse(-EINVAL, "--parents %d: more than %d", wanted->parents, PARENTS_MOST);
    for (int i = 0; i < wanted->parents; i++)
        layers[i] = FD_PARENTS + i;
    if (wanted->userns)
        TRY(userns_enter(wanted->userns));
    struct extractor *extractor = &unpack->extractor;
    extractor->tree.below = (struct below){.layers = layers, .count = wanted->parents,
                                           .opaque = wanted->user ? OVERLAY_OPAQUE_USER : OVERLAY_OPAQUE,
                                           .also = wanted->both ? OVERLAY_OPAQUE_USER : NULL};
    extractor->tree.policy.flat = wanted->flat;
    extractor->skip_devices = wanted->flat || process_in_userns();
    extractor->limit = limit;
    extractor->most = entries;
    TRY(extract_begin(extractor, FD_ROOT));
    size_t given = wanted->parents < 0 ? 0 : (size_t)wanted->parents;
    TRY(confine(&(struct confinement){.write = FD_ROOT, .read = layers, .reads = given}));
    TRY(source_start(&unpack->source, STDIN_FILENO, &(struct source_limits){size, limit, ratio, wanted->grows}));
    TRY(extract_layer(extractor, unpack->source, tell_progress, unpack));
    TRY(verify(unpack->source, wanted, size));
    TRY(seal_tree(FD_ROOT, wanted->flat, &extractor->bodies, &seal));
    put_result(extractor, &seal);
    return 0;
}

int verb_unpack(char **words)
{
    auto_arena arena = {0};
    struct unpack_options wanted = {.parents = -1, .limit = "68719476736", .ratio = "1000", .entries = "2000000"};
    bool help;
    int used = option_parse(&set, &arena, words, &wanted, &help);
    TRY(used);
    TRY(words_none(words + used));
    struct unpack unpack = {0};
    int r = unpack_with(&wanted, &unpack);
    bool needs = unpack.extractor.tree.needs_below;
    source_free(unpack.source);
    extract_free(&unpack.extractor);
    return r < 0 && needs ? STATUS_NEEDS_PARENTS : r;
}
