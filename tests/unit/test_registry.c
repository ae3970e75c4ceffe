/* What bocal-registry makes of headers, addresses and credential files. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "registry/base64.h"
#include "registry/credentials.h"
#include "registry/header.h"
#include "registry/http.h"
#include "registry/origin.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- WWW-Authenticate ---- */

/* As text: "bearer realm=R service=S; basic realm=R". */
static char *challenges_text(struct arena *arena, const char *value)
{
    static const char *const names[] = {"other", "basic", "bearer"};
    struct challenge *list = NULL;
    size_t count = 0;
    char *text = arena_strdup(arena, "");
    challenge_parse(arena, value, &list, &count);
    for (size_t i = 0; i < count; i++) {
        const char *const fields[] = {list[i].realm, list[i].service, list[i].scope, list[i].error};
        static const char *const keys[] = {"realm", "service", "scope", "error"};
        text = arena_printf(arena, "%s%s%s", text, i ? "; " : "", names[list[i].scheme]);
        for (size_t k = 0; k < COUNT(fields); k++)
            if (fields[k])
                text = arena_printf(arena, "%s %s=%s", text, keys[k], fields[k]);
    }
    return text;
}

static void challenges_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *value, *text;
    } cases[] = {
        {"Bearer realm=\"https://a.example/token\",service=\"b\",scope=\"repository:c/d:pull,push\"",
         "bearer realm=https://a.example/token service=b scope=repository:c/d:pull,push"},
        {"bEARER  ReAlM = \"a\" , service=b", "bearer realm=a service=b"},
        {"Basic realm=\"say \\\"hello\\\", Bearer realm=\\\\x\"", "basic realm=say \"hello\", Bearer realm=\\x"},
        {"Negotiate, Basic realm=\"x\", Bearer realm=\"y\",error=\"insufficient_scope\"",
         "other; basic realm=x; bearer realm=y error=insufficient_scope"},
        {"Basic", "basic"},
        {"Basic realm=", ""},
        {"Basic realm=\"\"", "basic realm="},
        {",, Basic realm=x ,, ,Bearer realm=y,", "basic realm=x; bearer realm=y"},
        {"Bearer realm=\"a\", realm=\"b\"", "bearer realm=a"},
        {"Bearer realm=\"a", ""},
        {"Bearer realm=\"a\"x", ""},
        {"Bearer realm=\"a\\", ""},
        {"Basic realm=x, Bearer realm=\"a\nb\"", "basic realm=x"},
        {"Basic realm=x, Bearer realm=\"a\xc3\xa4\"", "basic realm=x"},
        {"Basic realm=x, \"quoted\"", ""},
        {"Basic realm=a\x01", ""},
        {"Digest username=\"a\", qop=auth, nonce=\"x==\"", "other"},
        {"Realmless foo=bar, baz=\"1\", Basic realm=z", "other; basic realm=z"},
        {"=", ""},
        {"", ""},
        {" , ,", ""},
        {"Bearer=x", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        assert_string_equal(challenges_text(&arena, cases[i].value), cases[i].text);
    }
}

static void challenges_have_an_end(void **state)
{
    (void)state;
    auto_arena arena = {0};
    static char long_value[100000];
    memset(long_value, 'a', sizeof long_value - 1);
    struct challenge *list = NULL;
    size_t count = 0;
    for (int i = 0; i < 100; i++)
        challenge_parse(&arena, "Basic realm=x, Basic realm=y", &list, &count);
    assert_int_equal(count, 16);
    memcpy(long_value, "Basic realm=\"", 13);
    assert_string_equal(challenges_text(&arena, long_value), "");
    memcpy(long_value, "Basic realm=a", 13);
    assert_string_equal(challenges_text(&arena, long_value), "");
}

static void times_to_wait(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t seconds;
    } cases[] = {
        {"0", 0},
        {"120", 120},
        {"99999999999999999999999", INT32_MAX},
        {"-1", -EINVAL},
        {"", -EINVAL},
        {"soon", -EINVAL},
        {"Sun, 09 Sep 2001 01:46:50 GMT", 10},
        {"Sunday, 09-Sep-01 01:46:50 GMT", 10},
        {"Sun Sep  9 01:46:50 2001", 10},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(retry_after_parse(cases[i].value, 1000000000), cases[i].seconds);
}

static void ranges(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "bytes", "bytes */100", "bytes 1-2", "bytes 1-2/*", "bytes 2-1/100", "bytes 0-100/100", "items 0-1/2",
        "bytes 0-1/2x", "bytes -1/2", "bytes 0-18446744073709551615/18446744073709551616", "bytes 0-1/99999999999999999999",
        "bytes 0 -1/2", "bytes 111111111111111111111111111-2/3",
    };
    struct content_range range;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(content_range_parse(bad[i], &range));
    assert_true(content_range_parse("Bytes 5-99/100", &range));
    assert_true(range.first == 5 && range.last == 99 && range.total == 100);
}

