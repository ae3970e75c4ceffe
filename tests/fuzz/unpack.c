/* Layers onto disk, by the functions of bocal-archive: whatever the tar says, nothing beside the
 * directory changes, and what is in it keeps the promises of archive/extract.h.
 *
 * The first byte says how the layer is unpacked and what the others are: a tar as it is, a tar
 * whose checksums are put right first, or a recipe of one, four bytes an entry, with names and
 * links from short lists: most of what can go wrong with names is a few entries that meet, and a
 * recipe finds those where changed bytes of a tar find damaged tars.
 *
 * The scratch directory is below TMPDIR: `in/dest`, to unpack into; `below`, a layer below, which is
 * hostile too; `outside`, which all links lead to. What is not in `in` has to have the same status
 * afterwards, ctime included. As an ordinary user flat. */
#include "target.h"

#include "archive/layer.h"
#include "archive/seal.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "kernel/sys.h"

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum { LIMIT = 1 << 20, RATIO = 1000, BLOCK = 512, LARGEST = 64 << 10, WATCHED = 14 };
enum {
    MEND = 1,
    RECIPE = 2,
    SHAPES = 3,
    GZIP = 4,
    ZSTD = 8,
    PACKINGS = 12,
    FLAT = 16,
    BELOW = 32,
    NEEDS = 64,
    USER = 128
};

/* ---- the scratch directory ---- */

static char scratch[PATH_MAX];
static int top = -1, dest = -1, below = -1, home = -1;
static const char *const watched[WATCHED] = {
    ".",          "outside",    "outside/secret", "outside/directory", "outside/link",
    "below",      "below/d",    "below/d/file",   "below/file",        "below/link",
    "below/hard", "below/pipe", "below/gone",     "below/d/link"};
static struct stat before[WATCHED];

static void remove_scratch(void)
{
    tree_remove(AT_FDCWD, scratch);
}

static void write_secret(const char *path)
{
    auto_fd fd = openat(top, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(write(fd, "secret", 6) == 6);
}

static void make_links(void)
{
    char outside[PATH_MAX + 16];
    snprintf(outside, sizeof outside, "%s/outside", scratch);
    CHECK(symlinkat(outside, top, "outside/link") == 0 &&
          symlinkat(outside, top, "below/link") == 0);
    CHECK(symlinkat("../../outside", top, "below/d/link") == 0 &&
          linkat(top, "below/file", top, "below/hard", 0) == 0);
    CHECK(mkfifoat(top, "below/pipe", 0600) == 0 &&
          mknodat(top, "below/gone", S_IFCHR, makedev(0, 0)) == 0);
}

static void make_scratch(void)
{
    static const char *const directories[] = {"in", "outside", "outside/directory", "below",
                                              "below/d"};
    const char *said = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/bocal-fuzz.XXXXXX", said && *said == '/' ? said : "/tmp");
    CHECK(mkdtemp(scratch) && atexit(remove_scratch) == 0);
    home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC); /* libFuzzer's paths are below it; attributes of links change directories */
    top = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < COUNT(directories); i++)
        CHECK(mkdirat(top, directories[i], 0700) == 0);
    write_secret("outside/secret");
    write_secret("below/file");
    write_secret("below/d/file");
    make_links();
    below = openat(top, "below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < WATCHED; i++)
        CHECK(fstatat(top, watched[i], &before[i], AT_SYMLINK_NOFOLLOW) == 0);
}

static void make_dest(void)
{
    CHECK(tree_remove(top, "in/dest") == 0 && mkdirat(top, "in/dest", 0700) == 0);
    cleanup_fd(&dest);
    dest = openat(top, "in/dest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(dest >= 0);
}

static void check_outside(void)
{
    for (size_t i = 0; i < WATCHED; i++) {
        struct stat st;
        CHECK(fstatat(top, watched[i], &st, AT_SYMLINK_NOFOLLOW) == 0);
        st.st_atim = before[i].st_atim;
        CHECK(memcmp(&st, &before[i], sizeof st) == 0);
    }
}

/* ---- what is in it afterwards ---- */

struct walk {
    const struct extractor *done;
    uint64_t blocks, entries;
};

static void check_attributes(const char *path, const struct stat *st, bool flat)
{
    char names[4096], value[2];
    ssize_t n = llistxattr(path, names, sizeof names);
    for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
        bool ours = text_after(name, "trusted.") || text_after(name, "user.overlay.");
        CHECK(!ours || (S_ISDIR(st->st_mode) && lgetxattr(path, name, value, sizeof value) == 1 &&
                        *value == 'y'));
        CHECK(!ours || text_equal(name, "trusted.overlay.opaque") ||
              text_equal(name, "user.overlay.opaque"));
        CHECK(flat || !text_equal(name, ATTRIBUTES_OVERRIDE));
    }
}

