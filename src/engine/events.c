/* Three things wake it: the container's end, the clock, and the kernel's word that memory is wanting. Whether the
 * kernel has killed is said by its counter alone, which is looked at whenever something wakes us. */
#include "engine/events.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/container.h"
#include "engine/stats.h"
#include "kernel/cgroup.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

struct events {
    const char *id;
    char **dirs;
    FILE *out;
    uint64_t kills; /* told of so far */
};

static int put_event(struct events *e, const char *type, bool stats)
{
    auto_arena arena = {0};
    struct json_writer json = json_writer_compact(e->out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "type", type);
    json_put_string(&json, "id", e->id);
    if (stats) {
        json_begin_object(&json, "data");
        stats_encode(&arena, e->dirs, &json);
        json_end_object(&json);
    }
    json_end_object(&json);
    putc('\n', e->out);
    return fflush(e->out) == 0 ? 0 : fail(-errno, "write events");
}

static uint64_t count_kills(const struct events *e)
{
    uint64_t kills = 0;
    for (size_t i = 0; e->dirs[i] && !kills; i++)
        kills = cgroup_oom_kills(e->dirs[i]);
    return kills;
}

/* On v1 the word comes before the kill, and who watches may be quicker. */
static int put_kills(struct events *e, bool word)
{
    enum { PAUSE_NS = 1000000, TRIES = 50 };
    uint64_t now = count_kills(e);
    for (int i = 0; word && i < TRIES && now <= e->kills; i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        now = count_kills(e);
    }
    if (now <= e->kills)
        return 0;
    e->kills = now;
    return put_event(e, "oom", false);
}

static int start_clock(uint64_t interval)
{
    struct timespec each = {.tv_sec = (time_t)(interval / 1000), .tv_nsec = (long)(interval % 1000) * 1000000};
    auto_fd fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0 || timerfd_settime(fd, 0, &(struct itimerspec){.it_interval = each, .it_value = each}, NULL) < 0)
        return -errno;
    return take_fd(&fd);
}

static int watch_memory(const struct events *e)
{
    int fd = -ENOENT;
    for (size_t i = 0; e->dirs[i] && fd < 0; i++)
        fd = cgroup_oom_watch(e->dirs[i]);
    return fd;
}

static int follow(struct events *e, int pidfd, uint64_t interval)
{
    enum { END, CLOCK, MEMORY, WAKERS };
    auto_fd clock = start_clock(interval);
    auto_fd watch = watch_memory(e); /* without, the counter is looked at by the clock */
    if (clock < 0)
        return fail(clock, "make a timer");
    e->kills = count_kills(e);
    TRY(put_event(e, "stats", true));
    struct pollfd fds[] = {
        [END] = {.fd = pidfd, .events = POLLIN},
        [CLOCK] = {.fd = clock, .events = POLLIN},
        [MEMORY] = {.fd = watch, .events = POLLIN},
    };
    while (!fds[END].revents) {
        char seen[4096];
        if (poll(fds, WAKERS, -1) < 0 && errno != EINTR)
            return fail(-errno, "wait for events");
        for (int i = CLOCK; i < WAKERS; i++)
            if (fds[i].revents && read(fds[i].fd, seen, sizeof seen) < 0)
                fds[i].revents = 0;
        TRY(put_kills(e, fds[MEMORY].revents));
        if (fds[CLOCK].revents && !fds[END].revents)
            TRY(put_event(e, "stats", true));
    }
    return 0;
}

int events_run(const char *root, const char *id, uint64_t interval, FILE *out)
{
    auto_arena arena = {0};
    struct container container;
    struct events events = {.id = id, .out = out};
    TRY(container_load(&arena, root, id, &container));
    auto_fd pidfd = container_pidfd(&container);
    if (pidfd < 0)
        return refuse(-ESRCH, "container %s is not running", id);
    TRY(container_cgroups(&container, &events.dirs));
    if (!events.dirs[0])
        return refuse(-EOPNOTSUPP, "container %s has no cgroup of its own that would count what it uses", id);
    return interval ? follow(&events, pidfd, interval) : put_event(&events, "stats", true);
}
