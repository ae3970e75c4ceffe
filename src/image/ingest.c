/* What is being made in the store, until it has its final name. What a killed maker left is removed by the next who adds; but blobs of a pull
 * that was interrupted stay for the next pull of the same reference, complete or not, until they are a week old. */
#include "image/measure.h"
#include "image/remove.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum { AWAITED_DAYS = 7 };           /* since something was begun in it */
enum { WORTH_KEEPING = 64 * 1024 }; /* bytes of a blob */

/* Locked, and still what has this name: who held the lock before may have renamed or removed it. -EAGAIN otherwise; -EBUSY where
 * it is not to be waited for. */
static int lock_named(const struct store *store, struct ingest *ingest, bool wait)
{
    struct stat there, here;
    auto_free char *path = NULL;
    if (asprintf(&path, "ingest/%s", ingest->name) < 0)
        return fail(-ENOMEM, "make an image");
    auto_fd fd = openat(store->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return -EAGAIN;
    if (fd >= 0 && !wait && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return -EBUSY;
    if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &here) < 0)
        return fail(-errno, "lock %s/%s", store->dir, path);
    if (fstatat(store->fd, path, &there, AT_SYMLINK_NOFOLLOW) < 0 || there.st_ino != here.st_ino || there.st_dev != here.st_dev)
        return -EAGAIN;
    ingest->fd = take_fd(&fd);
    return 0;
}

static int empty_entry(int dir, const char *name, unsigned char type, void *data)
{
    const struct ingest *ingest = data;
    char path[sizeof ingest->name + 300];
    (void)dir;
    (void)type;
    snprintf(path, sizeof path, "ingest/%s/%s", ingest->name, name);
    return store_remove(ingest->store, path);
}

static int open_named(const struct store *store, struct ingest *ingest, bool wait)
{
    char path[sizeof ingest->name + 8];
    snprintf(path, sizeof path, "ingest/%s", ingest->name);
    for (;;) {
        if (mkdirat(store->fd, path, 0700) < 0 && errno != EEXIST)
            return fail(-errno, "create %s/%s", store->dir, path);
        int r = lock_named(store, ingest, wait);
        if (r != -EAGAIN)
            return r;
    }
}

static int begin(const struct store *store, struct ingest *ingest)
{
    TRY(open_named(store, ingest, true));
    return dir_each(ingest->fd, empty_entry, ingest);
}

/* ---- sweeping ---- */

bool ingest_is_awaited(int dir, const char *name)
{
    struct stat st;
    return text_after(name, "pull-") && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_mtime > time(NULL) - AWAITED_DAYS * 86400;
}

/* Whoever makes it holds its lock; and who has made the directory, and not locked it yet, makes it again. */
static int sweep_entry(int dir, const char *name, unsigned char type, void *data)
{
    const struct store *store = data;
    struct stat there, here;
    (void)type;
    if (ingest_is_awaited(dir, name))
        return 0;
    auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &here) < 0 || fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
        there.st_ino != here.st_ino)
        return 0;
    if (store_remove(store, arena_printf(store->arena, "ingest/%s", name)) < 0) {
        warn("left in the store: %s", error_text());
        error_clear();
    }
    return 0;
}

