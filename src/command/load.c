/* `bocal load`: images from an archive into the store. */
#include "command/load.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "image/layout.h"

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
    .synopsis = "[FILE | oci:DIR[:NAME] | oci-archive:FILE[:NAME] | docker-archive:FILE[:NAME]]",
    .summary = "load images from an archive of Docker's or OCI's, or a layout",
    .options = options,
    .count = COUNT(options),
};

void load_show(const struct layer_event *event, void *progress)
{
    char name[13] = "";
    snprintf(name, sizeof name, "%s", digest_hex(event->digest));
    progress_update(progress, name, event->done ? "done" : "unpacking", event->done ? event->size : event->read, event->size, event->done);
}

struct watch {
    struct progress progress;
    struct arrivals *arrivals; /* or NULL */
};

static void show(const struct layer_event *event, void *data)
{
    struct watch *watch = data;
    if (watch->arrivals && event->done)
        arrivals_note(watch->arrivals, event->digest, true);
    load_show(event, &watch->progress);
}

bool load_can(const struct reference *from)
{
    return from->kind == REFERENCE_OCI || from->kind == REFERENCE_OCI_ARCHIVE || from->kind == REFERENCE_DOCKER_ARCHIVE ||
           from->kind == REFERENCE_INPUT;
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

/* The name that is wanted of it, or NULL. */
static const char *wanted_name(const struct reference *from)
{
    bool of_docker = from->kind == REFERENCE_DOCKER_ARCHIVE && from->repository;
    return of_docker ? text_after(from->text, "docker-archive:") + strlen(from->path) + 1 : from->repository ? NULL : from->tag;
}

/* Names that are none here are told: what they were is what people look for. */
static void tell_others(const struct loaded_image *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (const char **other = list[i].other; *other; other++)
            warn("the archive calls %.19s \"%.100s\", which is no name of an image (bocal tag %.12s NAME:TAG)", list[i].image.digest, *other,
                 digest_hex(list[i].image.digest));
}

static int load_from(const struct store *store, const struct load_request *request, struct watch *watch, struct loaded_image **list,
                     size_t *count)
{
    const struct reference *from = &request->from;
    auto_owners owners = {.userns = -1};
    TRY(layer_owners_choose(store->arena, &owners));
    if (from->kind == REFERENCE_OCI) {
        auto_layout layout = {.output = -1, .program = {.out = -1, .err = -1}};
        TRY(layout_begin(store->arena, from->path, from->tag, request->single, &layout));
        const struct archive archive = {.input = layout.output, .single = request->single, .packed = request->packed};
        return layout_finish(&layout, image_load(store, &archive, &owners, show, watch, list, count));
    }
    auto_fd input = load_open_input(from->kind == REFERENCE_INPUT ? NULL : from->path);
    TRY(input);
    const struct archive archive = {.input = input, .only = wanted_name(from), .single = request->single, .packed = request->packed};
    return image_load(store, &archive, &owners, show, watch, list, count);
}

int load_into(const struct store *store, const struct load_request *request, struct loaded_image **list, size_t *count)
{
    struct watch watch = {.arrivals = request->arrivals};
    progress_begin(&watch.progress, store->arena, request->progress);
    int r = load_from(store, request, &watch, list, count);
    progress_end(&watch.progress);
    return r;
}

int load_images(struct arena *arena, const struct load_request *request, struct loaded_image **list, size_t *count)
{
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(caller_store_open(arena, &store));
    TRY(load_into(&store, request, list, count));
    tell_others(*list, *count);
    return 0;
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

/* A word that is no such reference is a file's. */
static struct reference where_from(struct arena *arena, const char *word)
{
    struct reference from = {.kind = REFERENCE_INPUT};
    if (word && (reference_parse(arena, word, &from) < 0 || !load_can(&from)))
        from = (struct reference){.kind = REFERENCE_OCI_ARCHIVE, .path = word};
    error_clear();
    return from;
}

static int load(struct arena *arena, const struct load_options *o)
{
    struct loaded_image *list;
    size_t count;
    struct load_request request = {.from = where_from(arena, o->input), .progress = o->quiet ? PROGRESS_QUIET : o->progress};
    TRY(load_images(arena, &request, &list, &count));
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
