/* The verb: makes a layer's blob of the tar that comes on standard input, packed or not, in descriptor 3. gzip, zstd and plain
 * tars are kept as they are; what layers are never packed with (bzip2, xz) is unpacked. Whether it is a tar is found when it
 * is. One line of JSON: its digest, its size, its media type, its diffID. */
#pragma once

int verb_import(char **words);