static int walk_one(int dir, const char *name, unsigned char type, void *data)
{
    struct walk *walk = data;
    struct stat st;
    (void)type;
    bool flat = walk->done->tree.policy.flat;
    CHECK(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && fchdir(dir) == 0);
    CHECK(!text_after(name, ".wh."));
    CHECK(!walk->done->skip_devices || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) ||
          st.st_rdev == makedev(0, 0));
    CHECK(!flat || ((st.st_mode & 06000) == 0 && st.st_uid == geteuid()));
    check_attributes(name, &st, flat);
    walk->entries++;
    walk->blocks += S_ISREG(st.st_mode) ? (uint64_t)st.st_blocks / (uint64_t)st.st_nlink : 0;
    auto_fd inner = S_ISDIR(st.st_mode)
                        ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                        : -1;
    return inner < 0 ? 0 : dir_each(inner, walk_one, walk);
}

static void check_inside(const struct extractor *done)
{
    struct walk walk = {.done = done};
    CHECK(dir_each(dest, walk_one, &walk) == 0 && fchdir(home) == 0);
    CHECK(walk.blocks * BLOCK <= LIMIT + walk.entries * 4096);
}

/* ---- tars ---- */

static void mend(uint8_t *block)
{
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
}

static size_t mended(uint8_t *tar, const uint8_t *data, size_t size)
{
    memcpy(tar, data, size);
    for (size_t at = 0; at + BLOCK <= size; at += BLOCK)
        if (memcmp(tar + at + 257, "ustar", 5) == 0)
            mend(tar + at);
    return size;
}

static const char *link_of(uint8_t byte, char *to, size_t size)
{
    static const char *const targets[16] = {
        "a",      "b",    "a/b",         "d/a",  "../..", "../../outside", "../../outside/secret", "/",
        "d/file", "link", "link/secret", "pipe", "",      ".",             "file",                 "/proc/self/cwd",
    };
    if (byte & 16)
        snprintf(to, size, "%s/outside%s", scratch, byte & 1 ? "/secret" : "");
    else
        snprintf(to, size, "%s", targets[byte & 15]);
    return to;
}

static void name_of(uint8_t byte, uint8_t more, char *to, size_t size)
{
    static const char *const parts[16] = {
        "a",    "b",         "d",    "link", "..",    "outside", "secret", ".wh.a", ".wh..wh..opq",
        ".wh.", ".wh..wh.x", "file", ".",    ".wh.d", "\xff",    "pipe"};
    snprintf(to, size, "%s%s%s%s%s%s", more & 4 ? "/" : "", parts[byte & 15], more & 1 ? "/" : "",
             more & 1 ? parts[byte >> 4] : "", more & 2 ? "/" : "",
             more & 2 ? parts[more >> 4] : "");
}

/* A pax header with an extended attribute, for the entry behind it. */
static size_t put_attribute(uint8_t *tar, uint8_t which)
{
    static const char *const records[8] = {"SCHILY.xattr.user.overlay.opaque=y",
                                           "SCHILY.xattr.trusted.overlay.opaque=y",
                                           "SCHILY.xattr.trusted.overlay.redirect=/a",
                                           "SCHILY.xattr.user.containers.override_stat=0:0:04777",
                                           "SCHILY.xattr.user.a=b",
                                           "LIBARCHIVE.xattr.user%2Eoverlay.opaque=eQ",
                                           "path=../outside/new",
                                           "linkpath=../outside/secret"};
    char *body = (char *)tar + BLOCK;
    int length =
        snprintf(body, BLOCK, "%zu %s\n", strlen(records[which & 7]) + 4, records[which & 7]);
    snprintf((char *)tar, 8, "pax");
    snprintf((char *)tar + 124, 12, "%011o", (unsigned)length);
    tar[156] = 'x';
    memcpy(tar + 257, "ustar\00000", 8);
    mend(tar);
    return 2 * BLOCK;
}

static size_t put_entry(uint8_t *tar, const uint8_t recipe[4])
{
    static const char types[] = "0512346700555121";
    static const uint16_t modes[] = {0644, 0755, 0, 04755, 02755, 01777, 06777, 0700};
    char type = types[recipe[0] & 15];
    if (type == '7')
        return put_attribute(tar, recipe[1]);
    size_t size = type == '0' ? recipe[3] : 0;
    name_of(recipe[1], recipe[2], (char *)tar, 100);
    snprintf((char *)tar + 100, 8, "%07o", modes[recipe[0] >> 4 & 7]);
    snprintf((char *)tar + 108, 8, "%07o", recipe[0] >> 7 ? 7U : 0U);
    snprintf((char *)tar + 116, 8, "%07o", 0U);
    snprintf((char *)tar + 124, 12, "%011zo", size);
    snprintf((char *)tar + 136, 12, "%011o", 1U);
    tar[156] = (uint8_t)type;
    char target[PATH_MAX + 16];
    if (type == '1' || type == '2')
        snprintf((char *)tar + 157, 100, "%.99s", link_of(recipe[3], target, sizeof target));
    memcpy(tar + 257, "ustar\00000", 8);
    snprintf((char *)tar + 329, 8, "%07o", recipe[3] & 1U);
    snprintf((char *)tar + 337, 8, "%07o", recipe[3] >> 1 & 3U);
    mend(tar);
    memset(tar + BLOCK, 'x', size);
    return BLOCK + (size ? BLOCK : 0);
}

