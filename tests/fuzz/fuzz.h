/* SPDX-License-Identifier: MIT */
/* fuzz: what a fuzz target offers, to libFuzzer or to the replay of seeds. */
#ifndef MUSTER_FUZZ_FUZZ_H
#define MUSTER_FUZZ_FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"

/* assert() would be empty in builds without assertions. */
static inline void demand(bool holds) {
    if (!holds)
        abort();
}

static inline bool is_utf8(const char *s, size_t n) {
    uint32_t c = 0;

    for (size_t at = 0; at < n && c != UTF8_INVALID;)
        at += utf8_decode(s + at, n - at, &c);
    return c != UTF8_INVALID;
}

/* Takes n bytes in; aborts when a promise of the code is broken. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
#endif
