/* gzip (RFC 1952), piece by piece. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct gunzip;

/* NULL where bocal was built without the library for it: libarchive does it then. gunzip_free() takes both. */
struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *gunzip);

/* Takes what it can of *SIZE bytes at *IN, which both move on, and makes *MADE bytes at OUT, ROOM at most. 1: the end, and what may follow
 * is no gzip. 0: it goes on, with more room or more bytes. -EBADMSG without a sentence: the data is damaged. */
int gunzip_step(struct gunzip *gunzip, const char **in, size_t *size, char *out, size_t room, size_t *made);

/* Whether it may end here: between two members. */
bool gunzip_is_whole(const struct gunzip *gunzip);
