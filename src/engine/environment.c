#include "engine/environment.h"

#include <string.h>

struct environment environment_of(struct arena *arena, char *const *list)
{
    struct environment env = {.arena = arena};
    for (; list && *list; list++)
        environment_append(&env, *list);
    return env;
}

void environment_append(struct environment *env, const char *assignment)
{
    *LIST_ADD(env->arena, &env->list, &env->count) = (char *)assignment;
}

void environment_set(struct environment *env, const char *assignment)
{
    size_t name = strcspn(assignment, "=");
    for (size_t i = 0; i < env->count; i++)
        if (strncmp(env->list[i], assignment, name + 1) == 0) {
            env->list[i] = (char *)assignment;
            return;
        }
    environment_append(env, assignment);
}

char **environment_list(struct environment *env)
{
    environment_append(env, NULL);
    env->count--;
    return env->list;
}
