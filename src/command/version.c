/* `bocal version`: one line, for people and for bug reports. */
#include "command/version.h"

#include "base/error.h"

static const struct option_set set = {
    .program = "bocal",
    .verb = "version",
    .synopsis = "",
    .summary = "print the version",
    .operands = (const char *const[]){NULL},
};

static int version_run(const struct call *call)
{
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, NULL, &help);
    TRY(used);
    if (help)
        return verb_help(&version_verb);
    TRY(verb_ends(call->words + used));
    puts("bocal " BOCAL_VERSION);
    return 0;
}

const struct verb version_verb = {.set = &set, .run = version_run};
