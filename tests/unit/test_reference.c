/* References: what the field writes is read, what is wrong is named with its place. */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "spec/digest.h"
#include "spec/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

static const struct right {
    const char *word;
    enum reference_kind kind;
    const char *host, *repository, *tag, *digest, *path, *text; /* NULL text: the word */
} rights[] = {
    {"alpine", REFERENCE_NAME, NULL, "alpine", "latest", NULL, NULL, "alpine:latest"},
    {"alpine:3.18", REFERENCE_NAME, NULL, "alpine", "3.18", NULL, NULL, NULL},
    {"a/b/c:_T.-", REFERENCE_NAME, NULL, "a/b/c", "_T.-", NULL, NULL, NULL},
    {"localhost:5000", REFERENCE_NAME, NULL, "localhost", "5000", NULL, NULL, NULL},
    {"localhost/x", REFERENCE_NAME, "localhost", "x", "latest", NULL, NULL, "localhost/x:latest"},
    {"localhost:5000/x:1", REFERENCE_NAME, "localhost:5000", "x", "1", NULL, NULL, NULL},
    {"a:5/b", REFERENCE_NAME, "a:5", "b", "latest", NULL, NULL, "a:5/b:latest"},
    {"registry.example", REFERENCE_NAME, NULL, "registry.example", "latest", NULL, NULL, "registry.example:latest"},
    {"registry.example/x", REFERENCE_NAME, "registry.example", "x", "latest", NULL, NULL, "registry.example/x:latest"},
    {"Registry.Example:443/x:Y", REFERENCE_NAME, "registry.example:443", "x", "Y", NULL, NULL, "registry.example:443/x:Y"},
    {"my--host.x-1/a", REFERENCE_NAME, "my--host.x-1", "a", "latest", NULL, NULL, "my--host.x-1/a:latest"},
    {"127.0.0.1:5000/a__b/c-----d", REFERENCE_NAME, "127.0.0.1:5000", "a__b/c-----d", "latest", NULL, NULL,
     "127.0.0.1:5000/a__b/c-----d:latest"},
    {"[::1]:5000/x:1", REFERENCE_NAME, "[::1]:5000", "x", "1", NULL, NULL, NULL},
    {"[FE80::A]/x:1", REFERENCE_NAME, "[fe80::a]", "x", "1", NULL, NULL, "[fe80::a]/x:1"},
    {"x@" DIGEST, REFERENCE_NAME, NULL, "x", NULL, DIGEST, NULL, NULL},
    {"registry.example:1/x/y:t@" DIGEST, REFERENCE_NAME, "registry.example:1", "x/y", "t", DIGEST, NULL, NULL},
    {"docker://alpine:3", REFERENCE_NAME, NULL, "alpine", "3", NULL, NULL, "alpine:3"},
    {"docker://registry.example/a:3", REFERENCE_NAME, "registry.example", "a", "3", NULL, NULL, "registry.example/a:3"},
    {DIGEST, REFERENCE_DIGEST, NULL, NULL, NULL, DIGEST, NULL, NULL},
    {HEX, REFERENCE_DIGEST, NULL, NULL, NULL, DIGEST, NULL, DIGEST},
    {"oci:dir", REFERENCE_OCI, NULL, NULL, NULL, NULL, "dir", NULL},
    {"oci:/a/b:v1", REFERENCE_OCI, NULL, NULL, "v1", NULL, "/a/b", NULL},
    {"oci:./a:registry.example:5/a/B:v1+x--y", REFERENCE_OCI, NULL, NULL, "registry.example:5/a/B:v1+x--y", NULL, "./a", NULL},
    {"oci-archive:a b.tar", REFERENCE_OCI_ARCHIVE, NULL, NULL, NULL, NULL, "a b.tar", NULL},
    {"oci-archive:../a.tar:1", REFERENCE_OCI_ARCHIVE, NULL, NULL, "1", NULL, "../a.tar", NULL},
    {"docker-archive:/a.tar.gz", REFERENCE_DOCKER_ARCHIVE, NULL, NULL, NULL, NULL, "/a.tar.gz", NULL},
    {"docker-archive:a.tar:x", REFERENCE_DOCKER_ARCHIVE, NULL, "x", "latest", NULL, "a.tar", "docker-archive:a.tar:x:latest"},
    {"docker-archive:a.tar:h.example/x:1", REFERENCE_DOCKER_ARCHIVE, "h.example", "x", "1", NULL, "a.tar", NULL},
    {"dir:/root: fs", REFERENCE_DIRECTORY, NULL, NULL, NULL, NULL, "/root: fs", NULL},
    {"dir:x", REFERENCE_DIRECTORY, NULL, NULL, NULL, NULL, "x", NULL},
    {"h.example/oci:x", REFERENCE_NAME, "h.example", "oci", "x", NULL, NULL, NULL},
    {"-", REFERENCE_INPUT, NULL, NULL, NULL, NULL, NULL, NULL},
};

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void what_is_right_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rights); i++) {
        auto_arena arena = {0};
        const struct right *want = &rights[i];
        struct reference r;
        error_clear();
        if (reference_parse(&arena, want->word, &r) < 0)
            fail_msg("%s: %s", want->word, error_text());
        if (r.kind != want->kind || !same(r.host, want->host) || !same(r.repository, want->repository) ||
            !same(r.tag, want->tag) || !same(r.digest, want->digest) || !same(r.path, want->path) ||
            !same(r.text, want->text ? want->text : want->word))
            fail_msg("%s: kind %d, host %s, repository %s, tag %s, digest %s, path %s, text %s", want->word, r.kind, r.host,
                     r.repository, r.tag, r.digest, r.path, r.text);
    }
}

