/* The supervisor's event loop: from the moment the command runs until it has ended. It relays a
 * pseudo-terminal, passes signals on, and ends the container when its time is over.
 *
 * With a terminal, the caller's own is raw meanwhile, and restored whatever happens: a guard
 * process, forked before, restores it even when bocal is killed with SIGKILL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct notifier;

struct console {
    int pidfd;          /* of the container's first process, the caller's child; borrowed */
    int master;         /* of its pseudo-terminal, or -1; borrowed */
    bool interactive;   /* pass standard input on */
    bool proxy;         /* pass signals on */
    struct notifier *notifier; /* passes on what the container announces; or NULL; borrowed */
    int stop_signal;
    uint64_t timeout_ms; /* 0: none */
    uint64_t stop_ms;    /* from the stop signal to SIGKILL */
    bool timed_out;      /* out: the time was over */
};

/* Blocks the signals that the loop will take; before the container is born, so that none is
 * lost. The container's processes begin with none blocked. */
void console_block_signals(void);

/* Relays until the first process has ended and its output has come through. Returns the exit
 * status for the shell (0..255, 128+n for a signal), or -errno with a sentence. */
int console_run(struct console *console);
