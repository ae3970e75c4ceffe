/* Killing for want of memory in a cgroup: memory.events of v2 counts it, and changes; memory.oom_control of v1 counts
 * it as well, and tells an eventfd(2) that is registered with it. */
#include "kernel/cgroup.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

uint64_t cgroup_oom_kills(const char *dir)
{
    static const char *const files[] = {"memory.events", "memory.oom_control"};
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[4200], key[64];
        unsigned long long value;
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        auto_file file = fopen(path, "re");
        while (file && fscanf(file, "%63s %llu", key, &value) == 2)
            if (strcmp(key, "oom_kill") == 0)
                return value;
    }
    return 0;
}

static int watch_v1(const char *dir)
{
    char path[4200], line[64];
    snprintf(path, sizeof path, "%s/memory.oom_control", dir);
    auto_fd control = open(path, O_RDONLY | O_CLOEXEC);
    auto_fd event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (control < 0 || event < 0)
        return -errno;
    snprintf(path, sizeof path, "%s/cgroup.event_control", dir);
    snprintf(line, sizeof line, "%d %d", event, control);
    int r = file_put(AT_FDCWD, path, line);
    return r < 0 ? r : take_fd(&event);
}

int cgroup_oom_watch(const char *dir)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/memory.events", dir);
    auto_fd fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return -errno;
    return inotify_add_watch(fd, path, IN_MODIFY) < 0 ? watch_v1(dir) : take_fd(&fd);
}
