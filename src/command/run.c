/* `bocal run`: words into options (run_table.c), options into a container (engine/run.h). */
#include "command/run.h"

#include "base/error.h"
#include "command/run_man.h"
#include "command/run_table.h"
#include "engine/run.h"

#include <unistd.h>

static int run_run(const struct call *call)
{
    struct run_options options;
    auto_arena arena = {0};
    bool help, terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    TRY(run_parse(&arena, call->words, call->seed, terminal, &options, &help));
    return help ? verb_help(&run_verb) : engine_run(&options);
}

const struct verb run_verb = {.set = &run_set, .prose = &run_prose, .run = run_run};
