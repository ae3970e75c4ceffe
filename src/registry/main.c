/* bocal-registry VERB OPTION…: what talks to registries. bocal starts it; people may. A verb is an option table, the directories that it is given as fds from 3 on, and a call; it
 * reads what it needs of files (credentials, certificates), gives up the rest (registry/confine.h), and then meets the network.
 *
 * One line of JSON an event on standard output; on failure one line on standard error, and status 1. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/option.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "registry/login.h"
#include "registry/pull.h"
#include "registry/push.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FD_FIRST = 3, DIRECTORIES_MOST = 2, PARALLEL_MOST = 64, PART_MOST = 1 << 20 };

#define FIELD(type, field)                                                                                           \
    .kind = _Generic(((struct type *)0)->field,                                                                      \
        bool: OPTION_FLAG,                                                                                           \
        const char *: OPTION_TEXT,                                                                                   \
        struct word_list: OPTION_LIST,                                                                               \
        int: OPTION_NUMBER),                                                                                         \
    .offset = offsetof(struct type, field),                                                                          \
    .count_offset = offsetof(struct type, field) + offsetof(struct word_list, count)

/* What each verb has that meets the network. */
#define NETWORK_OPTIONS(type)                                                                                        \
    {.name = "plain-http", FIELD(type, plain_http), .help = "without TLS"},                                          \
    {.name = "tls-verify", FIELD(type, insecure), .inverted = true, .help = "believe no certificate that cannot be verified"}, \
    {.name = "cert-dir", FIELD(type, cert_dir), .metavar = "DIR", .help = "further certificates: *.crt, *.cert with *.key"}, \
    {.name = "retries", FIELD(type, retries), .metavar = "NUMBER", .help = "further tries of what fails"},           \
    {.name = "timeout", FIELD(type, stall), .metavar = "SECONDS", .help = "without a byte, until a connection is broken"}
#define AUTHFILE_OPTION(type)                                                                                        \
    {.name = "authfile", FIELD(type, authfiles), .metavar = "FILE", .help = "credentials, as Docker and Podman keep them"}

static const struct option pull_table[] = {
    {.name = "reference", FIELD(pull_options, reference), .metavar = "HOST/REPOSITORY:TAG", .help = "the image"},
    {.name = "platform", FIELD(pull_options, platform), .metavar = "OS/ARCH[/VARIANT]", .help = "which of an index's images; this host's"},
    {.name = "mirror", FIELD(pull_options, mirrors), .metavar = "HOST[:PORT][/PREFIX]", .help = "asked before the registry"},
    {.name = "plain-host", FIELD(pull_options, plain_hosts), .metavar = "HOST[:PORT]", .help = "this one, without TLS"},
    {.name = "parallel", FIELD(pull_options, parallel), .metavar = "NUMBER", .help = "downloads at once"},
    NETWORK_OPTIONS(pull_options),
    AUTHFILE_OPTION(pull_options),
};
static const struct option_set pull_set = {.program = "bocal-registry", .verb = "pull", .synopsis = "",
                                           .summary = "Fetch an image", .options = pull_table, .count = COUNT(pull_table)};

static const struct option push_table[] = {
    {.name = "reference", FIELD(push_options, reference), .metavar = "HOST/REPOSITORY:TAG", .help = "where to"},
    {.name = "image", FIELD(push_options, image), .metavar = "DIGEST", .help = "the image's manifest or index"},
    {.name = "type", FIELD(push_options, type), .metavar = "MEDIATYPE", .help = "what that is, where it does not say so itself"},
    {.name = "mount", FIELD(push_options, mounts), .metavar = "DIGEST=REPOSITORY", .help = "where the registry may have a blob"},
    {.name = "parallel", FIELD(push_options, parallel), .metavar = "NUMBER", .help = "uploads at once"},
    {.name = "part", FIELD(push_options, part), .metavar = "MB", .help = "what is larger is sent in parts of this size"},
    NETWORK_OPTIONS(push_options),
    AUTHFILE_OPTION(push_options),
};
static const struct option_set push_set = {.program = "bocal-registry", .verb = "push", .synopsis = "",
                                           .summary = "Send an image", .options = push_table, .count = COUNT(push_table)};

static const struct option login_table[] = {
    {.name = "host", FIELD(login_options, host), .metavar = "HOST[:PORT]", .help = "the registry"},
    {.name = "all", FIELD(login_options, all), .help = "of forget: all registries of the file"},
    NETWORK_OPTIONS(login_options),
    AUTHFILE_OPTION(login_options),
};
static const struct option_set login_set = {.program = "bocal-registry", .verb = "check|keep|forget", .synopsis = "",
                                            .summary = "Try, write down, forget what lets in", .options = login_table,
                                            .count = COUNT(login_table)};

