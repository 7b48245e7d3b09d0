/* SPDX-License-Identifier: MIT */
/* roll: random numbers that are the same each time. */
#ifndef MUSTER_FAKES_ROLL_H
#define MUSTER_FAKES_ROLL_H
#include <stdbool.h>
#include <stdint.h>

/* Set it for other numbers; never 0. */
static uint64_t roll_state = UINT64_C(88172645463325252);

/* From 0 to n - 1. */
static inline uint32_t roll(uint32_t n) {
    roll_state ^= roll_state << 13;
    roll_state ^= roll_state >> 7;
    roll_state ^= roll_state << 17;
    return (uint32_t)((roll_state >> 32) % n);
}

static inline bool one_in(uint32_t n) {
    return roll(n) == 0;
}
#endif
