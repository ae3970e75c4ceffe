#include "base/usage.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <search.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 900, BLOCK = 512 }; /* an open directory a level */

struct walk {
    struct usage *usage;
    dev_t device;
    int depth;
};

struct file_id {
    dev_t device;
    ino_t inode;
};

static int compare(const void *a, const void *b)
{
    const struct file_id *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* Whether a file with several names was counted already. */
static bool is_counted(struct usage *usage, const struct stat *st)
{
    if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
        return false;
    auto_free struct file_id *id = malloc(sizeof *id);
    if (!id)
        return false;
    *id = (struct file_id){st->st_dev, st->st_ino};
    struct file_id **found = tsearch(id, &usage->links, compare);
    if (!found || *found != id)
        return found != NULL;
    (void)take_ptr(&id);
    return false;
}

static void count(struct usage *usage, const struct stat *st)
{
    if (!is_counted(usage, st))
        usage->bytes += (uint64_t)st->st_blocks * BLOCK;
}

static int add_entry(int dir, const char *name, unsigned char type, void *data)
{
    struct walk *walk = data;
    struct stat st;
    (void)type;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    bool top = !walk->depth;
    if (!top && st.st_dev != walk->device)
        return 0;
    count(walk->usage, &st);
    if (!S_ISDIR(st.st_mode))
        return 0;
    if (walk->depth > DEEPEST)
        return -ELOOP;
    auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == EACCES || errno == EPERM)) {
        walk->usage->closed++;
        return 0;
    }
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    walk->device = top ? st.st_dev : walk->device;
    walk->depth++;
    int r = dir_each(fd, add_entry, walk);
    walk->depth--;
    return r;
}

int usage_add(struct usage *usage, int dir, const char *path)
{
    return add_entry(dir, path, 0, &(struct walk){.usage = usage});
}

int usage_add_one(struct usage *usage, int dir, const char *path)
{
    struct stat st;
    if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    count(usage, &st);
    return 0;
}

void usage_free(struct usage *usage)
{
    tdestroy(usage->links, free);
    *usage = (struct usage){0};
}
