/* `bocal logout`: what lets in at a registry is taken out of all files that bocal reads. */
#include "command/logout.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "command/registry_options.h"
#include "image/program.h"

#include <stdio.h>

struct logout_options {
    struct registry_access access;
    bool all;
};

static const struct option options[] = {
    {.group = "Options",
     .name = "all", .letter = 'a', .kind = OPTION_FLAG, .offset = offsetof(struct logout_options, all),
     .help = "forget all registries of the file that bocal login writes"},
    REGISTRY_AUTHFILE(struct logout_options, "forget what this file has; else what all files have that bocal login can write"),
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "logout",
    .synopsis = "HOST[:PORT] | --all",
    .summary = "forget the name and password for a registry",
    .options = options,
    .count = COUNT(options),
};

static int hear(struct json_object *object, void *data)
{
    struct arena *arena = data;
    const char *said = json_text_of(object, "forgotten"), *from = json_text_of(object, "place");
    if (!said || !from)
        return 0;
    printf("%s: forgotten, by %s\n", text_disarmed(arena, said), text_disarmed(arena, from));
    return 0;
}

static int logout(struct arena *arena, const struct logout_options *o, const char *host)
{
    struct registry_words words = {.arena = arena};
    registry_word(&words, "forget");
    registry_option(&words, "--host", host);
    if (o->all)
        registry_word(&words, "--all");
    registry_access_words(&words, &o->access, false);
    return program_run(arena, &(struct program_call){.name = "bocal-registry", .words = words.list, .input = -1, .output = -1}, hear, arena);
}

static int logout_run(const struct call *call)
{
    struct logout_options o = {0};
    auto_arena arena = {0};
    const char *host = NULL;
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&logout_verb);
    char **rest = call->words + used;
    if (!*rest == !o.all)
        return refuse(-EINVAL, "a registry's HOST is wanted, or --all");
    if (*rest) {
        TRY(verb_ends(rest + 1));
        TRY(registries_host(&arena, *rest, &host));
    }
    return logout(&arena, &o, host);
}

const struct verb logout_verb = {.set = &set, .run = logout_run};
