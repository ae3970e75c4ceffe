/* Strict numbers, and the error record. */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#undef fail /* cmocka's own, not ours */

static void ids_are_strict(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "1x", "0x10", "4294967295",
                                        "4294967296", "99999999999999999999", "1.0"};
    uint32_t id;
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_true(text_to_id(wrong[i], &id) < 0);
    assert_int_equal(text_to_id("4294967294", &id), 0);
    assert_int_equal(id, 4294967294U);
    assert_int_equal(text_to_id("0", &id), 0);
    assert_int_equal(id, 0);
}

static void sizes_and_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {{"0", 0}, {"64m", 64 << 20}, {"1.5k", 1536}, {"1G", 1 << 30}, {"2KiB", 2048}};
    uint64_t value;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_int_equal(text_to_bytes(sizes[i].text, &value), 0);
        assert_int_equal(value, sizes[i].bytes);
    }
    static const char *const wrong[] = {"", "m", "-1", "1x", "1.m", "1e3", "99999999999999999999",
                                        "9999999999t"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_true(text_to_bytes(wrong[i], &value) < 0);
    assert_int_equal(text_to_ms("1.5", &value), 0);
    assert_int_equal(value, 1500);
    assert_int_equal(text_to_ms("2m", &value), 0);
    assert_int_equal(value, 120000);
    assert_int_equal(text_to_ms("300ms", &value), 0);
    assert_int_equal(value, 300);
}

static void lists_of_numbers_become_bits(void **state)
{
    (void)state;
    unsigned long bits[2];
    assert_int_equal(text_to_bits("0-3,7,64,127", bits, COUNT(bits)), 0);
    assert_true(bits[0] == 0x8f && bits[1] == (1UL << 63 | 1));
    assert_int_equal(text_to_bits("5", bits, COUNT(bits)), 0);
    assert_true(bits[0] == 0x20 && bits[1] == 0);
    static const char *const wrong[] = {"",    ",",   "1,",   "1-",  "-1",   "3-1",       "1-2-3", "1 ",
                                        "0x1", "128", "0-128", "1,,2", "1;2", "99999999999"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_true(text_to_bits(wrong[i], bits, COUNT(bits)) < 0);
}

static void the_first_failure_wins_and_is_safe_to_print(void **state)
{
    (void)state;
    error_clear();
    assert_int_equal(fail(-ENOENT, "open %s", "a\033[31mb"), -ENOENT);
    refuse(-EINVAL, "later");
    assert_string_equal(error_text(), "open a?[31mb: No such file or directory");
    because(-ENOENT, "mount /x");
    remedy(-ENOENT, "make it");
    remedy(-ENOENT, "or not");
    assert_string_equal(error_text(), "mount /x: open a?[31mb: No such file or directory (make it)");
    error_clear();
    assert_string_equal(error_text(), "");
}

struct told {
    char text[256];
    unsigned count;
};

static void remember(const char *sentence, void *data)
{
    struct told *told = data;
    size_t used = strlen(told->text);
    if (told->count++ < 2)
        snprintf(told->text + used, sizeof told->text - used, "%s;", sentence);
    else
        snprintf(told->text, sizeof told->text, "%s", sentence); /* the last */
}

static void warnings_are_told_once_in_their_order(void **state)
{
    (void)state;
    struct told told = {.count = 0};
    warnings_to(remember, &told);
    warn("one %d", 1);
    warn("two \033[31m");
    assert_int_equal(told.count, 0);
    warnings_tell();
    warnings_tell();
    assert_string_equal(told.text, "one 1;two ?[31m;");
    warn("forgotten");
    warnings_clear();
    warnings_tell();
    assert_int_equal(told.count, 2);
    for (int i = 0; i < 1000; i++)
        warn("more than there is room for, number %d", i);
    warnings_tell();
    assert_true(told.count > 50 && told.count < 1002);
    assert_string_equal(told.text, "more was left out than is told here");
    warnings_to(NULL, NULL);
}

static void lists_grow_in_the_arena(void **state)
{
    (void)state;
    auto_arena arena = {0};
    int *list = NULL;
    size_t n = 0;
    for (int i = 0; i < 1000; i++)
        *LIST_ADD(&arena, &list, &n) = i;
    assert_int_equal(n, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(list[i], i);
    size_t parts;
    char **split = text_split(&arena, "a::b", ':', &parts);
    assert_int_equal(parts, 3);
    assert_string_equal(text_join(&arena, split, "-"), "a--b");
}

/* As the C library has it, for every day until 2400 and its last second. */
static void utc_is_that_of_the_library(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 157000; day++)
        for (int64_t second = day * 86400; second <= day * 86400 + 86399; second += 86399) {
            time_t t = (time_t)second;
            char mine[TEXT_NOW_SIZE], theirs[TEXT_NOW_SIZE];
            text_utc(second, mine);
            strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
            assert_string_equal(mine, theirs);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_strict),
        cmocka_unit_test(sizes_and_times),
        cmocka_unit_test(utc_is_that_of_the_library),
        cmocka_unit_test(lists_of_numbers_become_bits),
        cmocka_unit_test(the_first_failure_wins_and_is_safe_to_print),
        cmocka_unit_test(warnings_are_told_once_in_their_order),
        cmocka_unit_test(lists_grow_in_the_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
