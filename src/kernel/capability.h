/* capabilities(7): names, and giving them up. */
#pragma once

#include <stdint.h>

struct arena;

/* Bit N is capability N of linux/capability.h. */
struct capabilities {
    uint64_t bounding, effective, permitted, inheritable, ambient;
};

#define CAPABILITY_ALL ((1ULL << 41) - 1)
extern const uint64_t capability_default; /* the usual eleven */

/* "CAP_NET_ADMIN", "net_admin" or "ALL", any case, as a mask. -EINVAL for other words; no sentence. */
int capability_parse(const char *name, uint64_t *mask);
/* "CAP_CHOWN", or NULL beyond the last one known. */
const char *capability_name(int capability);
/* "chown, kill": the names in MASK. */
char *capability_format(uint64_t mask, struct arena *arena);

/* INIT's, no sentence. Drops everything that is not in KEEP from the bounding set. */
int capability_drop_bounding(uint64_t keep);
/* Makes all effective that are permitted: a change from root to another user has emptied the former. */
int capability_raise(void);
/* Sets the other four sets, for the thread as it is now (its ids are changed already). */
int capability_apply(const struct capabilities *caps);
