/* SHA-256: the standard's own examples, and every length to 300 bytes against sha256sum(1). */
#include "base/cleanup.h"
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct vector {
    const char *text, *hex;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void the_standards_examples(void **state)
{
    (void)state;
    char hex[SHA256_HEX_SIZE];
    for (size_t i = 0; i < COUNT(vectors); i++) {
        sha256_hex(vectors[i].text, strlen(vectors[i].text), hex);
        assert_string_equal(hex, vectors[i].hex);
    }
    static char million[1000000];
    memset(million, 'a', sizeof million);
    sha256_hex(million, sizeof million, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Files 0 to 300 of so many bytes, and sha256sum over all of them at once. */
static void every_length_as_sha256sum(void **state)
{
    (void)state;
    char directory[] = "/tmp/sha256.XXXXXX", command[128], line[128], name[64], hex[SHA256_HEX_SIZE];
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 167 + 13);
    assert_non_null(mkdtemp(directory));
    for (size_t n = 0; n <= sizeof bytes; n++) {
        snprintf(name, sizeof name, "%s/%03zu", directory, n);
        auto_file file = fopen(name, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, n, file), n);
    }
    snprintf(command, sizeof command, "cd %s && sha256sum * && rm -r %s", directory, directory);
    FILE *sums = popen(command, "r");
    assert_non_null(sums);
    size_t n = 0;
    for (; fgets(line, sizeof line, sums); n++) {
        sha256_hex(bytes, n, hex);
        assert_memory_equal(line, hex, 64);
    }
    assert_int_equal(pclose(sums), 0);
    assert_int_equal(n, sizeof bytes + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_examples),
        cmocka_unit_test(every_length_as_sha256sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
