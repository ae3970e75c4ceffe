/* Image configs: what images want is read, as OCI and Docker write it; what is wrong is refused with its place; chainIDs. */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "spec/image_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define ROOT "'rootfs': {'type': 'layers', 'diff_ids': ['" A "', '" B "']}"
#define MACHINE "'os': 'linux', 'architecture': 'amd64'"

static int decode(struct arena *arena, const char *text, struct image_config *config)
{
    char *copy = arena_strdup(arena, text);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    error_clear();
    return image_config_decode(arena, copy, strlen(copy), "c", config);
}

static void assert_list(char **list, const char *joined)
{
    auto_arena arena = {0};
    assert_non_null(list);
    assert_string_equal(text_join(&arena, list, "|"), joined);
}

static void what_is_right_is_read(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct image_config c;
    assert_int_equal(decode(&arena, "{'created': '2026-01-02T03:04:05.6Z', 'author': 'me', 'architecture': 'arm', 'os': 'linux', "
        "'variant': 'v7', 'os.version': '', 'config': {'User': '1000:x', 'ExposedPorts': {'80/tcp': {}, '53/udp': {}}, 'Env': "
        "['PATH=/bin', 'X='], 'Entrypoint': ['/a', 'b c'], 'Cmd': ['d'], 'Volumes': {'/v w': {}}, 'WorkingDir': '/w', 'Labels': "
        "{'k': 'v', 'l': 'two\\nlines'}, 'StopSignal': 'SIGQUIT', 'Healthcheck': {'Test': ['CMD', 'true'], 'Interval': 30000000000, "
        "'Timeout': 1, 'StartPeriod': 2, 'StartInterval': 3, 'Retries': 4}, 'Shell': ['/bin/sh', '-c'], 'OnBuild': null, "
        "'Tty': false, 'Image': ''}, 'container_config': 7, " ROOT ", 'history': [{'created': 'x', 'created_by': 'y'}, "
        "{'empty_layer': true, 'comment': 'z', 'author': 'w'}]}", &c), 0);
    assert_string_equal(c.created, "2026-01-02T03:04:05.6Z");
    assert_string_equal(c.author, "me");
    assert_string_equal(platform_text(&arena, &c.platform), "linux/arm/v7");
    assert_null(c.platform.os_version);
    assert_string_equal(c.user, "1000:x");
    assert_string_equal(c.working_dir, "/w");
    assert_string_equal(c.stop_signal, "SIGQUIT");
    assert_list(c.exposed_ports, "80/tcp|53/udp");
    assert_list(c.env, "PATH=/bin|X=");
    assert_list(c.entrypoint, "/a|b c");
    assert_list(c.cmd, "d");
    assert_list(c.volumes, "/v w");
    assert_list(c.shell, "/bin/sh|-c");
    assert_int_equal(c.n_labels, 2);
    assert_string_equal(c.labels[1].value, "two\nlines");
    assert_list(c.healthcheck.test, "CMD|true");
    assert_true(c.healthcheck.interval == 30000000000 && c.healthcheck.timeout == 1 && c.healthcheck.start_period == 2 &&
                c.healthcheck.start_interval == 3 && c.healthcheck.retries == 4);
    assert_int_equal(c.n_diff_ids, 2);
    assert_list(c.diff_ids, A "|" B);
    assert_int_equal(c.n_history, 2);
    assert_string_equal(c.history[0].created_by, "y");
    assert_null(c.history[0].comment);
    assert_true(!c.history[0].empty_layer && c.history[1].empty_layer);
}

static void what_is_not_said_is_nothing(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct image_config c;
    assert_int_equal(decode(&arena, "{" MACHINE ", 'config': {'Cmd': null, 'Entrypoint': '/bin/x y', 'Labels': null}, "
                            "'rootfs': {'type': 'layers', 'diff_ids': null}, 'history': null}", &c), 0);
    assert_null(c.cmd);
    assert_list(c.entrypoint, "/bin/x y");
    assert_true(!c.user && !c.working_dir && !c.env && !c.volumes && !c.exposed_ports && !c.healthcheck.test && !c.n_labels);
    assert_non_null(c.diff_ids);
    assert_null(c.diff_ids[0]);
    assert_int_equal(c.n_diff_ids, 0);
    assert_int_equal(decode(&arena, "{" MACHINE ", 'config': null, " ROOT "}", &c), 0);
}

