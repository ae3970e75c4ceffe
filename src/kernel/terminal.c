#include "kernel/terminal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tty.h>

int terminal_open(int devpts, int *master, int *slave)
{
    auto_fd end = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    int unlock = 0;
    if (end < 0 || ioctl(end, TIOCSPTLCK, &unlock) < 0)
        return -errno;
    int other = ioctl(end, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (other < 0)
        return -errno;
    *slave = other;
    *master = take_fd(&end);
    return 0;
}

int terminal_own(int slave)
{
    if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
        return -errno;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(slave, fd) < 0)
            return -errno;
    return 0;
}

int terminal_raw(int fd, struct termios *saved)
{
    if (tcgetattr(fd, saved) < 0)
        return -errno;
    struct termios raw = *saved;
    cfmakeraw(&raw);
    return tcsetattr(fd, TCSANOW, &raw) < 0 ? -errno : 0;
}

int terminal_restore(int fd, const struct termios *saved)
{
    return tcsetattr(fd, TCSANOW, saved) < 0 ? -errno : 0;
}

void terminal_copy_size(int from, int to)
{
    struct winsize size;
    if (ioctl(from, TIOCGWINSZ, &size) == 0)
        ioctl(to, TIOCSWINSZ, &size);
}
