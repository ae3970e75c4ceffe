/* A table of what may pass; whatever is not in it does not. MAINPID, FDSTORE, FDNAME and BARRIER would be said in the name of
 * the runtime, who has rights over the service that the container has not; EXTEND_TIMEOUT_USEC and WATCHDOG_USEC would take
 * from the service manager the limits that it holds the service to; NOTIFYACCESS and EXIT_STATUS are the runtime's own. */
#include "engine/notification.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>

enum value { VALUE_ONE, VALUE_DIGITS, VALUE_TEXT };

static const struct {
    const char *name;
    enum value value;
} lines[] = {
    {"READY=", VALUE_ONE},    {"RELOADING=", VALUE_ONE},         {"STOPPING=", VALUE_ONE},
    {"WATCHDOG=", VALUE_ONE}, {"MONOTONIC_USEC=", VALUE_DIGITS}, {"ERRNO=", VALUE_DIGITS},
    {"STATUS=", VALUE_TEXT},
};

/* One line for people, of which a terminal makes nothing else. */
static bool is_text(const char *value)
{
    for (int n; *value; value += n)
        if (text_control(value) || !(n = text_utf8_length(value)))
            return false;
    return true;
}

static bool is_value(enum value kind, const char *value)
{
    enum { MOST_DIGITS = 20 }; /* of a uint64_t */
    size_t digits = strspn(value, "0123456789");
    switch (kind) {
    case VALUE_ONE:
        return text_equal(value, "1");
    case VALUE_DIGITS:
        return digits && digits <= MOST_DIGITS && !value[digits];
    case VALUE_TEXT:
        return is_text(value);
    }
    return false;
}

static bool may_pass(const char *line)
{
    for (size_t i = 0; i < COUNT(lines); i++) {
        const char *value = text_after(line, lines[i].name);
        if (value)
            return is_value(lines[i].value, value);
    }
    return false;
}

/* Behind the KEPT bytes; what is kept is never longer than what it was kept of. */
static size_t keep(char *text, size_t kept, const char *line)
{
    size_t n = strlen(line);
    if (kept)
        text[kept++] = '\n';
    memcpy(text + kept, line, n);
    return kept + n;
}

size_t notification_filter(char *text, size_t size)
{
    char copy[NOTIFICATION_LARGEST + 1];
    size_t kept = 0;
    if (size && !text[size - 1])
        size--; /* who sends a string with its end */
    if (!size || size > NOTIFICATION_LARGEST || memchr(text, '\0', size))
        return 0;
    memcpy(copy, text, size);
    copy[size] = '\0';
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (may_pass(line))
            kept = keep(text, kept, line);
    return kept;
}

bool notification_is_ready(const char *text, size_t size)
{
    static const char word[] = "READY=1";
    enum { LENGTH = sizeof word - 1 };
    for (size_t at = 0; at + LENGTH <= size; at++) {
        bool begins = at == 0 || text[at - 1] == '\n', ends = at + LENGTH == size || text[at + LENGTH] == '\n';
        if (begins && ends && memcmp(text + at, word, LENGTH) == 0)
            return true;
    }
    return false;
}
