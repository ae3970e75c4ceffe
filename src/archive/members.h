/* The members of an archive by name. Names are never paths: no file is made under one. They are
 * compared letter by letter, without "./" and double slashes, and one that would leave the archive
 * ("/x", "a/../../x") is refused. */
#pragma once

#include "base/arena.h"

#include <stddef.h>

struct blob;

struct member {
    const char *name;
    struct blob *blob;  /* a file's content */
    const char *target; /* or the name that a link leads to */
};

struct members {
    struct arena *arena; /* borrowed */
    void *tree;          /* of struct member, tsearch(3) */
    size_t count;
};

/* RAW as it is written, into *NAME. -EINVAL with a sentence. */
int member_name(struct arena *arena, const char *raw, const char **name);

/* Where a symlink NAME leads to that says TARGET. The same. */
int member_link(struct arena *arena, const char *name, const char *target, const char **to);

/* Adds a file (TARGET is NULL) or a link. A name twice is refused, unless it is the same again.
 * -EEXIST, -E2BIG. */
int members_add(struct members *members, const char *name, struct blob *blob, const char *target);

/* The content of NAME, through links; NULL where there is none. */
struct blob *members_find(const struct members *members, const char *name);

void members_free(struct members *members);
#define auto_members __attribute__((cleanup(members_free))) struct members