static void what_may_be_sent(void **state)
{
    (void)state;
    assert_true(header_safe("eyJhbGciOi.x-_~+/=", 64));
    static const char *const bad[] = {"", "a b", "a\r\nX-Evil: 1", "a\x7f", "\xc3\xa4", "12345"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(header_safe(bad[i], 4));
}

static void heads(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct http_answer answer = {.retry_after = -1};
    static const char *const lines[] = {
        "content-type: application/json; charset=utf-8\r\n", "CONTENT-LENGTH:  12 \r\n", "ETag: W/\"weak\"\r\n", "no colon\r\n",
        "Retry-After: 7\r\n", "WWW-Authenticate: Basic realm=a\r\n", "www-authenticate: Bearer realm=b\r\n", ": \r\n",
        "Content-Encoding: Identity\r\n", "\r\n",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        http_answer_note(&arena, &answer, arena_strdup(&arena, lines[i]));
    assert_string_equal(answer.type, "application/json");
    assert_true(answer.has_length && answer.length == 12 && answer.retry_after == 7 && answer.challenge_count == 2);
    assert_null(answer.tag);
    assert_null(answer.encoding);
    http_answer_note(&arena, &answer, arena_strdup(&arena, "Content-Length: -5"));
    assert_false(answer.has_length);
}

/* ---- addresses ---- */

static void origins(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"https://a.example/x", "https://A.example:443/y?z", true},
        {"http://a.example/x", "http://a.example:80/", true},
        {"https://a.example/", "http://a.example/", false},
        {"https://a.example/", "https://a.example:444/", false},
        {"https://a.example/", "https://b.a.example/", false},
        {"https://a.example/", "https://a.example.b/", false},
        {"https://a.example/", "https://a.example@b.example/", false},
        {"https://a.example/", "not an address", false},
        {"https://[::1]:5/", "https://[::1]:5/", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(http_same_origin(cases[i].a, cases[i].b), cases[i].same);
}

static void where_references_lead(void **state)
{
    (void)state;
    auto_arena arena = {0};
    static const struct {
        const char *reference, *url; /* NULL: refused */
    } cases[] = {
        {"/x?y#z", "https://a.example/x?y"},
        {"x", "https://a.example/b/x"},
        {"../x", "https://a.example/x"},
        {"//c.example/x", "https://c.example/x"},
        {"http://c.example/", "http://c.example/"},
        {"file:///etc/passwd", NULL},
        {"FILE:///etc/passwd", NULL},
        {"gopher://c.example/", NULL},
        {"ftp://c.example/", NULL},
        {"https://user@c.example/", NULL},
        {"https://u:p@c.example/", NULL},
        {"https://c.example/\r\nX: y", NULL},
        {"https://c.example/a b", NULL},
        {"https://", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        error_clear();
        const char *url = http_resolve(&arena, "https://a.example/b/c", cases[i].reference);
        if (cases[i].url)
            assert_string_equal(url, cases[i].url);
        else
            assert_true(!url && *error_text());
    }
    error_clear();
}

static void this_machine(void **state)
{
    (void)state;
    static const char *const ours[] = {"localhost", "localhost:5000", "127.0.0.1", "127.9.8.7:1", "[::1]", "[::1]:5000"};
    static const char *const not_ours[] = {"localhost.example", "127.0.0.1.example:5000", "128.0.0.1", "[::2]:1", "a.localhost",
                                           "127.1", "0.0.0.0", "[::ffff:127.0.0.1]", ""};
    for (size_t i = 0; i < COUNT(ours); i++)
        assert_true(origin_is_loopback(ours[i]));
    for (size_t i = 0; i < COUNT(not_ours); i++)
        assert_false(origin_is_loopback(not_ours[i]));
}

/* ---- credentials ---- */

static void base64_both_ways(void **state)
{
    (void)state;
    auto_arena arena = {0};
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"user:p\xc3\xa4ss", "dXNlcjpww6Rzcw=="}};
    size_t size;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(base64_encode(&arena, cases[i].bytes, strlen(cases[i].bytes)), cases[i].text);
        assert_string_equal(base64_decode(&arena, cases[i].text, &size), cases[i].bytes);
        assert_int_equal(size, strlen(cases[i].bytes));
    }
    assert_string_equal(base64_decode(&arena, "Zg", &size), "f");
    static const char *const bad[] = {"A", "Zg===", "Z g=", "Zg-_", "Zm9v\n", "=Zg="};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_null(base64_decode(&arena, bad[i], &size));
}

static const char *in_file(struct arena *arena, const char *text)
{
    char path[] = "/tmp/test-registry-XXXXXX";
    auto_fd fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return arena_strdup(arena, path);
}

/* "USER SECRET IDENTITY", "-" for what is not there; "!" when it is refused. */
static const char *found_in(struct arena *arena, const char *text, const char *host, const char *repository)
{
    struct credentials found;
    const char *path = in_file(arena, text);
    error_clear();
    int r = credentials_find(arena, &path, 1, host, repository, &found);
    unlink(path);
    if (r < 0)
        return *error_text() && !strstr(error_text(), "c2VjcmV0") ? "!" : "?";
    return arena_printf(arena, "%s %s %s", found.user ? found.user : "-", found.secret ? found.secret : "-",
                        found.identity ? found.identity : "-");
}

