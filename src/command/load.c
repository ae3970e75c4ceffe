/* `bocal load`: images from an archive into the store. */
#include "command/load.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/progress.h"
#include "engine/image.h"
#include "image/add.h"

#include <fcntl.h>
#include <stdio.h>

struct load_options {
    const char *input;
    bool quiet;
    enum progress_mode progress;
};

static const struct option options[] = {
    {.group = "Options",
     .name = "input", .letter = 'i', .kind = OPTION_TEXT, .metavar = "FILE", .value = VALUE_FILE,
     .offset = offsetof(struct load_options, input), .help = "read this file; - or nothing: standard input"},
    {.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = offsetof(struct load_options, quiet),
     .help = "print names only"},
    {.name = "progress", .kind = OPTION_CHOICE, .metavar = "auto|plain|json", .words = progress_words, .value = VALUE_WORDS,
     .offset = offsetof(struct load_options, progress), .help = "how to show what is going on"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "load",
    .synopsis = "[FILE]",
    .summary = "load images from an archive of Docker's or OCI's",
    .options = options,
    .count = COUNT(options),
};

void load_show(const struct layer_event *event, void *progress)
{
    char name[13] = "";
    snprintf(name, sizeof name, "%s", digest_hex(event->digest));
    progress_update(progress, name, event->done ? "done" : "unpacking", event->done ? event->size : event->read, event->size, event->done);
}

int load_open_input(const char *file)
{
    if (!file || text_equal(file, "-")) {
        if (isatty(STDIN_FILENO))
            return refuse(-EINVAL, "standard input is a terminal (give a file, or pipe an archive in)");
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? fail(-errno, "open %s", file) : fd;
}

static void print_loaded(const struct loaded_image *list, size_t count, bool quiet)
{
    const char *before = quiet ? "" : "loaded ";
    for (size_t i = 0; i < count; i++) {
        for (const char **name = list[i].names; *name; name++)
            printf("%s%s\n", before, *name);
        if (!*list[i].names)
            printf("%s%s\n", before, list[i].image.digest);
    }
}

static int load(struct arena *arena, const struct load_options *o)
{
    struct progress progress;
    auto_owners owners = {.userns = -1};
    struct loaded_image *list;
    size_t count;
    auto_fd input = load_open_input(o->input);
    TRY(input);
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(caller_store_open(arena, &store));
    TRY(layer_owners_choose(arena, &owners));
    progress_begin(&progress, arena, o->quiet ? PROGRESS_QUIET : o->progress);
    int r = image_load(&store, input, &owners, load_show, &progress, &list, &count);
    progress_end(&progress);
    TRY(r);
    print_loaded(list, count, o->quiet);
    return 0;
}

static int load_run(const struct call *call)
{
    struct load_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&load_verb);
    char **rest = call->words + used;
    if (*rest && !o.input)
        o.input = *rest++;
    TRY(verb_ends(rest));
    return load(&arena, &o);
}

const struct verb load_verb = {.set = &set, .run = load_run};
