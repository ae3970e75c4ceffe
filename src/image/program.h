/* bocal's own programs: bocal-archive, which parses what strangers have packed, and bocal-registry, which talks to them.
 * Each confines itself before it reads a byte. They are given fds, not paths; what they tell is JSON, a line an object, and
 * their one line on standard error is a sentence for bocal's own. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <sys/types.h>

struct json_object;

enum { PROGRAM_MOST_FDS = 600 };

/* What to run. All fds stay the caller's. */
struct program_call {
    const char *name;
    const char *const *words; /* from the verb on, NULL-terminated */
    int input;                /* -1: nothing */
    int output;               /* -1: what it tells, for the listener */
    const int *fds;           /* its 3, 4, … */
    size_t n_fds;
};

struct program {
    const char *name;
    pid_t pid;                /* 0: none runs */
    int out, err;             /* what it tells; owned, -1 at their ends */
    int pidfd;                /* can be read when it has ended; owned */
    char line[16384], error[512];
    size_t n_line, n_error;
};

enum { PROGRAM_PARENTS = 3 }; /* the exit status of `unpack` that needs the layers below */

int program_start(struct arena *arena, const struct program_call *call, struct program *program);

/* Reads what has come, without waiting where nothing has; calls EACH for every object. Returns 0 while it runs (what it has
 * started may go on, and hold its pipes); 1 when it has ended well; PROGRAM_PARENTS; or -errno with its sentence. It has been waited for then. */
typedef int program_listener(struct json_object *object, void *data);
int program_read(struct program *program, program_listener *each, void *data);

/* Waits for the first of COUNT programs that has something to tell, or ends; for TIMEOUT milliseconds at most, or, -1, for ever. */
int program_poll(struct program *const *programs, size_t count, int timeout);

/* Starts it and reads to its end. 0, PROGRAM_PARENTS, or -errno. */
int program_run(struct arena *arena, const struct program_call *call, program_listener *each, void *data);

/* Kills it, where it runs, and waits. */
void program_end(struct program *program);
