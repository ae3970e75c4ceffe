#include "base/error.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct {
    char text[2304];
    bool remedied;
} record;

/* What comes from images, arguments and files can carry terminal escapes: no byte of them reaches
 * a terminal through an error. */
static void record_text(const char *text)
{
    snprintf(record.text, sizeof record.text, "%s", text);
    text_disarm(record.text);
}

static void vcompose(const char *before, const char *format, va_list args, const char *after)
{
    char middle[1024];
    char whole[sizeof record.text];
    vsnprintf(middle, sizeof middle, format, args);
    snprintf(whole, sizeof whole, "%s%s%s", before, middle, after);
    record_text(whole);
}

int fail(int err, const char *format, ...)
{
    if (record.text[0])
        return err;
    char reason[128];
    snprintf(reason, sizeof reason, ": %s", strerror(-err));
    va_list args;
    va_start(args, format);
    vcompose("", format, args, reason);
    va_end(args);
    return err;
}

int refuse(int err, const char *format, ...)
{
    if (record.text[0])
        return err;
    va_list args;
    va_start(args, format);
    vcompose("", format, args, "");
    va_end(args);
    return err;
}

int because(int err, const char *format, ...)
{
    char tail[1100];
    if (record.text[0])
        snprintf(tail, sizeof tail, ": %.1090s", record.text);
    else
        snprintf(tail, sizeof tail, ": %s", strerror(-err));
    va_list args;
    va_start(args, format);
    vcompose("", format, args, tail);
    va_end(args);
    return err;
}

int remedy(int err, const char *format, ...)
{
    if (record.remedied || !record.text[0])
        return err;
    char before[1100];
    snprintf(before, sizeof before, "%.1090s (", record.text);
    va_list args;
    va_start(args, format);
    vcompose(before, format, args, ")");
    va_end(args);
    record.remedied = true;
    return err;
}

const char *error_text(void)
{
    return record.text;
}

void error_clear(void)
{
    record.text[0] = '\0';
    record.remedied = false;
}
