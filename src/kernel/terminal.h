/* Terminals: the container's pseudo-terminal, and the caller's own in raw mode. pty(7), ioctl_tty(2). */
#pragma once

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

/* Opens a new pseudo-terminal of the devpts whose root directory DEVPTS is. The container's end is
 * opened from the master by ioctl, never by a path of the container. No sentence: INIT's. */
int terminal_open(int devpts, int *master, int *slave);

/* Makes the caller the leader of a new session whose terminal is SLAVE, on fds 0, 1 and 2. INIT's. */
int terminal_own(int slave);

/* Puts FD into raw mode; *SAVED is what to restore. */
int terminal_raw(int fd, struct termios *saved);
int terminal_restore(int fd, const struct termios *saved);

/* Copies the size of one terminal to another; no terminal is no error. */
void terminal_copy_size(int from, int to);
