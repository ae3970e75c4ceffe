/* Processes by fd: pidfd_open(2). */
#pragma once

#include <stdint.h>

/* A pidfd of the process PID that began at START_TIME (base/process.h), owned by the caller. -ESRCH when that one has
 * ended, whoever has its number now. No sentence. */
int pidfd_open_same(int64_t pid, uint64_t start_time);
