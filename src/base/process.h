/* Running helper programs. */
#pragma once

#include <sys/types.h>

/* Runs ARGV[0] (an absolute path) with the caller's environment and no standard input, and waits.
 * 0 when it exits 0; else -errno with a sentence that has what it wrote to standard error. */
int process_run(char *const *argv);
