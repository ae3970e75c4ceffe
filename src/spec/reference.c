/* Reading goes over the word as it was written, so that every fault has its place in it: functions take pointers into
 * WORD, and END is never behind its NUL. Repositories, hosts and names in layouts are one grammar with three rows:
 * letters, and separators between them. */
#include "spec/reference.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "spec/digest.h"

#include <arpa/inet.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { LONGEST_NAME = 255, LONGEST_TAG = 128 };

struct word {
    struct arena *arena;
    const char *text;
};

/* Leaves 'WORD: character N: WHAT'. */
static int wrong(const struct word *word, const char *at, const char *what)
{
    return refuse(-EINVAL, "\"%.300s\" is no image reference: character %zu: %s", word->text,
                  (size_t)(at - word->text) + 1, what);
}

/* ---- the grammar of names ---- */

struct grammar {
    const char *letters;
    struct {
        char c;
        size_t most; /* of them in a row */
    } separators[8];
    const char *what;
};

static const struct grammar repository_grammar = {
    LOWER DIGITS, {{'/', 1}, {'.', 1}, {'_', 2}, {'-', LONGEST_NAME}}, "repository names"};
static const struct grammar host_grammar = {
    LOWER UPPER DIGITS, {{'.', 1}, {'-', LONGEST_NAME}}, "names of hosts"};
/* image-spec annotations.md, "org.opencontainers.image.ref.name" */
static const struct grammar layout_grammar = {
    LOWER UPPER DIGITS,
    {{'/', 1}, {'.', 1}, {'_', 1}, {'-', 2}, {':', 1}, {'@', 1}, {'+', 1}},
    "names in a layout"};

static bool one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static size_t separator_length(const struct grammar *grammar, const char *p, const char *end)
{
    for (size_t i = 0; p < end && i < COUNT(grammar->separators) && grammar->separators[i].most; i++) {
        size_t n = 0;
        while (n < grammar->separators[i].most && p + n < end && p[n] == grammar->separators[i].c)
            n++;
        if (n)
            return n;
    }
    return 0;
}

/* The first character of P to END that does not fit, END where one is missing there, NULL where all is well. */
static const char *misfit(const struct grammar *grammar, const char *p, const char *end)
{
    for (;;) {
        const char *begin = p;
        while (p < end && one_of(*p, grammar->letters))
            p++;
        if (p == begin)
            return p;
        if (p == end)
            return NULL;
        size_t n = separator_length(grammar, p, end);
        if (!n)
            return p;
        p += n;
    }
}

static int check_grammar(const struct word *word, const struct grammar *grammar, const char *begin, const char *end)
{
    const char *at = misfit(grammar, begin, end);
    if (!at && (size_t)(end - begin) > LONGEST_NAME)
        return wrong(word, begin + LONGEST_NAME, arena_printf(word->arena, "%s have at most %d characters",
                                                              grammar->what, LONGEST_NAME));
    if (!at)
        return 0;
    if (at == end || separator_length(grammar, at, end))
        return wrong(word, at, arena_printf(word->arena, "a letter or a digit is missing, with which each part of %s "
                                            "begins and ends", grammar->what));
    return wrong(word, at, *at > ' ' && *at < 0x7f
                     ? arena_printf(word->arena, "'%c' is not allowed in %s", *at, grammar->what)
                     : arena_printf(word->arena, "this is not allowed in %s", grammar->what));
}

/* ---- a name and its parts ---- */

static const char *copy(const struct word *word, const char *begin, const char *end)
{
    return arena_strndup(word->arena, begin, (size_t)(end - begin));
}

static const char *lower(struct arena *arena, const char *begin, const char *end)
{
    char *text = arena_strndup(arena, begin, (size_t)(end - begin));
    for (char *p = text; *p; p++)
        *p = one_of(*p, UPPER) ? (char)(*p | 0x20) : *p;
    return text;
}

