/* `bocal completion SHELL`: a script for the shell to source, made from the table of verbs. */
#include "command/completion.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

static const struct {
    const char *name;
    option_complete *write;
} shells[] = {
    {"bash", option_complete_bash},
    {"zsh", option_complete_zsh},
    {"fish", option_complete_fish},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "completion",
    .synopsis = "bash|zsh|fish",
    .summary = "print the completion script of a shell",
    .operands = (const char *const[]){"bash", "zsh", "fish", NULL},
};

static int write_for(const char *shell)
{
    auto_arena arena = {0};
    const struct option_set **sets = NULL;
    size_t count = 0;
    for (size_t i = 0; i < verb_count(); i++)
        *LIST_ADD(&arena, &sets, &count) = verb_at(i)->set;
    for (size_t i = 0; i < COUNT(shells); i++)
        if (text_equal(shell, shells[i].name)) {
            shells[i].write(stdout, "bocal", sets, count);
            return 0;
        }
    return refuse(-EINVAL, "shell %.80s: no completion for it (bash, zsh or fish)", shell);
}

static int completion_run(const struct call *call)
{
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, NULL, &help);
    TRY(used);
    char **words = call->words + used;
    if (help)
        return verb_help(&completion_verb);
    if (!*words)
        return refuse(-EINVAL, "for which shell? (bocal completion bash, zsh or fish)");
    TRY(verb_ends(words + 1));
    return write_for(*words);
}

const struct verb completion_verb = {.set = &set, .run = completion_run};
