/* Scopes of systemd: made, told of limits, left, ended. What they are called and where they lie is in plan_scope.c. */
#pragma once

struct execution;

/* Ends what holds the scope of X, if anything does: INIT is in it, or never will be. */
void scope_leave(struct execution *x);

/* Ends what is in the scope DIRECTORY, and the unit. Missing is success. -errno with a sentence. */
int scope_stop(const char *directory);
