/* One stream is hashed: directories in the order of their names, each entry as a record of fixed size with texts behind it, whose
 * lengths are in the record, and then what is in it: of a file the digest of its body. */
#include "archive/seal.h"

#include "archive/confine.h"
#include "archive/name.h"
#include "archive/userns.h"
#include "archive/verb.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/option.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define QUOTE "%.200s"
enum { FD_ROOT = 3, PIECE = 1 << 18, XATTRS_MOST = 64 };

struct sealing {
    struct digest digest;
    uint64_t entries;
    unsigned depth;
    bool flat;
    struct bodies *bodies; /* or NULL */
    struct body body;
    char *piece;
};

struct record {
    uint64_t size, device, mtime, nanoseconds, name_length, target_length;
    uint32_t mode, uid, gid, links;
};

struct names {
    char **list;
    size_t count, room;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i]);
    free(names->list);
}

static int names_add(int dir, const char *name, unsigned char type, void *data)
{
    struct names *names = data;
    (void)dir, (void)type;
    if (names->count == names->room) {
        size_t room = names->room ? 2 * names->room : 64;
        char **grown = realloc(names->list, room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        names->list = grown;
        names->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    names->list[names->count++] = copy;
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_number(struct sealing *s, uint64_t number)
{
    digest_add(&s->digest, &number, sizeof number);
}

/* ---- what is in a file ---- */

/* Reads PIECE bytes, or to the end. */
static ssize_t read_piece(const struct sealing *s, int fd, off_t at)
{
    size_t used = 0;
    while (used < PIECE) {
        ssize_t n = pread(fd, s->piece + used, PIECE - used, at + (off_t)used);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        used += n < 0 ? 0 : (size_t)n;
    }
    return (ssize_t)used;
}

static int read_body(struct sealing *s, int fd, const struct stat *st)
{
    bool holes = st->st_blocks * 512 < st->st_size;
    for (off_t at = 0; at < st->st_size;) {
        off_t data = holes ? lseek(fd, at, SEEK_DATA) : at;
        if (data < 0)
            return errno == ENXIO ? 0 : -errno;
        ssize_t n = read_piece(s, fd, data);
        if (n <= 0)
            return (int)n;
        body_add(&s->body, s->piece, (size_t)n, (uint64_t)data);
        at = data + n;
    }
    return 0;
}

static int add_body(struct sealing *s, int fd, const struct stat *st)
{
    unsigned char value[BODY_VALUE];
    const unsigned char *known = s->bodies ? bodies_find(s->bodies, st) : NULL;
    if (!st->st_size)
        return 0;
    if (!known) {
        TRY(body_begin(&s->body));
        TRY(read_body(s, fd, st));
        TRY(body_end(&s->body, (uint64_t)st->st_size, value));
    }
    digest_add(&s->digest, known ? known : value, BODY_VALUE);
    return 0;
}

/* ---- extended attributes ---- */

/* Others are the host's, such as labels, which may change. */
static bool xattr_counts(const char *name)
{
    return text_after(name, "user.") || text_after(name, "trusted.overlay.") || text_after(name, "system.posix_acl_") ||
           text_equal(name, "security.capability");
}

static int add_xattr(struct sealing *s, int fd, const char *name)
{
    char value[XATTR_SIZE_MAX];
    ssize_t size = fgetxattr(fd, name, value, sizeof value);
    if (size < 0)
        return -errno;
    digest_add(&s->digest, name, strlen(name) + 1);
    add_number(s, (uint64_t)size);
    digest_add(&s->digest, value, (size_t)size);
    return 0;
}

static int add_xattrs(struct sealing *s, int fd)
{
    char names[XATTR_LIST_MAX];
    const char *list[XATTRS_MOST];
    size_t count = 0;
    ssize_t n = flistxattr(fd, names, sizeof names);
    if (n < 0)
        return errno == ENOTSUP ? 0 : -errno;
    for (const char *name = names; name < names + n; name += strlen(name) + 1) {
        if (!xattr_counts(name))
            continue;
        if (count == XATTRS_MOST)
            return -E2BIG;
        list[count++] = name;
    }
    if (count > 1)
        qsort(list, count, sizeof *list, by_text);
    add_number(s, count);
    for (size_t i = 0; i < count; i++)
        TRY(add_xattr(s, fd, list[i]));
    return 0;
}

/* ---- entries ---- */

static void add_record(struct sealing *s, const struct stat *st, const char *name, const char *target, size_t target_length)
{
    bool directory = S_ISDIR(st->st_mode), node = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
    struct record record = {.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
                            .device = node ? st->st_rdev : 0,
                            .mtime = (uint64_t)st->st_mtim.tv_sec,
                            .nanoseconds = (uint64_t)st->st_mtim.tv_nsec,
                            .name_length = strlen(name),
                            .target_length = target_length,
                            .mode = st->st_mode,
                            .uid = s->flat ? 0 : st->st_uid,
                            .gid = s->flat ? 0 : st->st_gid,
                            .links = directory ? 0 : (uint32_t)st->st_nlink};
    digest_add(&s->digest, &record, sizeof record);
    digest_add(&s->digest, name, strlen(name));
    digest_add(&s->digest, target, target_length);
    s->entries++;
}

/* Without a trace in its time of access, where that may be done. */
static int open_entry(int dir, const char *name, bool directory)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (directory ? O_DIRECTORY : 0);
    int fd = openat(dir, name, flags | O_NOATIME);
    if (fd < 0 && errno == EPERM)
        fd = openat(dir, name, flags);
    return fd < 0 ? -errno : fd;
}

static int add_directory(struct sealing *s, int fd);

static int add_entry(struct sealing *s, int dir, const char *name)
{
    struct stat st;
    char target[PATH_MAX] = "";
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    ssize_t length = S_ISLNK(st.st_mode) ? readlinkat(dir, name, target, sizeof target) : 0;
    if (length < 0)
        return -errno;
    add_record(s, &st, name, target, (size_t)length);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    auto_fd fd = open_entry(dir, name, S_ISDIR(st.st_mode));
    if (fd < 0)
        return fd;
    TRY(add_xattrs(s, fd));
    return S_ISDIR(st.st_mode) ? add_directory(s, fd) : add_body(s, fd, &st);
}

static int add_directory(struct sealing *s, int fd)
{
    __attribute__((cleanup(names_free))) struct names names = {0};
    if (s->depth > NAME_DEEPEST)
        return refuse(-ELOOP, "directories are deeper than a layer has them");
    int r = dir_each(fd, names_add, &names);
    if (names.count)
        qsort(names.list, names.count, sizeof *names.list, by_text);
    add_number(s, names.count);
    s->depth++;
    for (size_t i = 0; i < names.count && r == 0; i++) {
        r = add_entry(s, fd, names.list[i]);
        if (r < 0)
            fail(r, "read " QUOTE, names.list[i]);
    }
    s->depth--;
    return r;
}

int seal_tree(int root, bool flat, struct bodies *bodies, struct seal *seal)
{
    auto_free char *piece = malloc(PIECE);
    struct sealing s = {.flat = flat, .bodies = bodies, .piece = piece};
    if (!piece)
        return fail(-ENOMEM, "read the layer's files");
    TRY(digest_begin(&s.digest));
    int r = add_entry(&s, root, ".");
    if (r == 0 && digest_text(&s.digest, seal->digest) < 0)
        r = refuse(-EIO, "libcrypto: SHA-256 failed");
    digest_free(&s.digest);
    body_free(&s.body);
    seal->entries = s.entries;
    return r < 0 ? fail(r, "read the layer's files") : 0;
}

/* ---- the verb ---- */

struct seal_options {
    int userns;
    bool flat;
};

static const struct option options[] = {
    {"userns", .group = "Options", .metavar = "FD", .help = "be root of the user namespace that this descriptor is",
     .offset = offsetof(struct seal_options, userns), .kind = OPTION_NUMBER},
    {"flat", .help = "it was unpacked with one id", .offset = offsetof(struct seal_options, flat), .kind = OPTION_FLAG},
};
static const struct option_set set = {
    .program = "bocal-archive", .verb = "seal", .synopsis = "", .summary = "print a digest over all that is in descriptor 3",
    .options = options, .count = COUNT(options),
};

int verb_seal(char **words)
{
    auto_arena arena = {0};
    struct seal_options wanted = {0};
    struct seal seal;
    auto_digest first = {0};
    bool help;
    int used = option_parse(&set, &arena, words, &wanted, &help);
    TRY(used);
    TRY(words_none(words + used));
    TRY(digest_begin(&first)); /* libcrypto looks around at the first */
    if (wanted.userns)
        TRY(userns_enter(wanted.userns));
    TRY(confine(&(struct confinement){.write = -1, .read = (int[]){FD_ROOT}, .reads = 1}));
    TRY(seal_tree(FD_ROOT, wanted.flat, NULL, &seal));
    printf("{\"seal\": \"%s\", \"files\": %" PRIu64 "}\n", seal.digest, seal.entries);
    return 0;
}