static void entries_of_files(void **state)
{
    (void)state;
    static const char many[] =
        "{\"auths\": {\"a.example\": {\"auth\": \"dTE6cDE=\"}, \"a.example/deep\": {\"auth\": \"dTI6cDI6eA==\"},"
        " \"https://b.example/v1/\": {\"auth\": \"dTM6\"}, \"b.example:5000\": {\"username\": \"u4\", \"password\": \"p4\"},"
        " \"c.example\": {}, \"d.example\": {\"auth\": \"MDAwMDo=\", \"identitytoken\": \"t\"},"
        " \"e.example\": {\"auth\": \"c2VjcmV0\"}, \"f.example\": {\"auth\": \"c2VjcmV0!\"}, \"g.example/\": {\"auth\": \"dTE6cDE=\"}}}";
    static const struct {
        const char *host, *repository, *found;
    } cases[] = {
        {"a.example", "x", "u1 p1 -"},        {"a.example", "deep/er", "u2 p2:x -"}, {"a.example", "deep", "u2 p2:x -"},
        {"a.example", "deeper", "u1 p1 -"},   {"a.example:5000", "x", "- - -"},      {"b.example", "x", "u3  -"},
        {"b.example:5000", "x", "u4 p4 -"},   {"c.example", "x", "- - -"},           {"d.example", "x", "0000  t"},
        {"e.example", "x", "!"},              {"f.example", "x", "!"},               {"example", "x", "- - -"},
        {"g.example", "x", "u1 p1 -"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        assert_string_equal(found_in(&arena, many, cases[i].host, cases[i].repository), cases[i].found);
    }
}

static void files_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *found;
    } cases[] = {
        {"", "- - -"},
        {"{}", "- - -"},
        {"{\"auths\": null, \"HttpHeaders\": {\"x\": 1}}", "- - -"},
        {"{\"auths\": []}", "!"},
        {"{\"auths\": {\"a.example\": \"c2VjcmV0\"}}", "!"},
        {"{\"auths\": {\"a.example\": {\"auth\": \"c2VjcmV0\"", "!"},
        {"{\"credsStore\": 1}", "!"},
        {"{\"credsStore\": \"no-such-helper\"}", "!"},
        {"{\"credHelpers\": {\"a.example\": \"no-such-helper\"}, \"auths\": {\"a.example\": {\"auth\": \"dTE6cDE=\"}}}", "!"},
        {"{\"credHelpers\": {\"b.example\": \"no-such-helper\"}, \"auths\": {\"a.example\": {\"auth\": \"dTE6cDE=\"}}}", "u1 p1 -"},
        {"{\"credsStore\": \"no-such-helper\", \"auths\": {\"a.example\": {\"auth\": \"dTE6cDE=\"}}}", "u1 p1 -"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        assert_string_equal(found_in(&arena, cases[i].text, "a.example", "x"), cases[i].found);
    }
}

static void places_of_files(void **state)
{
    (void)state;
    auto_arena arena = {0};
    char dir[] = "/tmp/test-registry-XXXXXX";
    assert_non_null(mkdtemp(dir));
    const char *docker = arena_printf(&arena, "%s/config.json", dir);
    const char *file = in_file(&arena, "{\"auths\": {\"a.example\": {\"auth\": \"dTE6cDE=\"}}}");
    rename(file, docker);
    struct credentials found;
    static const char *const names[] = {"REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "HOME", "DOCKER_CONFIG"};
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    assert_int_equal(credentials_find(&arena, NULL, 0, "a.example", "x", &found), 0);
    assert_null(found.from);
    setenv("DOCKER_CONFIG", dir, 1);
    assert_int_equal(credentials_find(&arena, NULL, 0, "a.example", "x", &found), 0);
    assert_string_equal(found.from, docker);
    setenv("REGISTRY_AUTH_FILE", "/nonexistent/auth.json", 1); /* and nothing else */
    assert_true(credentials_find(&arena, NULL, 0, "a.example", "x", &found) < 0);
    error_clear();
    unsetenv("REGISTRY_AUTH_FILE");
    unsetenv("DOCKER_CONFIG");
    unlink(docker);
    rmdir(dir);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as bocal-registry does: a helper may end before it has read */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges_are_read),  cmocka_unit_test(challenges_have_an_end),
        cmocka_unit_test(times_to_wait),        cmocka_unit_test(ranges),
        cmocka_unit_test(what_may_be_sent),     cmocka_unit_test(heads),
        cmocka_unit_test(origins),              cmocka_unit_test(where_references_lead),
        cmocka_unit_test(this_machine),         cmocka_unit_test(base64_both_ways),
        cmocka_unit_test(entries_of_files),     cmocka_unit_test(files_that_are_wrong),
        cmocka_unit_test(places_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
