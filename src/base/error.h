/* Errors: a function returns 0 or more on success and -errno on failure, and the *first* failure
 * leaves a sentence behind for people. Callers that cannot add anything pass the number on (TRY);
 * callers that know what the failure means to the user put their words in front (because) or a way
 * out behind (remedy). Nothing here prints: the sentence is printed once, in command/.
 *
 * The record is one static buffer: a process reports one failure, and a few warnings. The forked INIT never calls
 * these functions; it reports a step and an errno, and HOST writes the sentence. */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* Records "FORMAT: reason of ERR" unless a sentence is recorded already; returns ERR (negative). */
int fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with the whole sentence in FORMAT, for failures that errno has no words for. */
int refuse(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "FORMAT: " in front of the recorded sentence; returns ERR unchanged. */
int because(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts " (FORMAT)" behind the recorded sentence unless it has a remedy; returns ERR unchanged. */
int remedy(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The recorded sentence, "" when nothing failed. Control characters in it are shown as '?'. */
const char *error_text(void);

/* Forgets the recorded sentence: the caller has dealt with the failure. */
void error_clear(void);

/* Warnings: what was asked for and is left out, where a specification wants all the rest done nevertheless. They are
 * recorded like errors, and told, in their order, by who begins to act; command/ has said how. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* TELL is called with DATA for each warning; one sentence, without control characters. */
void warnings_to(void (*tell)(const char *sentence, void *data), void *data);

/* Tells and forgets what is recorded; what nobody wants to be told is only forgotten. */
void warnings_tell(void);

/* Forgets it: it was told earlier, when the same was read. */
void warnings_clear(void);

#define TRY(expression)             \
    do {                            \
        int try_ = (expression);    \
        if (try_ < 0)               \
            return try_;            \
    } while (0)
