/* Makes a compiled filter smaller: libseccomp tests for each number of a system call, but their verdicts
 * come in runs. The kernel verifies, translates and evaluates a filter at each container's start, for
 * all numbers (seccomp_cache_prepare()), so that its length is time. */
#pragma once

#include "base/arena.h"
#include "kernel/seccomp.h"

/* Replaces the instructions of PROGRAM by fewer that decide alike for every architecture, number and
 * arguments; they live in ARENA. -ENOTSUP, and PROGRAM as it was, when it has not the form that
 * libseccomp writes, or would not become smaller. */
int seccomp_compact(struct arena *arena, struct seccomp_program *program);
