/* Being told to end, as a descriptor: for who has something to take back before it does. */
#pragma once

/* From now on SIGTERM, and SIGINT and SIGHUP where they are not ignored, end nothing: a descriptor that can be read once one has
 * come; owned by the caller. Before confinement, and before other threads. -errno with a sentence. */
int interrupt_open(void);
