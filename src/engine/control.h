/* What is done to the processes of a container that runs. ROOT is the directory of all containers. Each returns 0, or
 * -errno with a sentence. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* SIGNAL to its first process, or to ALL of them. */
int control_kill(const char *root, const char *id, int signal, bool all);
/* Pauses all its processes, or lets them go on. */
int control_freeze(const char *root, const char *id, bool frozen);
/* Lets what was killed while paused die: on cgroup v1 it does not before. */
struct container;
void control_thaw(const struct container *container);
/* Takes its first process out of a cgroup v1 freezer that somebody else has put it into. */
void control_reclaim(const struct container *container);
/* Its processes' ids as JSON, or a table made by ps(1) with OPTIONS, NULL-terminated; none: -ef. */
int control_ps(const char *root, const char *id, bool json, char *const *options, FILE *out);
