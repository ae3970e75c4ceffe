/* `bocal-runtime events`: what happens to a container, a line of JSON each. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* What container ID of the directory ROOT uses, now and every INTERVAL milliseconds until it ends, and each time that
 * the kernel kills in it for want of memory; 0: what it uses, once. -errno with a sentence. */
int events_run(const char *root, const char *id, uint64_t interval, FILE *out);
