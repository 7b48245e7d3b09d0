/* SPDX-License-Identifier: MIT */
/* text: values of a manifest from text, and text for people from values. */
#ifndef MUSTER_BASE_TEXT_H
#define MUSTER_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * All take n bytes that need no NUL behind, allocate nothing unless they say
 * so, use no locale, may be called from any thread, and leave their results
 * alone on failure. Parsers return 0, UV_EINVAL for a wrong form, UV_ERANGE
 * for the right form with a value out of bounds. No blanks are skipped. Words
 * and lists are in words.h, characters in utf8.h.
 */

#define TEXT_DURATION_MAX_NS (INT64_C(1000000000) * INT64_C(1000000000)) /* 10^9 s */
#define TEXT_NAME_MAX        200                                         /* bytes of a NAME */

/* The part of a value that is wrong, for a caret: an offset and a length. */
struct text_fault {
    size_t at, len;
};

/* A rate: so many each span of time (NS_PER_S, 60 or 3600 times that). */
struct text_rate {
    uint32_t count;
    int64_t per_ns;
};

/*
 * "250ms", "30s", "5m", "1h30m", "2d", "1.5s", "90" (seconds). Units once
 * each, in falling order; a fraction only where there is one unit. More than
 * nothing is at least 1 ns. UV_ERANGE above TEXT_DURATION_MAX_NS.
 */
int text_duration(const char *s, size_t n, int64_t *ns);
/* "4096", "512K", "64MB", "2GiB", up to E: powers of 1024. UV_ERANGE above UINT64_MAX. */
int text_size(const char *s, size_t n, uint64_t *bytes);
/* "10/s", "600/m", "1000/h". UV_ERANGE for 0 and above UINT32_MAX. */
int text_rate(const char *s, size_t n, struct text_rate *rate);
/* Decimal digits, "-" before them only where min is negative. */
int text_int64(const char *s, size_t n, int64_t min, int64_t max, int64_t *value);
/* Decimal digits. */
int text_uint64(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *value);
/* Decimal digits, at most one "." between digits: "2", "0.25". */
int text_factor(const char *s, size_t n, double min, double max, double *value);
/* yes no true false on off 1 0. */
int text_bool(const char *s, size_t n, bool *value);
/* "TERM", "SIGTERM", "15", "RTMIN+1", "SIGRTMAX-2". */
int text_signal(const char *s, size_t n, int *signal);
/* Whether the n bytes at s are that word, whole. */
bool text_is(const char *s, size_t n, const char *word);
/* The index of a word among `words` (NULL-terminated), or -1. */
int text_choose(const char *s, size_t n, const char *const *words);

/*
 * "0", "1-3,75": statuses and ranges of them, set in `bits`. Commas and blanks
 * separate. UV_EINVAL or UV_ERANGE (above 255) with the part at fault; an
 * empty list is UV_EINVAL, and the whole is at fault.
 */
int text_exit_list(const char *s, size_t n, uint32_t bits[8], struct text_fault *fault);
/* The same form with HTTP statuses, 100 to 599, "5xx" too: bit 0 is of TEXT_HTTP_MIN. */
#define TEXT_HTTP_MIN 100
#define TEXT_HTTP_MAX 599
int text_http_list(const char *s, size_t n, uint32_t bits[16], struct text_fault *fault);
/* A range of numbers, up or down. */
struct text_range {
    int64_t from;
    uint64_t step;
    uint64_t last; /* the index of its last number: one less than it has */
    int width;     /* to which its numbers are padded with zeros, 0: not */
    bool down;
};
/* "1..100", "3..1", "01..10" (padded, to less than TEXT_FORMAT_MAX), "1..100..5"; a step is at
 * least 1. */
int text_range(const char *s, size_t n, struct text_range *range, struct text_fault *fault);
/* The number of that index, which is not behind the last. Into buf, as the formatters below. */
const char *text_range_number(const struct text_range *range, uint64_t index, char *buf,
                              size_t size);

/* [A-Za-z0-9_][A-Za-z0-9_.-]*, at most TEXT_NAME_MAX bytes: jobs, templates, … */
bool text_name_valid(const char *s, size_t n);
/* [A-Za-z_][A-Za-z0-9_]*: variables. */
bool text_var_valid(const char *s, size_t n);

/* The formatters below cut what does not fit, end it with a NUL and return buf. */
#define TEXT_FORMAT_MAX 32 /* bytes that hold any of them */

/* FNV-1a of 64 bits: the same on every machine. */
uint64_t text_hash(const char *s);

/* A length of time for a column: "0.50s", "12.3s", "4m05s", "2h03m". */
const char *text_format_wall(int64_t ns, char *buf, size_t size);
/* A length of time for a sentence, exact: "250ms", "1.5s", "30s", "1m30s", "2d". */
const char *text_format_duration(int64_t ns, char *buf, size_t size);
/* Bytes: "512", "1.0K", "12.3M", "2.0G". */
const char *text_format_size(uint64_t bytes, char *buf, size_t size);

/*
 * Foreign bytes made fit for a terminal: control characters and invalid UTF-8
 * as "\x1b", C1, bidi and line-breaking characters as "<U+202E>", the rest as
 * it is. Control characters that stand in `keep` (such as "\n\t"; NULL: none)
 * pass. Like snprintf: writes at most size - 1 bytes (whole characters and
 * escapes) and a NUL, returns the bytes that the whole needs.
 */
size_t text_visible(char *buf, size_t size, const char *s, size_t n, const char *keep);
/* The same to a stream. Trouble shows in ferror(). */
void text_visible_write(FILE *out, const char *s, size_t n, const char *keep);
/*
 * One step of it: makes the first character of s (n > 0) visible in out, NUL
 * behind, and returns how many bytes of s that took. For windows and columns.
 */
#define TEXT_VISIBLE_MAX 16
size_t text_visible_step(const char *s, size_t n, const char *keep, char out[TEXT_VISIBLE_MAX]);

/*
 * A malloc'd copy in which each maximal ill-formed sequence is U+FFFD, NUL
 * behind; NULs inside stay. *len is its length. NULL when out of memory.
 */
char *text_sanitise(const char *s, size_t n, size_t *len);
#endif