static int read_digest(const struct word *word, const char *begin, const char **digest)
{
    size_t length = strlen(begin);
    const char *fault = digest_fault(begin, length);
    *digest = arena_strdup(word->arena, begin);
    if (!fault)
        return 0;
    wrong(word, begin, fault);
    const char *small = lower(word->arena, begin, begin + length);
    return digest_valid(small) ? remedy(-EINVAL, "did you mean %.*s%s?", (int)(begin - word->text), word->text, small)
                               : -EINVAL;
}

static int read_tag(const struct word *word, const char *begin, const char *end, const char **tag)
{
    *tag = copy(word, begin, end);
    if (begin == end)
        return remedy(wrong(word, begin, "a tag is missing behind the colon"), "without the colon it is \"latest\"");
    if (one_of(*begin, ".-"))
        return wrong(word, begin, "a tag begins with a letter, a digit or an underscore");
    const char *at = begin + strspn(*tag, LOWER UPPER DIGITS "_.-");
    if (at != end)
        return wrong(word, at, *at > ' ' && *at < 0x7f ? arena_printf(word->arena, "'%c' is not allowed in tags", *at)
                                                       : "this is not allowed in tags");
    if (end - begin > LONGEST_TAG)
        return wrong(word, begin + LONGEST_TAG, "a tag has at most 128 characters");
    return 0;
}

static int read_port(const struct word *word, const char *begin, const char *end)
{
    uint64_t port;
    if (text_to_u64(copy(word, begin, end), 65535, &port) < 0 || !port)
        return wrong(word, begin, "expected a port of 1 to 65535");
    return 0;
}

/* "[ADDRESS]" of IPv6, or a name or an address of IPv4; *REST is behind it. */
static int read_host_name(const struct word *word, const char *begin, const char *end, const char **rest)
{
    const char *bracket = memchr(begin, ']', (size_t)(end - begin));
    struct in6_addr address;
    if (*begin != '[') {
        const char *colon = memchr(begin, ':', (size_t)(end - begin));
        *rest = colon ? colon : end;
        return check_grammar(word, &host_grammar, begin, *rest);
    }
    if (!bracket || inet_pton(AF_INET6, copy(word, begin + 1, bracket), &address) != 1)
        return wrong(word, begin, "expected an IPv6 address and ]");
    *rest = bracket + 1;
    return 0;
}

static int read_host(const struct word *word, const char *begin, const char *end, const char **host)
{
    const char *rest;
    TRY(read_host_name(word, begin, end, &rest));
    if (rest != end && *rest != ':')
        return wrong(word, rest, "expected a colon and a port, or a slash");
    if (rest != end)
        TRY(read_port(word, rest + 1, end));
    *host = lower(word->arena, begin, end);
    return 0;
}

static int read_repository(const struct word *word, const char *begin, const char *end, const char **repository)
{
    *repository = copy(word, begin, end);
    const char *small = lower(word->arena, begin, end);
    if (text_equal(small, *repository) || misfit(&repository_grammar, small, small + strlen(small)))
        return check_grammar(word, &repository_grammar, begin, end);
    wrong(word, begin + strcspn(*repository, UPPER), "upper-case letters are not allowed in repository names");
    return remedy(-EINVAL, "did you mean %.*s%s%.160s?", (int)(begin - word->text), word->text, small, end);
}

/* Whether what stands before the first slash is a host. */
static bool is_host(const char *begin, const char *slash)
{
    size_t length = (size_t)(slash - begin);
    return memchr(begin, '.', length) || memchr(begin, ':', length) ||
           (length == 9 && memcmp(begin, "localhost", 9) == 0);
}

