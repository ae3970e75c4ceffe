#include "spec/digest.h"

#include "base/text.h"

#include <string.h>

static size_t hex_run(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && text[n] && strchr("0123456789abcdef", text[n]))
        n++;
    return n;
}

const char *digest_fault(const char *text, size_t length)
{
    if (length >= 7 && memcmp(text, "sha512:", 7) == 0)
        return "sha512 is not supported, expected sha256:";
    if (length < 7 || memcmp(text, "sha256:", 7) != 0)
        return "expected sha256: and 64 lower-case hexadecimal digits";
    if (length != DIGEST_LENGTH)
        return "expected 64 digits behind sha256:";
    return hex_run(text + 7, DIGEST_HEX) == DIGEST_HEX ? NULL : "expected lower-case hexadecimal digits behind sha256:";
}

bool digest_valid(const char *text)
{
    return text && !digest_fault(text, strlen(text));
}

bool digest_is_hex(const char *text)
{
    return strlen(text) == DIGEST_HEX && hex_run(text, DIGEST_HEX) == DIGEST_HEX;
}
