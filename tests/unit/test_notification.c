/* What a container may announce, and what of anything else is left: nothing. */
#include "base/cleanup.h"
#include "engine/notification.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *said, *passed;
} cases[] = {
    {"READY=1", "READY=1"},
    {"READY=1\n", "READY=1"},
    {"\n\nREADY=1\n\n", "READY=1"},
    {"STATUS=going on\nREADY=1\nSTOPPING=1", "STATUS=going on\nREADY=1\nSTOPPING=1"},
    {"RELOADING=1\nMONOTONIC_USEC=123\nWATCHDOG=1\nERRNO=2", "RELOADING=1\nMONOTONIC_USEC=123\nWATCHDOG=1\nERRNO=2"},
    {"STATUS=", "STATUS="},
    {"STATUS=für alle=da", "STATUS=für alle=da"},
    /* not all of a line */
    {"READY=10", ""}, {"READY=", ""}, {"READY=0", ""}, {"READY= 1", ""}, {"READY=1 ", ""}, {"READY=1\r", ""}, {"READY", ""},
    {" READY=1", ""}, {"XREADY=1", ""}, {"ready=1", ""}, {"=1", ""}, {"\n", ""}, {"", ""},
    {"WATCHDOG=trigger", ""}, {"MONOTONIC_USEC=", ""}, {"MONOTONIC_USEC=-1", ""}, {"MONOTONIC_USEC=123456789012345678901", ""},
    {"ERRNO=1x", ""},
    /* in another's name, or against the manager */
    {"MAINPID=1", ""}, {"MAINPID=1\nREADY=1\nMAINPID=2", "READY=1"}, {"MAINPIDFDID=7\nMAINPIDFD=1", ""},
    {"FDSTORE=1\nFDNAME=x", ""}, {"FDSTOREREMOVE=1", ""}, {"BARRIER=1", ""}, {"BARRIER=1\nREADY=1", "READY=1"},
    {"EXTEND_TIMEOUT_USEC=1", ""}, {"WATCHDOG_USEC=1", ""}, {"NOTIFYACCESS=all", ""}, {"EXIT_STATUS=0", ""}, {"BUSERROR=x", ""},
    {"X_OTHER=1", ""},
    /* what a terminal or a log acts on */
    {"STATUS=\033[2Jgone", ""}, {"STATUS=a\tb", ""}, {"STATUS=a\rb", ""}, {"STATUS=\177", ""}, {"STATUS=\xc2\x9b", ""},
    {"STATUS=\xff\xfe", ""}, {"STATUS=\xc0\x80", ""}, {"STATUS=\xed\xa0\x80", ""}, {"STATUS=cut \xc3", ""},
    {"STATUS=\xff\nREADY=1", "READY=1"},
};

static size_t filter(char *text, const char *said, size_t size)
{
    memcpy(text, said, size);
    size_t n = notification_filter(text, size);
    text[n] = '\0';
    return n;
}

static void only_what_may_pass_passes(void **state)
{
    char text[NOTIFICATION_LARGEST + 2];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(filter(text, cases[i].said, strlen(cases[i].said)), strlen(cases[i].passed));
        assert_string_equal(text, cases[i].passed);
    }
}

static void a_string_may_have_its_end(void **state)
{
    char text[64];
    (void)state;
    assert_int_equal(filter(text, "READY=1", sizeof "READY=1"), 7);
    assert_int_equal(filter(text, "READY=1\0", 9), 0);
    assert_int_equal(filter(text, "READY=1\0\nREADY=1", 16), 0);
    assert_int_equal(filter(text, "\0READY=1", 8), 0);
    assert_int_equal(filter(text, "\0", 1), 0);
}

static void it_has_a_size(void **state)
{
    auto_free char *said = malloc(NOTIFICATION_LARGEST + 1), *text = malloc(NOTIFICATION_LARGEST + 2);
    (void)state;
    memset(said, 'a', NOTIFICATION_LARGEST + 1);
    memcpy(said, "STATUS=", 7);
    assert_int_equal(filter(text, said, NOTIFICATION_LARGEST), NOTIFICATION_LARGEST);
    assert_int_equal(filter(text, said, NOTIFICATION_LARGEST + 1), 0);
    memset(said, '\n', NOTIFICATION_LARGEST);
    assert_int_equal(filter(text, said, NOTIFICATION_LARGEST), 0);
}

static bool ready(const char *text) { return notification_is_ready(text, strlen(text)); }

static void ready_is_a_line(void **state)
{
    (void)state;
    assert_true(ready("READY=1"));
    assert_true(ready("STATUS=x\nREADY=1"));
    assert_true(ready("READY=1\nSTATUS=x"));
    assert_false(ready("STATUS=READY=1"));
    assert_false(ready("STATUS=x\nSTATUS=READY=1"));
    assert_false(ready("READY=1x"));
    assert_false(ready("READY="));
    assert_false(ready(""));
}

/* Any bytes: what is left is made of lines of the table, and no longer than it was. */
static void anything_else_is_nothing(void **state)
{
    static const char *const pieces[] = {"READY=1", "STATUS=", "MAINPID=", "\n", "1", "\033", "\xc3\xa4", "\xc3", "=", "WATCHDOG=1",
                                         "FDSTORE=1", "x", "READY=", "\t"};
    (void)state;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        char said[256] = "", text[258];
        while (strlen(said) < 200 && rand() % 12)
            strcat(said, pieces[(size_t)rand() % COUNT(pieces)]);
        size_t size = strlen(said), n = filter(text, said, size);
        assert_true(n <= size);
        assert_null(strstr(text, "\nMAINPID="));
        assert_null(strstr(text, "\nFDSTORE="));
        assert_true(strncmp(text, "MAINPID=", 8) != 0 && strncmp(text, "FDSTORE=", 8) != 0);
        assert_null(strpbrk(text, "\033\t"));
        assert_int_equal(notification_filter(text, n), n); /* all of it may pass again */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_may_pass_passes), cmocka_unit_test(a_string_may_have_its_end),
        cmocka_unit_test(it_has_a_size),             cmocka_unit_test(ready_is_a_line),
        cmocka_unit_test(anything_else_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
