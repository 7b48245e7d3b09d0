/* SPDX-License-Identifier: MIT */
/* fuzz: what a fuzz target offers, to libFuzzer or to the replay of seeds. */
#ifndef MUSTER_FUZZ_FUZZ_H
#define MUSTER_FUZZ_FUZZ_H
#include <stddef.h>
#include <stdint.h>

/* Takes n bytes in; aborts when a promise of the code is broken. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
#endif