/* [HOST/]REPOSITORY[:TAG][@DIGEST] from BEGIN to the word's end. */
static int read_name(const struct word *word, const char *begin, struct reference *reference)
{
    const char *at = strchrnul(begin, '@'), *slash = memchr(begin, '/', (size_t)(at - begin));
    if (strncmp(begin, "http://", 7) == 0 || strncmp(begin, "https://", 8) == 0)
        return remedy(wrong(word, begin, "a reference has no scheme"), "did you mean %.300s?", strstr(begin, "//") + 2);
    if (*at)
        TRY(read_digest(word, at + 1, &reference->digest));
    if (slash && is_host(begin, slash)) {
        TRY(read_host(word, begin, slash, &reference->host));
        begin = slash + 1;
    }
    const char *last = memrchr(begin, '/', (size_t)(at - begin));
    const char *colon = memchr(last ? last : begin, ':', (size_t)(at - (last ? last : begin)));
    TRY(read_repository(word, begin, colon ? colon : at, &reference->repository));
    if (colon)
        return read_tag(word, colon + 1, at, &reference->tag);
    reference->tag = reference->digest ? NULL : "latest";
    return 0;
}

static const char *name_text(struct arena *arena, const struct reference *r)
{
    return arena_printf(arena, "%s%s%s%s%s%s%s", r->host ? r->host : "", r->host ? "/" : "", r->repository,
                        r->tag ? ":" : "", r->tag ? r->tag : "", r->digest ? "@" : "", r->digest ? r->digest : "");
}

/* ---- words that begin with what kind they are ---- */

typedef int read_rest(const struct word *word, const char *begin, struct reference *reference);

struct prefix {
    const char *text;
    enum reference_kind kind;
    read_rest *read;
};
static const struct prefix *find_prefix(const char *word);

/* "oci" alone would be "oci:latest", which is a directory. */
static int read_registry(const struct word *word, const char *begin, struct reference *reference)
{
    TRY(read_name(word, begin, reference));
    reference->text = name_text(word->arena, reference);
    if (*find_prefix(reference->text)->text)
        return remedy(wrong(word, begin, arena_printf(word->arena, "as a short name \"%s\" can't be told from what stands in "
                      "front of other references", reference->repository)), "put its registry in front");
    return 0;
}

/* PATH[:REST]; *REST is NULL where there is none. */
static int read_path(const struct word *word, const char *begin, struct reference *reference, const char **rest)
{
    const char *colon = strchrnul(begin, ':');
    *rest = *colon ? colon + 1 : NULL;
    reference->path = copy(word, begin, colon);
    if (begin == colon)
        return wrong(word, begin, "a path is missing");
    if (*rest && **rest == '@')
        return wrong(word, *rest, "images in an archive are named, not counted");
    return 0;
}

static int read_layout(const struct word *word, const char *begin, struct reference *reference)
{
    const char *tag;
    TRY(read_path(word, begin, reference, &tag));
    if (tag)
        TRY(check_grammar(word, &layout_grammar, tag, tag + strlen(tag)));
    reference->tag = tag ? arena_strdup(word->arena, tag) : NULL;
    reference->text = arena_strdup(word->arena, word->text);
    return 0;
}

static int read_docker_archive(const struct word *word, const char *begin, struct reference *reference)
{
    const char *name;
    TRY(read_path(word, begin, reference, &name));
    if (name)
        TRY(read_name(word, name, reference));
    if (reference->digest)
        return wrong(word, strchr(name, '@'), "an archive of Docker's knows its images by tags, not by digests");
    reference->text = arena_printf(word->arena, "docker-archive:%s%s%s", reference->path, name ? ":" : "",
                                   name ? name_text(word->arena, reference) : "");
    return 0;
}

static int read_directory(const struct word *word, const char *begin, struct reference *reference)
{
    reference->path = arena_strdup(word->arena, begin);
    reference->text = arena_strdup(word->arena, word->text);
    return *begin ? 0 : wrong(word, begin, "a path is missing");
}

static int read_digest_alone(const struct word *word, const char *begin, struct reference *reference)
{
    (void)begin;
    TRY(read_digest(word, word->text, &reference->digest));
    reference->text = reference->digest;
    return 0;
}

