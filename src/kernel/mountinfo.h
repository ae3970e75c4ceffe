/* /proc/self/mountinfo, proc_pid_mountinfo(5): one mount a line,
 *     36 35 98:0 ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS
 * with blanks, newlines and backslashes in fields as \ooo. */
#pragma once

#include <stdbool.h>

struct mountinfo {
    const char *device, *root, *point, *type, *super;
};

/* Takes the next line off *TEXT, which it changes: the fields point into it. False at the end; lines
 * that are not of this form are skipped. */
bool mountinfo_next(char **text, struct mountinfo *mount);
