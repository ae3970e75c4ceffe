/* A list of NAME=VALUE that grows. */
#pragma once

#include "base/arena.h"

struct environment {
    struct arena *arena;
    char **list;
    size_t count;
};

/* With what is in LIST, NULL-terminated, which stays as it is. */
struct environment environment_of(struct arena *arena, char *const *list);

/* ASSIGNMENT, which is borrowed, replaces what is there under the same name. */
void environment_set(struct environment *env, const char *assignment);

/* ASSIGNMENT comes last, whatever is there. */
void environment_append(struct environment *env, const char *assignment);

/* NULL-terminated. */
char **environment_list(struct environment *env);
