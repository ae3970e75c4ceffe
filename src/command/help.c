/* `bocal help`: the verbs, a verb's options, or the source of its manual page. The other face's has both as well: where bocal is
 * built for another processor, an emulator runs it by the name `bocal`. */
#include "command/help.h"

#include "base/error.h"
#include "base/text.h"
#include "command/oci.h"

struct help_options {
    bool man;
};

static const struct option options[] = {
    {.name = "man",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct help_options, man),
     .help = "print the manual page of VERB as scdoc source"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "help",
    .synopsis = "[VERB]",
    .summary = "print the verbs, or the options of one",
    .of_verb = true,
    .options = options,
    .count = sizeof options / sizeof options[0],
};

static int help_run(const struct call *call)
{
    struct help_options asked = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &asked, &help);
    TRY(used);
    char **words = call->words + used;
    if (help)
        return verb_help(&help_verb);
    if (!*words && asked.man)
        return refuse(-EINVAL, "--man: of which verb? (bocal help --man run)");
    if (!*words) {
        verb_usage(stdout);
        return 0;
    }
    TRY(verb_ends(words + 1));
    if (text_equal(*words, "bocal-runtime"))
        return oci_run((char *[]){asked.man ? (char *)"--man" : (char *)"--help", NULL});
    const struct verb *verb = verb_find(*words);
    if (!verb)
        return -EINVAL;
    if (!asked.man)
        return verb_help(verb);
    option_man(stdout, verb->set, verb->prose);
    return 0;
}

const struct verb help_verb = {.set = &set, .run = help_run};