int ingest_sweep(const struct store *store)
{
    auto_fd dir = openat(store->fd, "ingest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? fail(-errno, "open %s/ingest", store->dir) : dir_each(dir, sweep_entry, (void *)store);
}

struct dropping {
    const struct store *store;
    uint64_t bytes;
};

static int drop_entry(int dir, const char *name, unsigned char type, void *data)
{
    struct dropping *dropping = data;
    struct ingest ingest = {.store = dropping->store, .fd = -1};
    (void)dir;
    (void)type;
    if (!text_after(name, "pull-") || strlen(name) >= sizeof ingest.name)
        return 0;
    strcpy(ingest.name, name);
    int r = lock_named(dropping->store, &ingest, false);
    if (r < 0)
        return r == -EAGAIN || r == -EBUSY ? 0 : r; /* who is at it needs it */
    dropping->bytes += store_measured(dropping->store, arena_printf(dropping->store->arena, "ingest/%s", name));
    ingest_end(&ingest);
    return 0;
}

int ingest_drop(const struct store *store, uint64_t *freed)
{
    struct dropping dropping = {.store = store};
    auto_fd dir = openat(store->fd, "ingest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = dir < 0 ? fail(-errno, "open %s/ingest", store->dir) : dir_each(dir, drop_entry, &dropping);
    *freed += dropping.bytes;
    return r;
}

/* ---- beginning and ending ---- */

int ingest_begin(const struct store *store, const char *kind, struct ingest *ingest)
{
    char random[17];
    *ingest = (struct ingest){.store = store, .fd = -1};
    TRY(text_random_hex(random, 8));
    snprintf(ingest->name, sizeof ingest->name, "%s-%s", kind, random);
    return begin(store, ingest);
}

int ingest_begin_for(const struct store *store, const char *kind, const char *key, struct ingest *ingest)
{
    *ingest = (struct ingest){.store = store, .fd = -1};
    snprintf(ingest->name, sizeof ingest->name, "%s-%.40s", kind, key);
    return begin(store, ingest);
}

int ingest_resume(const struct store *store, const char *kind, const char *key, bool wait, struct ingest *ingest)
{
    *ingest = (struct ingest){.store = store, .fd = -1};
    snprintf(ingest->name, sizeof ingest->name, "%s-%.40s", kind, key);
    return open_named(store, ingest, wait);
}

/* Documents are fetched again as quickly as they are looked for. */
static int weigh_entry(int dir, const char *name, unsigned char type, void *data)
{
    size_t *worth = data;
    struct stat st;
    (void)type;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (st.st_size >= WORTH_KEEPING)
        (*worth)++;
    else if (S_ISREG(st.st_mode))
        unlinkat(dir, name, 0);
    return 0;
}

bool ingest_leave(struct ingest *ingest)
{
    size_t worth = 0;
    if (ingest->fd < 0)
        return false;
    if (lseek(ingest->fd, 0, SEEK_SET) == 0)
        dir_each(ingest->fd, weigh_entry, &worth);
    if (worth)
        close(take_fd(&ingest->fd));
    else
        ingest_end(ingest);
    return worth;
}

void ingest_end(struct ingest *ingest)
{
    if (ingest->fd < 0)
        return;
    char path[sizeof ingest->name + 8];
    snprintf(path, sizeof path, "ingest/%s", ingest->name);
    if (store_remove(ingest->store, path) < 0) /* before the lock goes; else collecting does it */
        warn("%s/%s is left until the next bocal rmi", ingest->store->dir, path);
    close(take_fd(&ingest->fd));
}

static bool is_blob(const char *name, unsigned char type)
{
    return type != DT_DIR && strlen(name) == DIGEST_HEX && strspn(name, "0123456789abcdef") == DIGEST_HEX;
}

static int open_to_all(int dir, const char *name, unsigned char type, void *data)
{
    struct stat st;
    (void)data;
    if (!is_blob(name, type))
        return 0;
    auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool failed = fd < 0 || fstat(fd, &st) < 0 || ((st.st_mode & 07777) != 0644 && fchmod(fd, 0644) < 0);
    return failed ? fail(-errno, "mode of blob %.12s", name) : 0;
}

static int keep_blob(int dir, const char *name, unsigned char type, void *data)
{
    const struct store *store = data;
    struct stat here, there;
    if (!is_blob(name, type))
        return 0;
    if (fstatat(dir, name, &here, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(store->blobs, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_size == here.st_size)
        return 0; /* that one was verified, and stays: whoever has written this one is not trusted */
    return renameat(dir, name, store->blobs, name) < 0 ? fail(-errno, "keep blob %.12s", name) : 0;
}

/* Of a directory that was read before. */
static int each_entry(const struct ingest *ingest, dir_visitor *each)
{
    if (lseek(ingest->fd, 0, SEEK_SET) < 0)
        return fail(-errno, "read %s/ingest/%s", ingest->store->dir, ingest->name);
    return dir_each(ingest->fd, each, (void *)ingest->store);
}

int ingest_keep_blobs(struct ingest *ingest)
{
    const struct store *store = ingest->store;
    TRY(each_entry(ingest, open_to_all));
    TRY(ingest_sync(ingest)); /* once for all */
    TRY(each_entry(ingest, keep_blob));
    return fsync(store->blobs) < 0 ? fail(-errno, "sync %s/images/blobs", store->dir) : 0;
}

int ingest_keep_as(struct ingest *ingest, const char *directory, const char *name)
{
    const struct store *store = ingest->store;
    auto_free char *from = NULL, *to = NULL;
    if (asprintf(&from, "ingest/%s", ingest->name) < 0 || asprintf(&to, "%s/%s", directory, name) < 0)
        return fail(-ENOMEM, "make %s/%s", directory, name);
    if (fchmod(ingest->fd, 0700) < 0 || renameat(store->fd, from, store->fd, to) < 0)
        return fail(-errno, "rename %s/%s", store->dir, from);
    close(take_fd(&ingest->fd));
    return 0;
}

int ingest_sync(const struct ingest *ingest)
{
    return syncfs(ingest->fd) < 0 ? fail(-errno, "sync %s/ingest/%s", ingest->store->dir, ingest->name) : 0;
}

int store_sync(const struct store *store, const char *directory)
{
    auto_fd dir = openat(store->fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 || fsync(dir) < 0 ? fail(-errno, "sync %s/%s", store->dir, directory) : 0;
}
