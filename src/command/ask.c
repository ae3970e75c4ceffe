/* The terminal is /dev/tty, whatever standard input is. While it shows nothing, it sends no signals either: Ctrl-C ends the line and is read
 * from it. Signals that others send wait until the terminal is as it was. */
#include "command/ask.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

/* Until a line has come, or a signal, which is -EINTR. */
static int wait_for_line(int tty, int signals)
{
    struct pollfd fds[] = {{.fd = tty, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    while (poll(fds, COUNT(fds), -1) < 0)
        if (errno != EINTR)
            return -errno;
    return fds[1].revents ? -EINTR : 0;
}

static int read_line(int tty, int signals, char *text, size_t size)
{
    int r = wait_for_line(tty, signals);
    ssize_t n = r < 0 ? r : read(tty, text, size);
    if (n < 0)
        return r < 0 ? r : -errno;
    if (n == 0)
        return refuse(-ECANCELED, "cancelled");
    if (text[n - 1] != '\n') {
        bool full = (size_t)n == size;
        memset(text, 0, size);
        return full ? refuse(-EFBIG, "a line of %zu bytes", size) : refuse(-ECANCELED, "cancelled");
    }
    text[n - 1] = '\0';
    return 0;
}

static int ask(const char *prompt, char *text, size_t size, bool secret)
{
    struct termios saved, changed;
    sigset_t ends, before;
    auto_fd tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0 || tcgetattr(tty, &saved) < 0)
        return -ENOTTY;
    sigemptyset(&ends);
    for (const int *signal = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0}; *signal; signal++)
        sigaddset(&ends, *signal);
    auto_fd signals = signalfd(-1, &ends, SFD_CLOEXEC);
    if (signals < 0)
        return fail(-errno, "ask for it");
    changed = saved;
    changed.c_lflag |= ICANON | (secret ? 0 : ECHO);
    changed.c_lflag &= ~(tcflag_t)(ISIG | (secret ? ECHO : 0));
    changed.c_cc[VEOL] = saved.c_cc[VINTR];
    sigprocmask(SIG_BLOCK, &ends, &before);
    tcsetattr(tty, TCSAFLUSH, &changed);
    fd_write_all(tty, prompt, strlen(prompt));
    int r = read_line(tty, signals, text, size);
    tcsetattr(tty, TCSAFLUSH, &saved);
    if (secret || r < 0)
        fd_write_all(tty, "\n", 1);
    sigprocmask(SIG_SETMASK, &before, NULL); /* and what came meanwhile is acted on */
    return r == -EINTR ? refuse(r, "interrupted") : r;
}

int ask_line(const char *prompt, char *text, size_t size)
{
    return ask(prompt, text, size, false);
}

int ask_secret(const char *prompt, char *text, size_t size)
{
    return ask(prompt, text, size, true);
}
