/* bocal-archive: all of bocal that parses tars or hashes. A program of its own, because what it reads is anybody's and its
 * libraries are large: bocal starts it with the files that it may touch open, and it gives up the rest of the world
 * (confine.h) before it reads a byte. docs/architecture.md has the numbers of the descriptors.
 *
 * Standard output is JSON, one object a line; a failure is one line on standard error, without the program's name, for bocal
 * says it as its own. */
#include "archive/digest.h"
#include "archive/import.h"
#include "archive/load.h"
#include "archive/save.h"
#include "archive/seal.h"
#include "archive/unpack.h"
#include "archive/userns.h"
#include "archive/verb.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

static const struct {
    const char *name;
    int (*run)(char **words);
} verbs[] = {
    {"digest", verb_digest},
    {"import", verb_import},
    {"load", verb_load},
    {"remove", verb_remove},
    {"save", verb_save},
    {"seal", verb_seal},
    {"unpack", verb_unpack},
    {"usage", verb_usage},
};

int words_none(char **words)
{
    return *words ? refuse(-EINVAL, "%.80s: one word too many", *words) : 0;
}

static int call_verb(char **words)
{
    for (size_t i = 0; *words && i < COUNT(verbs); i++)
        if (text_equal(*words, verbs[i].name))
            return verbs[i].run(words + 1);
    return refuse(-EINVAL, "%.80s: no such verb", *words ? *words : "(none)");
}

int main(int argc, char **argv)
{
    (void)argc;
    int result = call_verb(*argv ? argv + 1 : argv);
    if (result >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
        result = fail(-errno, "write standard output");
    if (result < 0)
        fail(result, "failed");
    if (*error_text())
        fprintf(stderr, "%s\n", error_text());
    return result < 0 ? 1 : result;
}