/* Options alone, into OPTIONS, whose lists grow in ARENA. */
static int read_options(const struct option_set *set, struct arena *arena, char **words, void *options)
{
    bool help = false;
    int used = option_parse(set, arena, words, options, &help);
    TRY(used);
    return words[used] || help ? refuse(-EINVAL, "%s: %.80s: options only", set->verb, help ? "--help" : words[used]) : 0;
}

static int check_numbers(int parallel, int retries, int stall)
{
    if (parallel < 1 || parallel > PARALLEL_MOST)
        return refuse(-EINVAL, "--parallel %d: from 1 to %d", parallel, PARALLEL_MOST);
    if (stall < 1 || stall > 3600 || retries > 100)
        return refuse(-EINVAL, "--timeout: from 1 to 3600; --retries: up to 100");
    return 0;
}

static int verb_pull(char **words)
{
    auto_arena arena = {0};
    struct pull_options options = {.parallel = 6, .retries = 5, .stall = 60};
    TRY(read_options(&pull_set, &arena, words, &options));
    TRY(check_numbers(options.parallel, options.retries, options.stall));
    return pull_run(&options, FD_FIRST, FD_FIRST + 1);
}

static int verb_push(char **words)
{
    auto_arena arena = {0};
    struct push_options options = {.parallel = 4, .retries = 5, .stall = 120, .part = 64};
    TRY(read_options(&push_set, &arena, words, &options));
    TRY(check_numbers(options.parallel, options.retries, options.stall));
    if (options.part < 1 || options.part > PART_MOST)
        return refuse(-EINVAL, "--part %d: from 1 to %d MB", options.part, PART_MOST);
    return push_run(&options, FD_FIRST);
}

static int login(char **words, int (*run)(const struct login_options *options))
{
    auto_arena arena = {0};
    struct login_options options = {.retries = 2, .stall = 30};
    TRY(read_options(&login_set, &arena, words, &options));
    TRY(check_numbers(1, options.retries, options.stall));
    if (!options.host && !options.all)
        return refuse(-EINVAL, "--host is missing");
    return run(&options);
}

static int verb_check(char **words)
{
    return login(words, login_check);
}

static int verb_keep(char **words)
{
    return login(words, login_keep);
}

static int verb_forget(char **words)
{
    return login(words, login_forget);
}

static const struct verb {
    const char *name;
    int (*run)(char **words);
    const char *directories[DIRECTORIES_MOST + 1];
} verbs[] = {
    {"pull", verb_pull, {"the ingest directory", "the store's blobs"}},
    {"push", verb_push, {"the store's blobs"}},
    {"check", verb_check, {NULL}},
    {"keep", verb_keep, {NULL}},
    {"forget", verb_forget, {NULL}},
};

/* What was inherited: directories where they are to be, nothing behind them, and none of it any program's that we start. */
static int check_fds(const struct verb *verb)
{
    int fd = FD_FIRST;
    for (const char *const *name = verb->directories; *name; name++, fd++) {
        struct stat status;
        if (fstat(fd, &status) < 0 || !S_ISDIR(status.st_mode))
            return refuse(-EBADF, "file descriptor %d is to be %s", fd, *name);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    sys_close_range((unsigned)fd, ~0U, 0);
    return 0;
}

/* libcurl knows the proxy of http by its lower-case name only, for in CGI anybody can set the other. */
static void know_proxies(void)
{
    const char *upper = getenv("HTTP_PROXY");
    if (upper && !getenv("http_proxy") && !getenv("REQUEST_METHOD"))
        setenv("http_proxy", upper, 0);
}

static const struct verb *find_verb(const char *word)
{
    for (size_t i = 0; word && i < COUNT(verbs); i++)
        if (text_equal(verbs[i].name, word))
            return &verbs[i];
    return NULL;
}

static int run(char **words)
{
    const struct verb *verb = find_verb(*words);
    signal(SIGPIPE, SIG_IGN); /* libcurl's sockets; who no longer reads our output is noticed otherwise */
    if (!verb)
        return refuse(-EINVAL, "%.80s: no such verb", *words ? *words : "VERB is missing");
    TRY(check_fds(verb));
    know_proxies();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return refuse(-EIO, "libcurl cannot be initialized");
    return verb->run(words + 1);
}

int main(int argc, char **argv)
{
    int r = run(argv + (argc > 0));
    if (r < 0)
        fail(r, "failed");
    if (*error_text())
        fprintf(stderr, "%s\n", error_text());
    return r < 0 ? 1 : 0;
}
