/* The journal: what a container leaves outside its processes, written down *before* it is made, one
 * line each, in the container's state directory. Undoing walks it backwards; every undo succeeds
 * when there is nothing to undo. So whoever is killed, at whatever step, is cleaned up after by the
 * next command that finds the directory with nobody holding its lock. */
#pragma once

#include <stdbool.h>

struct journal {
    int dir; /* the state directory; -1 before OP_STATE */
    int fd;  /* the journal in it, flock(2)ed while its owner lives */
};
#define JOURNAL_NONE ((struct journal){.dir = -1, .fd = -1})

/* Creates the state directory PATH, its journal, and takes the lock. */
int journal_create(struct journal *journal, const char *path, unsigned mode);

/* Records "WORD OBJECT". Objects are absolute paths without newlines. */
int journal_record(struct journal *journal, const char *word, const char *object);

/* Undoes everything in the state directory PATH, newest first, and removes the directory. */
int journal_undo(const char *path);

/* Closes the fds; the state stays. */
void journal_close(struct journal *journal);

/* Undoes what dead owners have left below STATE (facts.state_dir). Returns how many. Containers whose
 * owner lives, or whose journal says "keep", are left alone. Never fails the caller. */
int journal_sweep(const char *state);
