/* Running helper programs, and telling processes apart. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;

/* The absolute path of the helper NAME, of at most 40 letters, where distributions have such; NULL where it is missing. */
const char *process_find(struct arena *arena, const char *name);

/* Runs ARGV[0] (an absolute path) with the caller's environment and no standard input, and waits.
 * 0 when it exits 0; else -errno with a sentence that has what it wrote to standard error. */
int process_run(char *const *argv);

/* The same, for what it writes to standard output, at most 4 MB: *TEXT, which the caller frees. Its standard error is the
 * caller's. */
int process_read(char *const *argv, char **text);

/* A helper program that goes on until it is let go. */
struct held_process {
    pid_t pid;
    int input; /* the other end of its standard input, the caller's */
};

/* Starts ARGV and waits for its first line of output, which is empty when all is well. -errno with a sentence that has
 * what it said instead. */
int process_hold(char *const *argv, struct held_process *held);

/* Start time and state letter of PID: what tells it from a later process of that number. -ESRCH. */
int process_stat(int64_t pid, uint64_t *start_time, char *state);

/* The signals that the caller ignores, bit N-1 for signal N; all of them where /proc does not tell. proc_pid_status(5) */
uint64_t process_ignored_signals(void);

/* Whether the caller is in a user namespace that somebody has made: the initial one has all ids, each its own, in one line of
 * uid_map (user_namespaces(7)). True where /proc does not tell. */
bool process_in_userns(void);

/* The process that PIDFD stands for, as the caller's procfs numbers it (proc_pid_fdinfo(5)); -1 once it has ended. */
pid_t process_behind(int pidfd);
