/* What the program gives up before it talks to strangers: files but those that the network needs, writing but into one
 * directory, new programs, other processes. What breaks into it afterwards has sockets and the ingest directory. */
#pragma once

#include <stddef.h>

/* INGEST is written into, STORE is read, either may be -1; READABLE (COUNT paths) is what else is read, missing ones are left out. Needs one thread.
 * PARTING is the signal that comes when the parent
 * is no more. 0, or 1 where this kernel has no Landlock and files are not confined, or -errno with a sentence. */
int confine(int ingest, int store, const char *const *readable, size_t count, int parting);

/* The same with what the system trusts to be read, before the network is met; the want of Landlock is told. 0 or -errno with a sentence. */
int confine_network(int ingest, int store, int parting);
