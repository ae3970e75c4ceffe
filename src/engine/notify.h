/* NOTIFY_SOCKET, sd_notify(3): the service manager's socket in the runtime's environment, and the container's own, which lies
 * in a directory that it has a mount of. What the container announces passes from one to the other. */
#pragma once

#include "engine/notification.h"
#include "spec/config.h"

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

struct notifier {
    int socket;       /* that the container sends to */
    int lines;        /* from the receiver; -1: none */
    int outer;        /* the service manager's, connected; -1: not yet */
    pid_t receiver;
    int64_t main_pid; /* told with READY=1; 0: who listens knows it already */
    bool ready;       /* READY=1 has been told */
    bool deaf;        /* nobody listens: there was a warning */
    size_t used;      /* of TEXT: what waits to be sent */
    char text[NOTIFICATION_LARGEST + 32];
};

#define NOTIFIER_NONE {.socket = -1, .lines = -1, .outer = -1}

/* Where the caller has NOTIFY_SOCKET, and the container's process no other by its configuration, CONFIG gets the mount and
 * the variable; DIR is the container's directory. What cannot be a socket is warned of. */
void notify_decorate(struct config *config, const char *dir);

/* A new socket for the created container in DIR, where that has a place for it and the caller NOTIFY_SOCKET. An fd, the
 * caller's; NOTIFY_UNWANTED; or -errno with a sentence. */
enum { NOTIFY_UNWANTED = INT32_MIN };
int notify_listen(struct arena *arena, const char *dir);

/* From now on what comes to SOCKET, which becomes N's, is heard. MAIN_PID: the service's process, where the manager is to take
 * that for it; 0 where it is the caller. -errno with a sentence. */
int notify_begin(struct notifier *n, int socket, int64_t main_pid);

/* What to poll for; N may be NULL. */
struct pollfd notify_watch(const struct notifier *n);

/* Does what can be done without waiting. */
void notify_take(struct notifier *n);

/* Passes on until READY=1 was told, and the manager has heard it, or the process PIDFD has ended, or
 * is -1: has ended before. */
void notify_await(struct notifier *n, int pidfd);

/* The container has ended: what it has said before is passed on. */
void notify_end(struct notifier *n);
