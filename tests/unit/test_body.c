/* Digests of what is in files: however it comes, in pieces, as holes or as zeros; and notes of them
 * by inode. */
#include "archive/body.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 9 * BODY_BLOCK + 100, ROUNDS = 2000 };

static bool is_zero(const char *bytes, size_t size)
{
    return !*bytes && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* In pieces that end at random, or (ALL) in one; pieces that are zeros are left out as holes, if
 * HOLES. */
static void sum(struct body *body, const char *bytes, size_t size, bool all, bool holes,
                unsigned char value[BODY_VALUE])
{
    assert_int_equal(body_begin(body), 0);
    for (size_t at = 0; at < size;) {
        size_t n = all ? size : 1 + (size_t)rand() % (rand() % 4 ? 700 : 3 * BODY_BLOCK);
        n = n < size - at ? n : size - at;
        if (!holes || !is_zero(bytes + at, n))
            body_add(body, bytes + at, n, at);
        at += n;
    }
    assert_int_equal(body_end(body, size, value), 0);
}

/* Runs of zeros and of others, many of which begin and end with a block. */
static void make(char *bytes)
{
    for (size_t at = 0; at < SIZE;) {
        size_t n = rand() % 2 ? BODY_BLOCK * (size_t)(1 + rand() % 3) : 1 + (size_t)rand() % 5000;
        n = n < SIZE - at ? n : SIZE - at;
        memset(bytes + at, rand() % 2 ? rand() % 256 : 0, n);
        at += n;
    }
}

static void test_pieces_and_holes(void **state)
{
    static char bytes[SIZE];
    unsigned char whole[BODY_VALUE], other[BODY_VALUE];
    struct body body = {0};
    (void)state;
    srand(1);
    for (int i = 0; i < ROUNDS; i++) {
        size_t size =
            rand() % 4 ? SIZE - (size_t)rand() % BODY_BLOCK : BODY_BLOCK * (size_t)(1 + rand() % 9);
        make(bytes);
        sum(&body, bytes, size, true, false, whole);
        sum(&body, bytes, size, false, false, other);
        assert_memory_equal(whole, other, BODY_VALUE);
        sum(&body, bytes, size, false, true, other);
        assert_memory_equal(whole, other, BODY_VALUE);
        bytes[(size_t)rand() % size] ^= 1;
        sum(&body, bytes, size, false, true, other);
        assert_memory_not_equal(whole, other, BODY_VALUE);
    }
    body_free(&body);
}

static void test_places(void **state)
{
    char bytes[4 * BODY_BLOCK] = {0};
    unsigned char first[BODY_VALUE], second[BODY_VALUE];
    struct body body = {0};
    (void)state;
    memset(bytes, 'a', BODY_BLOCK);
    sum(&body, bytes, sizeof bytes, true, false, first);
    memset(bytes, 0, BODY_BLOCK);
    memset(bytes + BODY_BLOCK, 'a', BODY_BLOCK);
    sum(&body, bytes, sizeof bytes, true, false, second);
    assert_memory_not_equal(first, second, BODY_VALUE);
    body_free(&body);
}

static void test_notes(void **state)
{
    const unsigned char values[3][BODY_VALUE] = {{1}, {2}, {3}};
    struct bodies bodies = {0};
    (void)state;
    assert_null(bodies_find(&bodies, &(struct stat){.st_ino = 1}));
    for (unsigned i = 5000; i > 0; i--)
        bodies_add(&bodies, &(struct stat){.st_ino = i, .st_size = 7}, values[i % 3]);
    bodies_add(&bodies, &(struct stat){.st_ino = 30, .st_size = 7}, values[1]);
    bodies_add(&bodies, &(struct stat){.st_ino = 31, .st_size = 7}, NULL);
    bodies_add(&bodies, &(struct stat){.st_ino = 32, .st_size = 7}, NULL);
    bodies_add(&bodies, &(struct stat){.st_ino = 32, .st_size = 9}, values[0]);
    for (unsigned i = 1; i <= 5000; i++) {
        const unsigned char *found =
            bodies_find(&bodies, &(struct stat){.st_ino = i, .st_size = i == 32 ? 9 : 7});
        if (i == 31)
            assert_null(found);
        else
            assert_memory_equal(found, values[i == 30 ? 1 : i == 32 ? 0 : i % 3], BODY_VALUE);
    }
    assert_null(bodies_find(&bodies, &(struct stat){.st_ino = 32, .st_size = 7}));
    assert_null(bodies_find(&bodies, &(struct stat){.st_ino = 5001, .st_size = 7}));
    bodies_add(&bodies, &(struct stat){.st_ino = 5001, .st_size = 7}, values[0]);
    assert_memory_equal(bodies_find(&bodies, &(struct stat){.st_ino = 5001, .st_size = 7}),
                        values[0], BODY_VALUE);
    bodies_free(&bodies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_and_holes),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
