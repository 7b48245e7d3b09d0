/* SPDX-License-Identifier: MIT */
/* tail: the end of a captured stream, and what is said of one that is not whole. */
#ifndef MUSTER_REPORT_TAIL_H
#define MUSTER_REPORT_TAIL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

#define TAIL_LOST_MAX 160U /* bytes of a line about what is missing */

/* Whether there is anything to show of a stream, which may be NULL. */
bool tail_any(const struct capture *c);
/*
 * Where the last `lines` lines of a stream begin (UINT32_MAX: all of it), searched from its
 * end, at most `most` bytes before it. `block` is room to read into. Blocks.
 */
uint64_t tail_start(const struct capture *c, uint32_t lines, uint64_t most, char *block,
                    size_t size);
/* What stands in the place of output that is not there, for a stream whose last byte is `last`:
 * into line, a NUL behind. How many bytes. */
size_t tail_lost(int error, char last, char line[TAIL_LOST_MAX]);
/*
 * Reads the end of a stream, which may be NULL, into a block of `size` bytes, what was lost of it
 * said behind. How many bytes; *error: 0, or why they could not be read. Blocks.
 */
size_t tail_read(const struct capture *c, char *block, size_t size, int *error);
#endif
