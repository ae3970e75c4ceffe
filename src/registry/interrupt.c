/* SIGTERM also comes when bocal is no more (confine()), and counts though somebody has ignored it: nobody would end the program then. */
#include "registry/interrupt.h"

#include "base/error.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

int interrupt_open(void)
{
    static const int unless_ignored[] = {SIGINT, SIGHUP};
    struct sigaction action;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    for (size_t i = 0; i < sizeof unless_ignored / sizeof *unless_ignored; i++)
        if (sigaction(unless_ignored[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&set, unless_ignored[i]);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? fail(-errno, "wait for signals") : fd;
}
