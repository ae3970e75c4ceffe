/* Every file of the archive is a blob in fd 3 first (spool.h); then the archive's own manifests are
 * read, what they name is checked and kept, and the rest is removed. What is kept is synced: bocal
 * moves it into the store by rename.
 *
 * Docker since 25 writes both kinds of manifest into one archive. The OCI layout is preferred: its
 * manifests are the images' own, where those of manifest.json have to be made here. */
#include "archive/load.h"

#include "archive/confine.h"
#include "archive/digest.h"
#include "archive/spool.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_write.h"
#include "base/option.h"
#include "base/text.h"
#include "spec/reference.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum { INPUT = 0, DIRECTORY = 3, IMPORT_OPTIONS = 2 /* the first of load_table */ };

struct load_options {
    const char *limit, *ratio, *only;
};

static const struct option load_table[] = {
    {.name = "limit",
     .metavar = "BYTES",
     .help = "Refuse archives with more (64g)",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct load_options, limit)},
    {.name = "ratio",
     .metavar = "N",
     .help = "Refuse what unpacks to more than N times its size (1000)",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct load_options, ratio)},
    {.name = "only",
     .metavar = "NAME",
     .help = "Take the image of this name, and no other",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct load_options, only)},
};

int limits_read(const char *verb, char **words, struct limits *limits, const char **only)
{
    const struct option_set load_set = {.program = "bocal-archive", .verb = verb, .synopsis = "", .summary = "Take an archive apart",
                                        .options = load_table, .count = only ? COUNT(load_table) : IMPORT_OPTIONS};
    auto_arena arena = {NULL};
    struct load_options options = {.limit = "64g", .ratio = "1000"};
    bool help = false;
    int used = option_parse(&load_set, &arena, words, &options, &help);
    TRY(used);
    if (words[used])
        return refuse(-EINVAL, "%.80s: %s takes no operands", words[used], verb);
    if (text_to_bytes(options.limit, &limits->bytes) < 0 || !limits->bytes)
        return refuse(-EINVAL, "--limit %.80s: no number of bytes", options.limit);
    if (text_to_u64(options.ratio, UINT64_MAX, &limits->ratio) < 0 || !limits->ratio)
        return refuse(-EINVAL, "--ratio %.80s: no number", options.ratio);
    if (only)
        *only = options.only;
    return 0;
}

/* ---- the one that is wanted ---- */

static bool means(struct load *load, const char *word, const char *name)
{
    struct reference wanted, stored;
    bool both = reference_parse(load->arena, word, &wanted) == 0 && reference_parse(load->arena, name, &stored) == 0;
    error_clear(); /* names in archives may be anything */
    return both && wanted.kind == REFERENCE_NAME && reference_matches(&wanted, &stored, NULL);
}

bool load_wants(struct load *load, const char *name)
{
    enum { SHOWN = 8 };
    if (!load->only)
        return true;
    if (name && (text_equal(name, load->only) || means(load, load->only, name)))
        return true;
    if (name && load->n_seen < SHOWN) {
        size_t n = load->n_seen++;
        *LIST_ADD(load->arena, &load->seen, &n) = arena_strdup(load->arena, name);
        *LIST_ADD(load->arena, &load->seen, &n) = NULL;
    }
    return false;
}

int load_nothing_wanted(const struct load *load)
{
    if (!load->n_seen)
        return refuse(-ENOENT, "the archive has no image %.200s: those in it have no names", load->only);
    return refuse(-ENOENT, "the archive has no image %.200s; it has %.300s", load->only, text_join(load->arena, load->seen, ", "));
}

void load_tell(struct load *load, char *const *names, const struct descriptor *top, uint64_t absent)
{
    struct json_writer json = json_writer_compact(stdout);
    load->images++;
    json_begin_object(&json, NULL);
    json_begin_object(&json, "image");
    json_put_strings(&json, "names", names);
    json_put_string(&json, "manifest", top->digest);
    json_put_string(&json, "mediaType", top->media_type);
    json_put_u64(&json, "size", top->size);
    if (absent)
        json_put_u64(&json, "absent", absent);
    json_end_object(&json);
    json_end_object(&json);
    putc('\n', stdout);
}

static int sync_blob(int dir, const char *name)
{
    auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? fail(-errno, "write blob sha256:%s", name) : 0;
}

static int settle(int dir, const char *name, unsigned char type, void *data)
{
    (void)type;
    const struct blob *blob = strlen(name) == DIGEST_HEX ? blobs_find(data, name) : NULL;
    if (blob && blob->kept)
        return sync_blob(dir, name);
    return unlinkat(dir, name, 0) < 0 ? fail(-errno, "remove what no image needs") : 0;
}

static int load_images(struct load *load)
{
    if (members_find(&load->members, "index.json"))
        return load_oci(load);
    if (members_find(&load->members, "manifest.json"))
        return load_docker(load);
    if (members_find(&load->members, "repositories"))
        return remedy(
            refuse(-ENOTSUP,
                   "the archive was saved by a Docker before 1.10, which knew no manifests"),
            "load and save it with a later one");
    return refuse(-EINVAL,
                  "this is no archive of images: neither index.json nor manifest.json is in it");
}

static int is_empty(int dir, const char *name, unsigned char type, void *data)
{
    (void)dir, (void)type, (void)data;
    return refuse(-ENOTEMPTY, "fd %d is no empty directory: it has %.80s", DIRECTORY, name);
}

static void cleanup_load(struct load *load)
{
    members_free(&load->members);
    blobs_free(&load->blobs);
    arena_free(load->arena);
}

int verb_load(char **words)
{
    struct arena arena = {NULL};
    __attribute__((cleanup(cleanup_load))) struct load load = {
        .arena = &arena,
        .blobs = {.dir = DIRECTORY, .place = "the archive"},
        .members = {.arena = &arena},
    };
    TRY(limits_read("load", words, &load.blobs.limits, &load.only));
    int r = dir_each(DIRECTORY, is_empty, NULL);
    if (r < 0)
        return fail(r, "fd %d", DIRECTORY);
    auto_digest digest = {0};
    TRY(digest_begin(&digest)); /* libcrypto looks around at the first */
    TRY(confine(&(struct confinement){.write = DIRECTORY}));
    TRY(spool(INPUT, &load.blobs, &load.members));
    TRY(load_images(&load));
    r = lseek(DIRECTORY, 0, SEEK_SET) < 0 ? -errno : dir_each(DIRECTORY, settle, &load.blobs);
    if (r < 0 || fsync(DIRECTORY) < 0)
        return fail(r < 0 ? r : -errno, "fd %d", DIRECTORY);
    printf("{\"images\": %" PRIu64 "}\n", load.images);
    return 0;
}
