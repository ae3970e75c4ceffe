/* What a service says of itself, sd_notify(3): lines of NAME=VALUE in one datagram; and which of them a container may say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Of a longer one systemd reads nothing either: PIPE_BUF. */
enum { NOTIFICATION_LARGEST = 4096 };

/* Leaves of TEXT, SIZE bytes of anybody's, the lines that may pass, as "READY=1\nSTATUS=fine", and returns how many bytes that
 * are. What names a process, keeps fds or moves a time limit is not among them, nor is what has control characters or is no
 * UTF-8. Allocates nothing and leaves no sentence. */
size_t notification_filter(char *text, size_t size);

/* Whether one of the lines is READY=1. */
bool notification_is_ready(const char *text, size_t size);
