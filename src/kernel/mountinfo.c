#include "kernel/mountinfo.h"

#include <string.h>

static bool is_octal(const char *digits)
{
    for (int i = 0; i < 3; i++)
        if (digits[i] < '0' || digits[i] > '7')
            return false;
    return true;
}

static void unescape(char *field)
{
    char *to = strchr(field, '\\');
    if (!to)
        return;
    for (const char *from = to; (*to = *from); to++, from++)
        if (*from == '\\' && is_octal(from + 1)) {
            *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 3;
        }
}

/* The field at *LINE, which moves behind it; "" when there is none. */
static char *next_field(char **line)
{
    char *field = *line, *blank = strchr(field, ' ');
    *line = blank ? blank + 1 : field + strlen(field);
    if (blank)
        *blank = '\0';
    unescape(field);
    return field;
}

bool mountinfo_next(char **text, struct mountinfo *mount)
{
    enum { IDS = 2 }; /* fields before the device */
    while (**text) {
        char *line = *text, *newline = strchr(line, '\n');
        *text = newline ? newline + 1 : line + strlen(line);
        if (newline)
            *newline = '\0';
        char *rest = strstr(line, " - ");
        if (!rest)
            continue;
        *rest = '\0';
        rest += 3;
        for (int i = 0; i < IDS; i++)
            next_field(&line);
        mount->device = next_field(&line);
        mount->root = next_field(&line);
        mount->point = next_field(&line);
        mount->type = next_field(&rest);
        next_field(&rest);
        mount->super = next_field(&rest);
        return true;
    }
    return false;
}
