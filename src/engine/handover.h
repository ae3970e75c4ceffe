/* What `create` and `exec` hand over to those who called them: the terminal's host end, the process's id; and the
 * way the other way round, fds that the caller has opened for the command. */
#pragma once

#include "runtime/execute.h"
#include "spec/config.h"

/* A terminal and a socket for it go together; in the foreground the caller itself may take it. */
int handover_check(const struct config *config, const char *console_socket, bool foreground);

/* The command of CONFIG inherits COUNT fds above 2, and those that socket activation speaks of: sd_listen_fds(3). All
 * of them have to be open. */
int handover_fds(struct config *config, unsigned count);

/* Sends X's terminal to the socket and writes its INIT's pid to the file; either may be NULL. */
int handover(struct execution *x, const char *console_socket, const char *pid_file);

/* Waits for the end of X's INIT, which is the caller's child, with signals and a TERMINAL (or what is on standard
 * input) passed on, and what NOTIFIER, which may be NULL, hears. Returns its exit status, for the shell. */
struct notifier;
int handover_wait(struct execution *x, bool terminal, struct notifier *notifier);
