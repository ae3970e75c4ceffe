/* What a fuzz target is: one file here that defines this function, and its seeds in seeds/NAME, one a file. It reads SIZE
 * bytes at DATA, without a NUL behind them, as the module under test reads what comes from strangers, and aborts (CHECK)
 * where a promise of its header is broken. tests/fuzz/run lets libFuzzer find inputs; replay.c runs the seeds without it. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                           \
        }                                                                      \
    } while (0)
