/* The table of verbs, and what can be said about all of them. */
#include "command/verb.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/completion.h"
#include "command/help.h"
#include "command/history.h"
#include "command/image.h"
#include "command/images.h"
#include "command/import.h"
#include "command/inspect.h"
#include "command/load.h"
#include "command/login.h"
#include "command/logout.h"
#include "command/prune.h"
#include "command/pull.h"
#include "command/push.h"
#include "command/rmi.h"
#include "command/save.h"
#include "command/system.h"
#include "command/tag.h"
#include "command/run.h"
#include "command/version.h"

#include <limits.h>
#include <sys/ioctl.h>

static const struct verb *const verbs[] = {
    &run_verb,
    &images_verb,
    &pull_verb,
    &push_verb,
    &login_verb,
    &logout_verb,
    &load_verb,
    &save_verb,
    &import_verb,
    &inspect_verb,
    &history_verb,
    &tag_verb,
    &rmi_verb,
    &image_verb,
    &prune_verb,
    &system_verb,
    &help_verb,
    &completion_verb,
    &version_verb,
};

size_t verb_count(void)
{
    return COUNT(verbs);
}

const struct verb *verb_at(size_t i)
{
    return verbs[i];
}

const struct verb *verb_find(const char *name)
{
    const char *nearest = NULL;
    unsigned best = UINT_MAX;
    for (size_t i = 0; i < COUNT(verbs); i++) {
        const char *verb = verbs[i]->set->verb;
        if (text_equal(name, verb))
            return verbs[i];
        unsigned slips = option_slips(name, verb);
        if (slips < best)
            best = slips, nearest = verb;
    }
    refuse(-EINVAL, "unknown verb %.80s", name);
    if (nearest)
        remedy(-EINVAL, "did you mean %s? see bocal help", nearest);
    else
        remedy(-EINVAL, "see bocal help");
    return NULL;
}

static unsigned terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
        return 80;
    return size.ws_col;
}

int verb_help(const struct verb *verb)
{
    option_help(stdout, verb->set, terminal_columns());
    return 0;
}

void verb_usage(FILE *out)
{
    fputs("Usage: bocal VERB [OPTION...] [WORD...]\n\nA container that you can see into.\n\n", out);
    for (size_t i = 0; i < COUNT(verbs); i++)
        fprintf(out, "  %-12s%s\n", verbs[i]->set->verb, verbs[i]->set->summary);
    fputs("\nStart with: bocal run                 a shell in a new container\n"
          "Options of a verb: bocal VERB --help\n",
          out);
}

int verb_ends(char *const *words)
{
    return *words ? refuse(-EINVAL, "unexpected word %.80s", *words) : 0;
}