static size_t cooked(uint8_t *tar, const uint8_t *data, size_t size)
{
    size_t length = 0;
    memset(tar, 0, LARGEST);
    for (; size >= 4 && length + 4 * BLOCK <= LARGEST; data += 4, size -= 4)
        length += put_entry(tar + length, data);
    return length + 2 * BLOCK;
}

static size_t packed(uint8_t *to, const uint8_t *tar, size_t size, int how)
{
    struct archive *out = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    size_t used = 0;
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_pathname(entry, "layer");
    CHECK((how == GZIP ? archive_write_add_filter_gzip(out) : archive_write_add_filter_zstd(out)) ==
          ARCHIVE_OK);
    CHECK(archive_write_set_format_raw(out) == ARCHIVE_OK &&
          archive_write_set_bytes_in_last_block(out, 1) == ARCHIVE_OK);
    CHECK(archive_write_open_memory(out, to, 2 * LARGEST, &used) == ARCHIVE_OK &&
          archive_write_header(out, entry) == ARCHIVE_OK);
    CHECK(archive_write_data(out, tar, size) == (la_ssize_t)size &&
          archive_write_close(out) == ARCHIVE_OK);
    archive_entry_free(entry);
    archive_write_free(out);
    return used;
}

/* ---- one input ---- */

static int extract(struct extractor *extractor, struct source *source, struct source_sums *sums)
{
    TRY(extract_begin(extractor, dest));
    TRY(extract_layer(extractor, source, NULL, NULL));
    return source_finish(source, sums);
}

/* What was noted while it was written is what is there. */
static void check_seal(struct extractor *done, bool flat)
{
    struct seal noted, read;
    CHECK(seal_tree(dest, flat, &done->bodies, &noted) == 0 && seal_tree(dest, flat, NULL, &read) == 0);
    CHECK(text_equal(noted.digest, read.digest));
}

static void unpack(int blob, size_t size, size_t plain, int how)
{
    auto_extractor extractor = {.limit = LIMIT, .most = 10000};
    struct source *source = NULL;
    struct source_sums sums;
    bool root = geteuid() == 0;
    extractor.tree.policy.flat = !root || how & FLAT;
    extractor.skip_devices = extractor.tree.policy.flat;
    extractor.tree.below = (struct below){.layers = &below,
                                          .count = how & NEEDS ? -1 : (how & BELOW) != 0,
                                          .opaque = !root || how & USER ? "user.overlay.opaque"
                                                                        : "trusted.overlay.opaque"};
    error_clear();
    CHECK(source_start(&source, blob, &(struct source_limits){size, 4 * LIMIT, RATIO, 0}) == 0);
    int r = extract(&extractor, source, &sums);
    source_free(source);
    CHECK(r == 0 || (*error_text() && !strchr(error_text(), '\n')));
    CHECK(!extractor.tree.needs_below || (how & NEEDS && r < 0));
    CHECK(r < 0 || (sums.packed_size == size && extractor.bytes <= LIMIT));
    CHECK(r < 0 || !plain || sums.plain_size == plain);
    check_outside();
    check_inside(&extractor);
    if (r == 0)
        check_seal(&extractor, extractor.tree.policy.flat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t tar[LARGEST], small[2 * LARGEST];
    if (top < 0)
        make_scratch();
    make_dest();
    if (!size || size > LARGEST)
        return 0;
    int how = data[0], packing = how & PACKINGS;
    size_t length =
        how & RECIPE ? cooked(tar, data + 1, size - 1) : mended(tar, data + 1, size - 1);
    if ((how & SHAPES) == 0)
        memcpy(tar, data + 1, length);
    bool packs = packing == GZIP || packing == ZSTD;
    size_t used = packs ? packed(small, tar, length, packing) : length;
    auto_fd blob = memfd_create("layer", MFD_CLOEXEC);
    CHECK(fd_write_all(blob, packs ? small : tar, used) == 0 && lseek(blob, 0, SEEK_SET) == 0);
    unpack(blob, used, packs ? length : 0, how);
    return 0;
}
