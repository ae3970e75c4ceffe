#include "runtime/journal.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int undo_tree(const char *path)
{
    return tree_remove(AT_FDCWD, path);
}

static const struct {
    const char *word;
    int (*undo)(const char *object);
} undos[] = {
    {"cgroup", cgroup_remove},
    {"layer", undo_tree},
};

/* The directory appears under its name with its journal locked, or not at all. */
static int create_once(struct journal *journal, const char *temporary, const char *path,
                       unsigned mode)
{
    if (mkdir(temporary, mode) < 0)
        return -errno;
    auto_fd dir = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    auto_fd fd = openat(dir, "journal", O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || rename(temporary, path) < 0)
        return -errno;
    journal->dir = take_fd(&dir);
    journal->fd = take_fd(&fd);
    return 0;
}

int journal_create(struct journal *journal, const char *path, unsigned mode)
{
    enum { TRIES = 8 };
    char parent[4096], temporary[4200];
    const char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) >= sizeof parent)
        return fail(-ENAMETOOLONG, "create %s", path);
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    snprintf(temporary, sizeof temporary, "%s/.%s", parent, slash + 1);
    TRY(dir_make(parent, 0711));
    int r = -EAGAIN;
    /* A sweep may take the unfinished directory for an abandoned one: then once more. */
    for (int i = 0; i < TRIES && (r == -EAGAIN || r == -ENOENT); i++) {
        r = create_once(journal, temporary, path, mode);
        if (r < 0)
            tree_remove(AT_FDCWD, temporary);
    }
    if (r == -EEXIST || r == -ENOTEMPTY)
        return refuse(-EEXIST, "create %s: a container of that name exists", path);
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
    cleanup_fd(&journal->dir);
    cleanup_fd(&journal->fd);
    *journal = JOURNAL_NONE;
}

static int undo_line(char *line)
{
    char *space = strchr(line, ' ');
    if (!space)
        return 0; /* a line that was cut by the kill: its step was not performed */
    *space = '\0';
    for (size_t i = 0; i < COUNT(undos); i++)
        if (strcmp(undos[i].word, line) == 0)
            return undos[i].undo(space + 1);
    return 0;
}

int journal_undo(const char *path)
{
    auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOENT ? 0 : fail(-errno, "open %s", path);
    auto_free char *text = NULL;
    int failed = 0;
    if (faccessat(dir, "journal", F_OK, 0) == 0) {
        ssize_t length = file_read(dir, "journal", 1 << 20, &text);
        if (length < 0)
            return (int)length;
        char *last = strrchr(text, '\n'); /* what follows it was cut */
        *(last ? last : text) = '\0';
        for (char *newline; *text;) {
            newline = strrchr(text, '\n');
            char *line = newline ? newline + 1 : text;
            int r = undo_line(line);
            failed = failed ? failed : r;
            *(newline ? newline : text) = '\0';
        }
    }
    if (failed < 0)
        return failed; /* the journal stays for the next try */
    return tree_remove(AT_FDCWD, path);
}

/* Sweeps the directory NAME below STATE if nobody holds its journal's lock. */
static int sweep_one(const char *state, const char *name)
{
    char path[4096], file[4200];
    snprintf(path, sizeof path, "%s/%s", state, name);
    snprintf(file, sizeof file, "%s/journal", path);
    auto_fd fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 ? errno != ENOENT || name[0] != '.' : flock(fd, LOCK_EX | LOCK_NB) < 0)
        return 0;
    int r = journal_undo(path);
    error_clear();
    return r == 0;
}

int journal_sweep(const char *state)
{
    int swept = 0;
    auto_dir d = opendir(state);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            swept += sweep_one(state, e->d_name);
    return swept;
}