static const struct wrong {
    int result;
    const char *text, *reason;
} wrongs[] = {
    {-EINVAL, "{}", "c: /os: is missing"},
    {-EINVAL, "{'os': '', 'architecture': 'x', " ROOT "}", "c: /os: is missing"},
    {-EINVAL, "{'os': 'linux', " ROOT "}", "c: /architecture: is missing"},
    {-EINVAL, "{" MACHINE "}", "c: /rootfs: is missing"},
    {-EINVAL, "{" MACHINE ", 'rootfs': []}", "c: /rootfs: expected an object"},
    {-EINVAL, "{" MACHINE ", 'rootfs': {'type': 'base'}}", "c: /rootfs/type: expected layers"},
    {-EINVAL, "{" MACHINE ", 'rootfs': {'diff_ids': ['" A "', 'x']}}", "c: /rootfs/diff_ids/1: expected sha256: and 64"},
    {-EINVAL, "{" MACHINE ", 'rootfs': {'diff_ids': ['sha512:x']}}", "c: /rootfs/diff_ids/0: sha512 is not supported"},
    {-EINVAL, "{" MACHINE ", 'rootfs': {'diff_ids': ['" A "', null]}}", "c: /rootfs/diff_ids/1: expected a string"},
    {-EINVAL, "{" MACHINE ", 'rootfs': {'diff_ids': [], 'diff_ids': []}}", "c: an object has a member twice"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'User': 'a\\u0000'}}", "c: not JSON: a zero byte in a string"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'User': 0}}", "c: /config/User: expected a string"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'Env': 'A=b'}}", "c: /config/Env: expected an array"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'Cmd': ['a', null]}}", "c: /config/Cmd/1: expected a string"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'Volumes': ['/a']}}", "c: /config/Volumes: expected an object"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'Labels': {'a': []}}}", "c: /config/Labels/a: expected a string"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'Healthcheck': {'Interval': -1}}}",
     "c: /config/Healthcheck/Interval: expected an integer of 0 or more"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'Healthcheck': {'Timeout': 9223372036854775808}}}",
     "c: /config/Healthcheck/Timeout: expected a time in nanoseconds"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'config': {'Healthcheck': {'Retries': 4294967296}}}",
     "c: /config/Healthcheck/Retries: expected an integer of 32 bits"},
    {-EINVAL, "{" MACHINE ", " ROOT ", 'history': [{'empty_layer': 'yes'}]}", "c: /history/0/empty_layer: expected true or false"},
    {-EINVAL, "{'os': 'li\\u001bnux', 'architecture': 'x', " ROOT "}", "c: /os: expected a word of printable ASCII"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        auto_arena arena = {0};
        struct image_config config;
        int r = decode(&arena, wrongs[i].text, &config);
        if (r != wrongs[i].result || !strstr(error_text(), wrongs[i].reason))
            fail_msg("%zu: wanted %d \"%s\", got %d \"%s\"", i, wrongs[i].result, wrongs[i].reason, r, error_text());
    }
    error_clear();
}

static void layers_have_limits(void **state)
{
    (void)state;
    for (size_t n = LAYERS_MAX; n <= LAYERS_MAX + 1; n++) {
        auto_arena arena = {0};
        struct image_config config;
        char *text = arena_alloc(&arena, 100 + n * 80);
        char *p = stpcpy(text, "{" MACHINE ", 'rootfs': {'diff_ids': [");
        for (size_t i = 0; i < n; i++)
            p = stpcpy(p, i ? ", '" A "'" : "'" A "'");
        strcpy(p, "]}}");
        assert_int_equal(decode(&arena, text, &config), n > LAYERS_MAX ? -ENOTSUP : 0);
        assert_true(n <= LAYERS_MAX || strstr(error_text(), "501 layers, more than the 500"));
    }
    error_clear();
}

static void a_config_fits_its_manifest(void **state)
{
    (void)state;
    struct image_config config = {.n_diff_ids = 2};
    struct image_manifest manifest = {.n_layers = 2};
    assert_int_equal(image_config_fits(&config, &manifest, "x"), 0);
    manifest.n_layers = 3;
    assert_int_equal(image_config_fits(&config, &manifest, "x"), -EINVAL);
    assert_string_equal(error_text(), "x: the config has 2 layers, but the manifest 3");
    error_clear();
}

/* Computed with: printf %s "$A $B" | sha256sum, and so on. */
static void chains_are_hashes_of_hashes(void **state)
{
    (void)state;
    auto_arena arena = {0};
    char *ids[] = {(char[]){A}, (char[]){B}, (char[]){C}, NULL};
    char **chain = image_config_chain(&arena, ids);
    assert_string_equal(chain[0], A);
    assert_string_equal(chain[1], "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c");
    assert_string_equal(chain[2], "sha256:c1377126441fb2f5ec2c21ae2a60255331d639e830f0ee1b40a36e52d4c40588");
    assert_null(chain[3]);
    assert_null(image_config_chain(&arena, ids + 3)[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_read),      cmocka_unit_test(what_is_not_said_is_nothing),
        cmocka_unit_test(what_is_wrong_is_named),     cmocka_unit_test(layers_have_limits),
        cmocka_unit_test(a_config_fits_its_manifest), cmocka_unit_test(chains_are_hashes_of_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
