/* linkat(2) gives a file without a name one, but never another's: so what is there is replaced by way of PATH.part and rename(2).
 * Whoever writes holds a lock on his file, by which a PATH.part that a killed one has left is told from one in use. */
#include "base/output.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>

static int part_name(const struct output *output, char name[PATH_MAX])
{
    return snprintf(name, PATH_MAX, "%s.part", output->path) < PATH_MAX ? 0 : fail(-ENAMETOOLONG, "write %s", output->path);
}

static int open_unnamed(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = snprintf(directory, sizeof directory, "%.*s/.", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (length >= (int)sizeof directory)
        return -ENAMETOOLONG;
    int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : fd;
}

/* Of somebody who was killed. */
static int remove_left(const char *part)
{
    auto_fd fd = open(part, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : fail(-errno, "open %s", part);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return refuse(-EBUSY, "%s: somebody else is writing it", part);
    return unlink(part) < 0 ? fail(-errno, "remove %s", part) : 0;
}

static int open_part(struct output *output)
{
    char part[PATH_MAX];
    TRY(part_name(output, part));
    TRY(remove_left(part));
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    output->named = fd >= 0;
    return fd < 0 ? fail(-errno, "create %s", part) : fd;
}

int output_begin(struct output *output, const char *path)
{
    *output = (struct output){.fd = -1, .path = path};
    int fd = open_unnamed(path);
    if (fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL)
        fd = open_part(output);
    if (fd < 0)
        return fail(fd, "create %s", path);
    output->fd = fd;
    return flock(fd, LOCK_EX | LOCK_NB) < 0 ? fail(-errno, "lock %s", path) : 0;
}

/* Its own fd is all that leads to a file without a name. */
static int link_as(const struct output *output, const char *name)
{
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", output->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int replace(struct output *output)
{
    char part[PATH_MAX];
    TRY(part_name(output, part));
    if (!output->named) {
        TRY(remove_left(part));
        int r = link_as(output, part);
        if (r < 0)
            return fail(r, "create %s", part);
        output->named = true;
    }
    return rename(part, output->path) < 0 ? fail(-errno, "write %s", output->path) : 0;
}

int output_keep(struct output *output)
{
    if (fsync(output->fd) < 0)
        return fail(-errno, "write %s", output->path);
    int r = output->named ? -EEXIST : link_as(output, output->path);
    if (r == -EEXIST)
        r = replace(output);
    if (r < 0)
        return fail(r, "write %s", output->path);
    close(take_fd(&output->fd));
    return 0;
}

void output_end(struct output *output)
{
    char part[PATH_MAX];
    if (output->fd >= 0 && output->named && part_name(output, part) == 0)
        unlink(part);
    cleanup_fd(&output->fd);
    output->fd = -1;
}
