/* Pausing a cgroup and what is in it. Both generations take their time: the request is one file, whether it has
 * been fulfilled is another's to say (v2), or the same one's, which may want to be asked again (v1). */
#include "kernel/cgroup.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *file, *freeze, *thaw; /* what is written where */
    const char *seen, *frozen, *thawed; /* what is then read where, at the beginning of a line */
} kinds[] = {
    {"cgroup.freeze", "1", "0", "cgroup.events", "frozen 1", "frozen 0"},
    {"freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN", "THAWED"},
};

static bool says(const char *dir, const char *file, const char *words)
{
    char path[4200], line[128];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    auto_file stream = fopen(path, "re");
    while (stream && fgets(line, sizeof line, stream))
        if (text_after(line, words))
            return true;
    return false;
}

int cgroup_freeze(const char *dir, bool frozen)
{
    enum { PAUSE_US = 1000, TRIES = 2000 };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s", dir, kinds[i].file);
        if (access(path, W_OK) < 0)
            continue;
        for (int n = 0; n < TRIES; n++) {
            TRY(cgroup_write(path, frozen ? kinds[i].freeze : kinds[i].thaw));
            if (says(dir, kinds[i].seen, frozen ? kinds[i].frozen : kinds[i].thawed))
                return 0;
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_US * 1000}, NULL);
        }
        return refuse(-ETIME, "%s %s: a process does not come to rest", frozen ? "freeze" : "thaw", dir);
    }
    return -ENOENT;
}

bool cgroup_is_frozen(const char *dir)
{
    static const char *const words[] = {"1", "FR"}; /* FROZEN, or FREEZING: asked for, and not there yet */
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char path[4200], text[16] = "";
        snprintf(path, sizeof path, "%s/%s", dir, kinds[i].file);
        auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return read(fd, text, sizeof text - 1) > 0 && text_after(text, words[i]);
    }
    return false;
}

bool cgroup_has_freezer(const char *dir)
{
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s", dir, kinds[i].file);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}
