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

/* ---- warnings ---- */

static struct {
    char text[4096]; /* sentences, each NUL-terminated */
    size_t used;
    bool lost;       /* there were more */
    void (*tell)(const char *sentence, void *data);
    void *data;
} warnings;

void warn(const char *format, ...)
{
    char sentence[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    size_t size = strlen(sentence) + 1;
    if (size > sizeof warnings.text - warnings.used) {
        warnings.lost = true;
        return;
    }
    memcpy(warnings.text + warnings.used, sentence, size);
    text_disarm(warnings.text + warnings.used);
    warnings.used += size;
}

void warnings_to(void (*tell)(const char *sentence, void *data), void *data)
{
    warnings.tell = tell;
    warnings.data = data;
}

void warnings_tell(void)
{
    for (size_t at = 0; warnings.tell && at < warnings.used; at += strlen(warnings.text + at) + 1)
        warnings.tell(warnings.text + at, warnings.data);
    if (warnings.tell && warnings.lost)
        warnings.tell("more was left out than is told here", warnings.data);
    warnings_clear();
}

void warnings_clear(void)
{
    warnings.used = 0;
    warnings.lost = false;
}
