/* bocal-registry VERB OPTION…: what talks to registries. bocal starts it; people may. fd 3 is the directory that is
 * written into, fd 4 has what need not be fetched. A verb is an option table and a call; it reads what it needs of files
 * (credentials, certificates), gives up the rest (registry/confine.h), and then meets the network.
 *
 * One line of JSON an event on standard output; on failure one line on standard error, and status 1. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/option.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "registry/pull.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FD_INGEST = 3, FD_STORE = 4, FD_FIRST_OTHER = 5, PARALLEL_MOST = 64 };

#define PULL_FIELD(field)                                                                                            \
    .kind = _Generic(((struct pull_options *)0)->field,                                                              \
        bool: OPTION_FLAG,                                                                                           \
        const char *: OPTION_TEXT,                                                                                   \
        struct word_list: OPTION_LIST,                                                                               \
        int: OPTION_NUMBER),                                                                                         \
    .offset = offsetof(struct pull_options, field),                                                                  \
    .count_offset = offsetof(struct pull_options, field) + offsetof(struct word_list, count)

static const struct option pull_table[] = {
    {.name = "reference", PULL_FIELD(reference), .metavar = "HOST/REPOSITORY:TAG", .help = "the image"},
    {.name = "platform", PULL_FIELD(platform), .metavar = "OS/ARCH[/VARIANT]", .help = "which of an index's images; this host's"},
    {.name = "plain-http", PULL_FIELD(plain_http), .help = "without TLS"},
    {.name = "plain-host", PULL_FIELD(plain_hosts), .metavar = "HOST[:PORT]", .help = "this one, without TLS"},
    {.name = "tls-verify", PULL_FIELD(insecure), .inverted = true, .help = "believe no certificate that cannot be verified"},
    {.name = "cert-dir", PULL_FIELD(cert_dir), .metavar = "DIR", .help = "further certificates: *.crt, *.cert with *.key"},
    {.name = "authfile", PULL_FIELD(authfiles), .metavar = "FILE", .help = "credentials, as Docker and Podman keep them"},
    {.name = "mirror", PULL_FIELD(mirrors), .metavar = "HOST[:PORT][/PREFIX]", .help = "asked before the registry"},
    {.name = "parallel", PULL_FIELD(parallel), .metavar = "NUMBER", .help = "downloads at once"},
    {.name = "retries", PULL_FIELD(retries), .metavar = "NUMBER", .help = "further tries of what fails"},
    {.name = "timeout", PULL_FIELD(stall), .metavar = "SECONDS", .help = "without a byte, until a connection is broken"},
};
static const struct option_set pull_set = {.program = "bocal-registry", .verb = "pull", .synopsis = "",
                                           .summary = "Fetch an image", .options = pull_table, .count = COUNT(pull_table)};

static int verb_pull(char **words)
{
    auto_arena arena = {0};
    struct pull_options options = {.parallel = 6, .retries = 5, .stall = 60};
    bool help = false;
    int used = option_parse(&pull_set, &arena, words, &options, &help);
    TRY(used);
    if (words[used] || help)
        return refuse(-EINVAL, "pull: %.80s: options only", help ? "--help" : words[used]);
    if (options.parallel < 1 || options.parallel > PARALLEL_MOST)
        return refuse(-EINVAL, "--parallel %d: from 1 to %d", options.parallel, PARALLEL_MOST);
    if (options.stall < 1 || options.stall > 3600 || options.retries > 100)
        return refuse(-EINVAL, "--timeout: from 1 to 3600; --retries: up to 100");
    return pull_run(&options, FD_INGEST, FD_STORE);
}

static const struct {
    const char *name;
    int (*run)(char **words);
} verbs[] = {
    {"pull", verb_pull},
};

/* What was inherited: directories where they are to be, nothing behind them, and none of it any program's that we start. */
static int check_fds(void)
{
    static const char *const names[] = {"the ingest directory", "the store's blobs"};
    for (int fd = FD_INGEST; fd < FD_FIRST_OTHER; fd++) {
        struct stat status;
        if (fstat(fd, &status) < 0 || !S_ISDIR(status.st_mode))
            return refuse(-EBADF, "file descriptor %d is to be %s", fd, names[fd - FD_INGEST]);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    sys_close_range(FD_FIRST_OTHER, ~0U, 0);
    return 0;
}

/* libcurl knows the proxy of http by its lower-case name only, for in CGI anybody can set the other. */
static void know_proxies(void)
{
    const char *upper = getenv("HTTP_PROXY");
    if (upper && !getenv("http_proxy") && !getenv("REQUEST_METHOD"))
        setenv("http_proxy", upper, 0);
}

static int run(char **words)
{
    signal(SIGPIPE, SIG_IGN); /* libcurl's sockets; who no longer reads our output is noticed otherwise */
    TRY(check_fds());
    know_proxies();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return refuse(-EIO, "libcurl cannot be initialized");
    for (size_t i = 0; *words && i < COUNT(verbs); i++)
        if (text_equal(verbs[i].name, *words))
            return verbs[i].run(words + 1);
    return refuse(-EINVAL, "%.80s: no such verb", *words ? *words : "VERB is missing");
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