static const struct wrong {
    const char *word, *reason;
} wrongs[] = {
    {"", "an image reference is missing"},
    {"/bin/sh", "character 1: a path is not a reference (dir:PATH"},
    {"./x", "a path is not a reference"},
    {"../x", "a path is not a reference"},
    {".", "a path is not a reference"},
    {"Alpine:3", "\"Alpine:3\" is no image reference: character 1: upper-case letters are not allowed in repository names "
                 "(did you mean alpine:3?)"},
    {"Foo/bar", "character 1: upper-case letters"},
    {"Foo/b!r", "character 1: 'F' is not allowed in repository names"},
    {"h.example/a/Foo:Bar@" DIGEST, "character 13: upper-case letters are not allowed in repository names "
                                    "(did you mean h.example/a/foo:Bar@sha256:"},
    {"a//b", "character 3: a letter or a digit is missing"},
    {"a/", "character 3: a letter or a digit is missing"},
    {"h.example/", "character 11: a letter or a digit is missing"},
    {"a..b", "character 3: a letter or a digit is missing"},
    {"a___b", "character 4: a letter or a digit is missing"},
    {"a._b", "character 3: a letter or a digit is missing"},
    {"a-", "character 3: a letter or a digit is missing"},
    {"-a", "character 1: a letter or a digit is missing"},
    {"_a", "character 1: a letter or a digit is missing"},
    {"a b", "character 2: this is not allowed in repository names"},
    {"a\x1b[2J", "\"a?[2J\" is no image reference: character 2: this is not allowed"},
    {"caf\xc3\xa9", "character 4: this is not allowed in repository names"},
    {"a!", "character 2: '!' is not allowed in repository names"},
    {"a:", "character 3: a tag is missing behind the colon (without the colon it is \"latest\")"},
    {":a", "character 1: a letter or a digit is missing"},
    {"a:-b", "character 3: a tag begins with a letter"},
    {"a:b:c", "character 4: ':' is not allowed in tags"},
    {"a:b c", "character 4: this is not allowed in tags"},
    {"a@", "character 3: expected sha256: and 64"},
    {"@" DIGEST, "character 1: a letter or a digit is missing"},
    {"a@sha256:12", "character 3: expected 64 digits"},
    {"a@" DIGEST "0", "character 3: expected 64 digits"},
    {"a@" DIGEST "@" DIGEST, "character 3: expected 64 digits"},
    {"a@sha512:" HEX HEX, "character 3: sha512 is not supported"},
    {"a@SHA256:" HEX, "(did you mean a@" DIGEST "?)"},
    {"a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "(did you mean a@" DIGEST "?)"},
    {"sha256:12", "character 1: expected 64 digits"},
    {"sha512:12", "sha512 is not supported"},
    {"https://h.example/a", "a reference has no scheme (did you mean h.example/a?)"},
    {"h.example:0/a", "character 11: expected a port of 1 to 65535"},
    {"h.example:/a", "expected a port"},
    {"h.example:65536/a", "expected a port"},
    {"h.example:+1/a", "expected a port"},
    {"h..example/a", "character 3: a letter or a digit is missing, with which each part of names of hosts"},
    {"-h.example/a", "character 1: a letter or a digit is missing"},
    {"h-.example/a", "character 3: a letter or a digit is missing"},
    {"h_x.example/a", "character 2: '_' is not allowed in names of hosts"},
    {"user:pw@h.example/a", "expected sha256:"},
    {"[::1/a", "expected an IPv6 address"},
    {"[::g]/a", "expected an IPv6 address"},
    {"[::1]5/a", "character 6: expected a colon and a port, or a slash"},
    {".../a", "character 1: a letter or a digit is missing"},
    {"docker://", "character 10: a letter or a digit is missing"},
    {"docker:///a", "character 10: a letter or a digit is missing"},
    {"oci:", "character 5: a path is missing"},
    {"oci::a", "character 5: a path is missing"},
    {"oci:a:", "character 7: a letter or a digit is missing"},
    {"oci:a:b\nc", "character 8: this is not allowed in names in a layout"},
    {"oci:a:@0", "character 7: images in an archive are named, not counted"},
    {"docker-archive:a:", "character 18: a letter or a digit is missing"},
    {"docker-archive:a:X", "character 18: upper-case letters are not allowed in repository names (did you mean docker-archive:a:x?)"},
    {"docker-archive:a:x@" DIGEST, "knows its images by tags"},
    {"dir:", "character 5: a path is missing"},
    {"oci", "character 1: as a short name \"oci\" can't be told from what stands in front of other references (put its registry"},
    {"docker://dir:x", "character 10: as a short name \"dir\" can't be told"},
    {"sha256", "as a short name \"sha256\" can't be told"},
    {"docker-daemon:alpine", "another engine's store can't be reached (save them there as an archive"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        auto_arena arena = {0};
        struct reference r;
        error_clear();
        int result = reference_parse(&arena, wrongs[i].word, &r);
        if (result != -EINVAL || !strstr(error_text(), wrongs[i].reason))
            fail_msg("%s: wanted \"%s\", got %d \"%s\"", wrongs[i].word, wrongs[i].reason, result, error_text());
    }
    error_clear();
}

static void lengths_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        size_t most; /* of the letters behind it */
    } cases[] = {{"", 255}, {"h.example/", 255}, {"a:", 128}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t more = 0; more < 2; more++) {
            auto_arena arena = {0};
            char word[300] = "";
            struct reference r;
            strcpy(word, cases[i].before);
            memset(word + strlen(word), 'x', cases[i].most + more);
            error_clear();
            assert_int_equal(reference_parse(&arena, word, &r), more ? -EINVAL : 0);
            assert_true(!more || strstr(error_text(), "at most"));
        }
    error_clear();
}

