/* `bocal import`: an image of a root file system. */
#include "command/import.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/load.h"
#include "command/progress.h"
#include "engine/image.h"
#include "image/import.h"
#include "spec/reference.h"

#include <stdio.h>

struct import_options {
    struct word_list changes;
    const char *message, *platform, *os, *arch, *variant;
    bool quiet;
    enum progress_mode progress;
};

#define FIELD(field) .offset = offsetof(struct import_options, field)
#define TEXT(field) .kind = OPTION_TEXT, FIELD(field)

static const struct option options[] = {
    {.group = "Options",
     .name = "change", .letter = 'c', .kind = OPTION_LIST, .metavar = "INSTRUCTION", FIELD(changes.words),
     .count_offset = offsetof(struct import_options, changes.count), .help = "what the image says of how it is run, as a Dockerfile does: see below"},
    {.name = "message", .letter = 'm', .metavar = "TEXT", TEXT(message), .help = "a comment for the image's history"},
    {.name = "platform", .metavar = "OS/ARCH[/VARIANT]", TEXT(platform), .help = "what it runs on, in place of this machine"},
    {.name = "os", .metavar = "OS", TEXT(os), .help = "the same, one by one"},
    {.name = "arch", .metavar = "ARCH", TEXT(arch), .help = "such as amd64"},
    {.name = "variant", .metavar = "VARIANT", TEXT(variant), .help = "such as v7"},
    {.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, FIELD(quiet), .help = "print the digest only"},
    {.name = "progress", .kind = OPTION_CHOICE, .metavar = "auto|plain|json", .words = progress_words, .value = VALUE_WORDS,
     FIELD(progress), .help = "how to show what is going on"},
};

static const struct option_set set = {
    .program = "bocal",
    .verb = "import",
    .synopsis = "FILE|- [NAME[:TAG]]",
    .summary = "make an image of the tar of a root file system",
    .options = options,
    .count = COUNT(options),
};

static const struct option_section after[] = {
    {"THE ARCHIVE",
     "A tar, as *docker export*, *podman export* or *tar -C* _DIR_ *-c .* write it, plain or packed with gzip, zstd, xz or\n"
     "bzip2; *-* is standard input. It becomes the image's only layer: gzip and zstd as they are, xz and bzip2 unpacked,\n"
     "for layers are never packed like that.\n"},
    {"CHANGES",
     "*CMD* _WORDS_, *ENTRYPOINT* _WORDS_\n\tWhat is run: a list in JSON, or a line for /bin/sh -c.\n\n"
     "*ENV* _KEY_=_VALUE_..., *LABEL* _KEY_=_VALUE_...\n\tVariables, and labels.\n\n"
     "*EXPOSE* _PORT_[/_PROTOCOL_]..., *VOLUME* _PATH_...\n\tPorts, and directories that are not the image's.\n\n"
     "*USER* _USER_[:_GROUP_], *WORKDIR* _PATH_, *STOPSIGNAL* _SIGNAL_\n\tAs whom, where, and how it is ended.\n"},
    {"EXAMPLES", "\ttar -C /srv/root -c . | bocal import -c 'CMD [\"/bin/sh\"]' - mine:1\n"},
    {NULL, NULL},
};
static const struct option_prose prose = {.after = after};

static int choose_platform(struct arena *arena, const struct import_options *o, struct platform *platform)
{
    bool parts = o->os || o->arch || o->variant;
    if (o->platform && parts)
        return refuse(-EINVAL, "--platform says it all: --os, --arch and --variant are for who goes without");
    if (!o->platform && !parts)
        return platform_host(arena, platform);
    if (o->variant && !o->arch)
        return refuse(-EINVAL, "--variant %.80s: of what? (add --arch)", o->variant);
    if ((o->os && strchr(o->os, '/')) || (o->arch && strchr(o->arch, '/')) || (o->variant && strchr(o->variant, '/')))
        return refuse(-EINVAL, "--os, --arch and --variant are one word each (or --platform OS/ARCH/VARIANT)");
    if (o->platform)
        return platform_parse(arena, o->platform, platform);
    struct platform host;
    TRY(platform_host(arena, &host));
    return platform_parse(arena, arena_printf(arena, "%s/%s%s%s", o->os ? o->os : host.os, o->arch ? o->arch : host.architecture,
                                              o->variant ? "/" : "", o->variant ? o->variant : ""),
                          platform);
}

static int choose_name(struct arena *arena, const char *word, const char **name)
{
    struct reference reference;
    if (!word)
        return 0;
    TRY(reference_parse(arena, word, &reference));
    if (reference.kind != REFERENCE_NAME || reference.digest)
        return refuse(-EINVAL, "%.200s: not a name (NAME[:TAG], perhaps with a host before it)", word);
    *name = reference.text;
    return 0;
}

static int import(struct arena *arena, const struct import_options *o, char **words)
{
    struct progress progress;
    struct image image;
    struct import_request request = {.changes = o->changes.words, .n_changes = o->changes.count, .message = o->message};
    auto_owners owners = {.userns = -1};
    if (text_after(*words, "http://") || text_after(*words, "https://"))
        return refuse(-EINVAL, "%.200s: only files are read (fetch it, and pipe it in: - is standard input)", *words);
    TRY(choose_platform(arena, o, &request.platform));
    TRY(choose_name(arena, words[1], &request.name));
    auto_fd input = load_open_input(*words);
    TRY(input);
    auto_store store = {.fd = -1, .blobs = -1};
    TRY(caller_store_open(arena, &store));
    TRY(layer_owners_choose(arena, &owners));
    progress_begin(&progress, arena, o->quiet ? PROGRESS_QUIET : o->progress);
    int r = image_import(&store, input, &request, &owners, load_show, &progress, &image);
    progress_end(&progress);
    TRY(r);
    puts(image.digest);
    return 0;
}

static int import_run(const struct call *call)
{
    struct import_options o = {0};
    auto_arena arena = {0};
    bool help;
    int used = option_parse(&set, &arena, call->words, &o, &help);
    TRY(used);
    if (help)
        return verb_help(&import_verb);
    char **rest = call->words + used;
    if (!*rest)
        return refuse(-EINVAL, "a file is wanted, or - for standard input");
    if (rest[1])
        TRY(verb_ends(rest + 2));
    return import(&arena, &o, rest);
}

const struct verb import_verb = {.set = &set, .prose = &prose, .run = import_run};
