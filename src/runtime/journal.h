/* The journal: what a container leaves outside its processes, written down *before* it is made, one
 * line each, in a file with the container's id as its name. Undoing walks it backwards; every undo
 * succeeds when there is nothing to undo. So whoever is killed, at whatever step, is cleaned up after
 * by the next command that finds the file with nobody holding its lock. */
#pragma once

struct journal {
    int fd; /* flock(2)ed while its owner lives; -1 before OP_STATE */
};
#define JOURNAL_NONE ((struct journal){.fd = -1})
#define auto_journal __attribute__((cleanup(journal_close))) struct journal

/* Creates the journal PATH and takes the lock. */
int journal_create(struct journal *journal, const char *path);

/* The word that takes back the record before it: its object was there already. */
#define JOURNAL_NOT "not"

/* Records "WORD OBJECT". Objects are absolute paths without newlines. */
int journal_record(struct journal *journal, const char *word, const char *object);

/* Undoes everything in the locked JOURNAL of the name PATH, newest first, and removes it. It stays when
 * something could not be undone. */
int journal_undo(const struct journal *journal, const char *path);

/* Gives up the lock; the file stays. */
void journal_close(struct journal *journal);

/* Undoes what dead owners have left below STATE (facts.state_dir). Returns how many. Containers whose
 * owner lives are left alone. Never fails the caller. */
int journal_sweep(const char *state);
