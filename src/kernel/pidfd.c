#include "kernel/pidfd.h"

#include "base/cleanup.h"
#include "base/process.h"
#include "kernel/sys.h"

/* The pidfd first, then the start time: so it cannot change hands in between. */
int pidfd_open_same(int64_t pid, uint64_t start_time)
{
    uint64_t began = 0;
    char state = 0;
    auto_fd fd = pid > 0 ? sys_pidfd_open((pid_t)pid) : -ESRCH;
    if (fd < 0)
        return fd;
    if (process_stat(pid, &began, &state) < 0 || began != start_time || state == 'Z' || state == 'X')
        return -ESRCH;
    return take_fd(&fd);
}