static void a_word_may_be_a_command(void **state)
{
    (void)state;
    assert_false(reference_possible("") || reference_possible("/bin/sh") || reference_possible("./a") ||
                 reference_possible("../a") || reference_possible(".") || reference_possible(".."));
    assert_true(reference_possible("alpine") && reference_possible("-") && reference_possible("dir:/x"));
}

static void short_names_are_completed(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct reference name, full;
    assert_int_equal(reference_parse(&arena, "alpine:3", &name), 0);
    assert_int_equal(reference_qualify(&arena, &name, "registry.example:5000/library", &full), 0);
    assert_string_equal(full.text, "registry.example:5000/library/alpine:3");
    assert_string_equal(full.host, "registry.example:5000");
    assert_int_equal(reference_qualify(&arena, &name, "registry", &full), -EINVAL);
    assert_non_null(strstr(error_text(), "registry is no registry: expected HOST[:PORT][/PATH]"));
    error_clear();
    assert_int_equal(reference_qualify(&arena, &name, "", &full), -EINVAL);
    error_clear();
    assert_int_equal(reference_parse(&arena, "h.example/alpine:3", &name), 0);
    assert_int_equal(reference_qualify(&arena, &name, "registry.example", &full), -EINVAL);
    assert_string_equal(error_text(), "h.example/alpine:3 is not a short name");
    error_clear();
}

