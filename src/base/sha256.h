/* SHA-256 (FIPS 180-4), for texts of some hundred bytes.
 *
 * Why of our own: the chainIDs of an image's layers (spec/image_config.h) are hashes of hashes, 143 bytes each, and the
 * program that starts containers needs them on its way; it is static and has no libcrypto. Blobs and layers, where speed
 * matters, are hashed by the programs that have it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 };

/* The digest of LENGTH bytes. Allocates nothing. */
void sha256(const void *bytes, size_t length, uint8_t digest[SHA256_SIZE]);

/* The same as lower-case hexadecimal digits, with a NUL. */
void sha256_hex(const void *bytes, size_t length, char hex[SHA256_HEX_SIZE]);
