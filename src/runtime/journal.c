#include "runtime/journal.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "kernel/cgroup.h"
#include "runtime/scope.h"
#include "runtime/userns.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Of resctrl, whose rmdir(2) takes the files with it, and puts processes into the group above. */
static int undo_group(const char *path)
{
    return rmdir(path) < 0 && errno != ENOENT ? fail(-errno, "remove %s", path) : 0;
}

static const struct {
    const char *word;
    int (*undo)(const char *object);
} undos[] = {
    {"cgroup", cgroup_remove},
    {"scope", scope_stop},
    {"aside", cgroup_step_back},
    {"layer", userns_remove},
    {"rdt", undo_group},
};

/* A sweep may take a new journal for an abandoned one before its owner locks it: -ESTALE when it was
 * removed meanwhile. FLAGS: LOCK_NB for -EWOULDBLOCK while somebody else holds the lock. */
static int lock(int fd, int flags)
{
    struct stat st;
    if (flock(fd, LOCK_EX | flags) < 0 || fstat(fd, &st) < 0)
        return -errno;
    return st.st_nlink ? 0 : -ESTALE;
}

int journal_create(struct journal *journal, const char *path)
{
    enum { TRIES = 8 };
    char parent[4096];
    const char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) >= sizeof parent)
        return fail(-ENAMETOOLONG, "create %s", path);
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    TRY(dir_make(parent, 0711));
    int r = -ESTALE;
    for (int i = 0; i < TRIES && r == -ESTALE; i++) {
        auto_fd fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : lock(fd, 0);
        if (r == 0)
            journal->fd = take_fd(&fd);
    }
    if (r == -EEXIST)
        return refuse(r, "create %s: a container of that name exists", path);
    return r < 0 ? fail(r, "create %s", path) : 0;
}

int journal_record(struct journal *journal, const char *word, const char *object)
{
    char line[4200];
    int n = snprintf(line, sizeof line, "%s %s\n", word, object);
    if (n >= (int)sizeof line || strchr(object, '\n'))
        return refuse(-EINVAL, "journal: %s: not a path that can be recorded", object);
    int r = fd_write_all(journal->fd, line, (size_t)n);
    return r < 0 ? fail(r, "write the journal") : 0;
}

void journal_close(struct journal *journal)
{
    cleanup_fd(&journal->fd);
    *journal = JOURNAL_NONE;
}

/* NOT: the object that the line undone before this one took back, or NULL. */
static int undo_line(char *line, const char **not)
{
    char *space = strchr(line, ' ');
    if (!space)
        return 0; /* not a line of ours */
    *space = '\0';
    bool spared = *not && strcmp(*not, space + 1) == 0;
    *not = strcmp(line, JOURNAL_NOT) == 0 ? space + 1 : NULL;
    if (spared)
        return 0;
    for (size_t i = 0; i < COUNT(undos); i++)
        if (strcmp(undos[i].word, line) == 0)
            return undos[i].undo(space + 1);
    return 0;
}

int journal_undo(const struct journal *journal, const char *path)
{
    struct stat st;
    if (fstat(journal->fd, &st) < 0)
        return fail(-errno, "read %s", path);
    auto_free char *text = calloc(1, (size_t)st.st_size + 1);
    if (!text || pread(journal->fd, text, (size_t)st.st_size, 0) != st.st_size)
        return fail(text ? -EIO : -ENOMEM, "read %s", path);
    char *last = strrchr(text, '\n'); /* what follows it was cut */
    *(last ? last : text) = '\0';
    int failed = 0;
    const char *not = NULL;
    for (char *newline; *text;) {
        newline = strrchr(text, '\n');
        int r = undo_line(newline ? newline + 1 : text, &not);
        failed = failed ? failed : r;
        *(newline ? newline : text) = '\0';
    }
    if (failed < 0)
        return failed; /* the journal stays for the next try */
    return unlink(path) < 0 && errno != ENOENT ? fail(-errno, "remove %s", path) : 0;
}

/* Sweeps the container NAME below STATE if nobody holds its journal's lock. */
static int sweep_one(const char *state, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", state, name);
    auto_fd fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || lock(fd, LOCK_NB) < 0)
        return 0;
    int r = journal_undo(&(struct journal){.fd = fd}, path);
    error_clear();
    return r == 0;
}

int journal_sweep(const char *state)
{
    int swept = 0;
    auto_dir d = opendir(state);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_type == DT_REG)
            swept += sweep_one(state, e->d_name);
    return swept;
}
