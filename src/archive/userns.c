/* Being root of a user namespace that bocal has made: user_namespaces(7). What is done there is no more than the verbs do
 * anywhere: they are confined afterwards. */
#include "archive/userns.h"

#include "archive/confine.h"
#include "archive/verb.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/option.h"
#include "base/usage.h"

#include <grp.h>
#include <inttypes.h>
#include <sched.h>

enum { FD_ROOT = 3 };

int userns_enter(int fd)
{
    if (setns(fd, CLONE_NEWUSER) < 0 || setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return fail(-errno, "enter the user namespace");
    close(fd);
    return 0;
}

struct inside_options {
    int userns;
};

static const struct option options[] = {
    {"userns", .group = "Options", .metavar = "FD", .help = "be root of the user namespace that this descriptor is",
     .offset = offsetof(struct inside_options, userns), .kind = OPTION_NUMBER},
};
static const struct option_set remove_set = {
    .program = "bocal-archive", .verb = "remove", .synopsis = "", .summary = "remove all that is in descriptor 3",
    .options = options, .count = COUNT(options),
};
static const struct option_set usage_set = {
    .program = "bocal-archive", .verb = "usage", .synopsis = "", .summary = "say what descriptor 3 takes on disk",
    .options = options, .count = COUNT(options),
};

static int enter(const struct option_set *set, char **words)
{
    auto_arena arena = {0};
    struct inside_options wanted = {0};
    bool help;
    int used = option_parse(set, &arena, words, &wanted, &help);
    TRY(used);
    TRY(words_none(words + used));
    return wanted.userns ? userns_enter(wanted.userns) : 0;
}

static int remove_one(int dir, const char *name, unsigned char type, void *data)
{
    (void)type;
    (void)data;
    return tree_remove(dir, name);
}

int verb_remove(char **words)
{
    TRY(enter(&remove_set, words));
    TRY(confine(&(struct confinement){.write = FD_ROOT}));
    int r = dir_each(FD_ROOT, remove_one, NULL);
    return r < 0 ? fail(r, "remove a layer") : 0;
}

int verb_usage(char **words)
{
    auto_usage usage = {0};
    TRY(enter(&usage_set, words));
    TRY(confine(&(struct confinement){.write = -1, .read = (int[]){FD_ROOT}, .reads = 1}));
    int r = usage_add(&usage, FD_ROOT, ".");
    if (r < 0)
        return fail(r, "measure a directory");
    printf("{\"bytes\": %" PRIu64 "}\n", usage.bytes);
    return 0;
}