static const struct match {
    const char *wanted, *stored;
    bool matches;
} matches[] = {
    {"alpine:3", "h.example/library/alpine:3", true},
    {"library/alpine:3", "h.example/library/alpine:3", true},
    {"alpine:3", "h.example/alpine:3", true},
    {"alpine:3", "alpine:3", true},
    {"alpine", "localhost/alpine", true},
    {"alpine", "h.example/alpine:3", false},
    {"alpine:3", "h.example/other/alpine:3", false},
    {"alpine:3", "h.example/library/x/alpine:3", false},
    {"x/alpine:3", "h.example/library/x/alpine:3", true},
    {"pine:3", "h.example/library/alpine:3", false},
    {"h.example/alpine:3", "h.example/library/alpine:3", false},
    {"h.example/alpine:3", "h.example:80/alpine:3", false},
    {"h.example/alpine:3", "alpine:3", false},
    {"H.example/alpine:3", "h.example/alpine:3", true},
    {"alpine:9@" DIGEST, "h.example/alpine:3", true},
    {"alpine@" DIGEST, "h.example/alpine@" DIGEST, true},
    {"beer@" DIGEST, "h.example/alpine:3", false},
    {"alpine", "h.example/alpine@" DIGEST, false},
    {DIGEST, "h.example/alpine:3", true},
    {HEX, NULL, true},
    {"alpine", NULL, false},
    {"oci:alpine", "alpine", false},
    {"-", "alpine", false},
};

static void short_names_mean_full_ones(void **state)
{
    (void)state;
    static const char other[] = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    for (size_t i = 0; i < COUNT(matches); i++) {
        auto_arena arena = {0};
        struct reference wanted, stored;
        assert_int_equal(reference_parse(&arena, matches[i].wanted, &wanted), 0);
        if (matches[i].stored)
            assert_int_equal(reference_parse(&arena, matches[i].stored, &stored), 0);
        const struct reference *name = matches[i].stored ? &stored : NULL;
        if (reference_matches(&wanted, name, DIGEST) != matches[i].matches)
            fail_msg("%s and %s", matches[i].wanted, matches[i].stored);
        if (wanted.digest)
            assert_false(reference_matches(&wanted, name, other) || reference_matches(&wanted, name, NULL));
    }
}

static void digests_are_strict(void **state)
{
    (void)state;
    assert_true(digest_valid(DIGEST) && digest_is_hex(HEX));
    assert_string_equal(digest_hex(DIGEST), HEX);
    assert_false(digest_valid(NULL) || digest_valid("") || digest_valid(HEX) || digest_valid(DIGEST "0") ||
                 digest_valid(DIGEST "\n") || digest_valid("sha256:../../../../../../../../../../../../../../../../etc/passwd12345") ||
                 digest_is_hex("") || digest_is_hex(HEX "0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_read),     cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(lengths_have_limits),       cmocka_unit_test(a_word_may_be_a_command),
        cmocka_unit_test(short_names_are_completed), cmocka_unit_test(short_names_mean_full_ones),
        cmocka_unit_test(digests_are_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
