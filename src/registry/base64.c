/* Three bytes are four letters of six bits. */
#include "registry/base64.h"

#include <stdint.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(struct arena *arena, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    char *text = arena_alloc(arena, (size + 2) / 3 * 4 + 1), *out = text;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)in[i] << 16;
        bits |= i + 1 < size ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= i + 2 < size ? in[i + 2] : 0;
        for (int k = 0; k < 4; k++)
            *out++ = letters[bits >> (18 - 6 * k) & 63];
        for (size_t k = size - i; k < 3; k++)
            out[k - 3] = '=';
    }
    return text;
}

char *base64_decode(struct arena *arena, const char *text, size_t *size)
{
    size_t length = strlen(text);
    while (length && text[length - 1] == '=')
        length--;
    if (length % 4 == 1 || strlen(text) - length > 2)
        return NULL;
    char *bytes = arena_alloc(arena, length / 4 * 3 + 3), *out = bytes;
    uint32_t bits = 0;
    for (size_t i = 0; i < length; i++) {
        const char *letter = memchr(letters, text[i], 64);
        if (!letter)
            return NULL;
        bits = bits << 6 | (uint32_t)(letter - letters);
        if (i % 4)
            *out++ = (char)(bits >> (6 - i % 4 * 2));
    }
    *size = (size_t)(out - bytes);
    *out = '\0';
    return bytes;
}
