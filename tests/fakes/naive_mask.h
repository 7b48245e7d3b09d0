/* SPDX-License-Identifier: MIT */
/* naive_mask: what masking is, said as plainly as can be: by trying every value at every byte. */
#ifndef MUSTER_FAKES_NAIVE_MASK_H
#define MUSTER_FAKES_NAIVE_MASK_H
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"

/* A malloc'd copy of s, masked; *len is its length. */
static inline char *naive_mask(const struct mask_value *values, size_t count, const char *s,
                               size_t n, size_t *len) {
    bool *under = calloc(n + 1, sizeof *under);   /* a value stands over this byte */
    bool *joined = calloc(n + 1, sizeof *joined); /* and over the one before, too */
    char *copy = malloc(3 * n + 1);
    size_t to = 0;

    for (size_t at = 0; at < n; at++)
        for (size_t k = 0; k < count; k++)
            if (values[k].n && values[k].n <= n - at &&
                !memcmp(s + at, values[k].bytes, values[k].n))
                for (size_t i = 0; i < values[k].n; i++) {
                    under[at + i] = true;
                    joined[at + i] |= i > 0;
                }
    for (size_t at = 0; at < n; at++)
        if (!under[at])
            copy[to++] = s[at];
        else if (!joined[at])
            to += (size_t)(stpcpy(copy + to, "***") - (copy + to));
    copy[to] = '\0';
    *len = to;
    free(under);
    free(joined);
    return copy;
}
#endif
