/* SPDX-License-Identifier: MIT */
/* painted: what a job wrote for the terminal that it was given, fit for people's. */
#ifndef MUSTER_REPORT_PAINTED_H
#define MUSTER_REPORT_PAINTED_H
#include <stdbool.h>
#include <stddef.h>

/*
 * Makes n bytes visible in buf, which has room for 4 * n + 1, but for colours: sequences that
 * set these stand as they are, or are left out unless `color`. Of a line that was written over
 * again and again, each time from a carriage return on, the last one is left. Control
 * characters that stand in `keep` pass. How many bytes; *colored is set where there was a colour.
 */
size_t painted_visible(char *buf, const char *s, size_t n, const char *keep, bool color,
                       bool *colored);
/* How many bytes at the end of a block may be the beginning of a character or sequence whose rest
 * is in the next. */
size_t painted_split(const char *s, size_t n);
/* What ends all colours. */
#define PAINTED_END "\033[m"
#endif