static int read_elsewhere(const struct word *word, const char *begin, struct reference *reference)
{
    (void)reference;
    return remedy(wrong(word, begin - 1, "images in another engine's store can't be reached"),
                  "save them there as an archive, and take docker-archive:FILE or oci-archive:FILE");
}

static const struct prefix prefixes[] = {
    {"docker://", REFERENCE_NAME, read_registry},
    {"oci:", REFERENCE_OCI, read_layout},
    {"oci-archive:", REFERENCE_OCI_ARCHIVE, read_layout},
    {"docker-archive:", REFERENCE_DOCKER_ARCHIVE, read_docker_archive},
    {"dir:", REFERENCE_DIRECTORY, read_directory},
    {"sha256:", REFERENCE_DIGEST, read_digest_alone},
    {"sha512:", REFERENCE_DIGEST, read_digest_alone},
    {"containers-storage:", REFERENCE_NAME, read_elsewhere},
    {"docker-daemon:", REFERENCE_NAME, read_elsewhere},
    {"", REFERENCE_NAME, read_registry},
};

static const struct prefix *find_prefix(const char *word)
{
    const struct prefix *prefix = prefixes;
    while (!text_after(word, prefix->text))
        prefix++;
    return prefix;
}

/* ---- what others call ---- */

bool reference_possible(const char *word)
{
    return *word && *word != '/' && strncmp(word, "./", 2) != 0 && strncmp(word, "../", 3) != 0 &&
           !text_equal(word, ".") && !text_equal(word, "..");
}

int reference_parse(struct arena *arena, const char *word, struct reference *reference)
{
    struct word whole = {.arena = arena, .text = word};
    *reference = (struct reference){.kind = REFERENCE_INPUT, .text = "-"};
    if (text_equal(word, "-"))
        return 0;
    if (!*word)
        return refuse(-EINVAL, "an image reference is missing: the word is empty");
    if (!reference_possible(word))
        return remedy(wrong(&whole, word, "a path is not a reference"), "dir:PATH is a root file system, oci:PATH a "
                      "layout, oci-archive:PATH and docker-archive:PATH are archives");
    if (digest_is_hex(word)) {
        reference->kind = REFERENCE_DIGEST;
        reference->digest = reference->text = arena_printf(arena, "sha256:%s", word);
        return 0;
    }
    const struct prefix *prefix = find_prefix(word);
    reference->kind = prefix->kind;
    return prefix->read(&whole, text_after(word, prefix->text), reference);
}

int reference_qualify(struct arena *arena, const struct reference *name, const char *prefix, struct reference *full)
{
    if (name->kind != REFERENCE_NAME || name->host)
        return refuse(-EINVAL, "%s is not a short name", name->text);
    struct word whole = {.arena = arena, .text = arena_printf(arena, "%s/%s", prefix, name->text)};
    *full = (struct reference){.kind = REFERENCE_NAME};
    TRY(read_registry(&whole, whole.text, full));
    return full->host ? 0 : refuse(-EINVAL, "%.300s is no registry: expected HOST[:PORT][/PATH], the host with a dot, a "
                                   "port, or as localhost", prefix);
}

bool reference_matches(const struct reference *wanted, const struct reference *stored, const char *digest)
{
    if (wanted->digest && !text_equal(wanted->digest, digest))
        return false;
    if (wanted->kind != REFERENCE_NAME || !stored || stored->kind != REFERENCE_NAME)
        return wanted->kind == REFERENCE_DIGEST && wanted->digest;
    if (wanted->host && !text_equal(wanted->host, stored->host))
        return false;
    const char *below = wanted->host ? NULL : text_after(stored->repository, "library/");
    if (!text_equal(wanted->repository, stored->repository) && !text_equal(wanted->repository, below))
        return false;
    return wanted->digest || text_equal(wanted->tag, stored->tag);
}
