/* Moments as images and people write them; changes of an image's config. */
#include "base/arena.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/cleanup.h"
#include "image/changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void test_instants(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        uint32_t nanoseconds;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1969-12-31T23:59:59Z", -1, 0},
        {"2000-02-29T12:00:00z", 951825600, 0},
        {"2026-11-27T12:00:00.5+01:00", 1795777200, 500000000},
        {"2026-11-27 12:00:00-00:30", 1795782600, 0},
        {"0001-01-01T00:00:00Z", -62135596800, 0},
        {"9999-12-31T23:59:60.123456789123Z", 253402300800, 123456789},
    };
    static const char *const bad[] = {"", "2026", "2026-11-27", "2026-13-01T00:00:00Z", "2026-11-32T00:00:00Z", "2026-11-27T24:00:00Z",
                                      "2026-11-27T12:60:00Z", "2026-11-27T12:00:00", "2026-11-27T12:00:00.Z", "2026-11-27T12:00:00Zx",
                                      "2026-11-27T12:00:00+1:00", "-026-11-27T12:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z"};
    struct instant instant;
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(instant_parse(good[i].text, &instant), 0);
        assert_int_equal(instant.seconds, good[i].seconds);
        assert_int_equal(instant.nanoseconds, good[i].nanoseconds);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (instant_parse(bad[i], &instant) >= 0)
            fail_msg("%s", bad[i]);
}

static void test_words(void **state)
{
    static const char *const bad[] = {"", "x", "1y", "1hh", "h", "-1", "1.5h", "99999999999999h", "2026-1-1"};
    struct instant instant;
    int64_t now = time(NULL);
    (void)state;
    assert_int_equal(instant_parse_word("2026-11-27", &instant), 0);
    assert_int_equal(instant.seconds, 1795737600);
    assert_int_equal(instant_parse_word("12", &instant), 0);
    assert_int_equal(instant.seconds, 12);
    assert_int_equal(instant_parse_word("2d", &instant), 0);
    assert_in_range(now - instant.seconds + 5, 2 * 86400, 2 * 86400 + 10);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (instant_parse_word(bad[i], &instant) >= 0)
            fail_msg("%s", bad[i]);
}

static void test_order(void **state)
{
    static const struct instant list[] = {{-5, 1}, {-5, 2}, {0, 0}, {0, 1}, {7, 0}};
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++)
        for (size_t k = 0; k < COUNT(list); k++)
            assert_true((instant_compare(&list[i], &list[k]) < 0) == (i < k) && (instant_compare(&list[i], &list[k]) == 0) == (i == k));
}

static void test_changes(void **state)
{
    static const char *const good[] = {"ENV A=1 B='two words' C=a\\ b D=\"q\\\"q\"", "ENV A again and again", "label=x=y", "CMD  a  b  ",
                                       "ENTRYPOINT [ \"x\" , \"\" ]"};
    auto_arena arena = {0};
    struct image_config config = {.env = NULL};
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(config_change(&arena, good[i], &config), 0);
    static const char *const env[] = {"A=again and again", "B=two words", "C=a b", "D=q\"q"};
    for (size_t i = 0; i < COUNT(env); i++)
        assert_string_equal(config.env[i], env[i]);
    assert_null(config.env[COUNT(env)]);
    assert_string_equal(config.labels[0].value, "y");
    assert_string_equal(config.cmd[2], "a  b");
    assert_string_equal(config.entrypoint[1], "");
    static const char *const bad[] = {"", " ", "CMD ", "ENV", "ENV =x", "ENV A=1 B", "USER \"\" x", "LABEL \xff=1", "VOLUME []x", "ENVY A=1"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        error_clear();
        if (config_change(&arena, bad[i], &config) >= 0)
            fail_msg("%s", bad[i]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_instants), cmocka_unit_test(test_words), cmocka_unit_test(test_order),
                                              cmocka_unit_test(test_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
