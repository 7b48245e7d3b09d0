/* SPDX-License-Identifier: MIT */
/* tail: the end of a captured stream, and what is said of one that is not whole. */
#include "report/tail.h"

#include <stdio.h>
#include <string.h>

#include "exec/capture.h"

bool tail_any(const struct capture *c) {
    return c && (capture_size(c) > 0 || capture_error(c) != 0);
}

uint64_t tail_start(const struct capture *c, uint32_t lines, uint64_t most, char *block,
                    size_t room) {
    uint64_t size = capture_size(c), at = size;
    uint64_t least = size > most ? size - most : 0;

    if (lines == UINT32_MAX)
        return 0;
    while (at > least) {
        size_t want = at - least < room ? (size_t)(at - least) : room;
        long n = capture_read(c, at - want, block, want);

        if (n != (long)want)
            return at - want; /* who shows it will meet it again and say so */
        for (size_t i = want; i > 0; i--) {
            bool ends_line = block[i - 1] == '\n' && at - want + i < size;

            if (ends_line && --lines == 0)
                return at - want + i;
        }
        at -= want;
    }
    return least;
}

size_t tail_lost(int error, char last, char line[TAIL_LOST_MAX]) {
    int n = snprintf(line, TAIL_LOST_MAX, "%s[output lost: %s]\n", last == '\n' ? "" : "\n",
                     strerror(-error));

    return n < (int)TAIL_LOST_MAX ? (size_t)n : TAIL_LOST_MAX - 1;
}

size_t tail_read(const struct capture *c, char *block, size_t size, int *error) {
    int lost = c ? capture_error(c) : 0;
    uint64_t whole = c ? capture_size(c) : 0;
    size_t room = size - (lost ? TAIL_LOST_MAX : 0);
    size_t want = whole < room ? (size_t)whole : room;
    long got = want > 0 ? capture_read(c, whole - want, block, want) : 0;
    size_t n = got > 0 ? (size_t)got : 0;

    *error = got < 0 ? (int)got : 0;
    if (lost)
        n += tail_lost(lost, n > 0 ? block[n - 1] : '\n', block + n);
    return n;
}
