/* SPDX-License-Identifier: MIT */
/* utf8: characters from bytes. */
#ifndef MUSTER_BASE_UTF8_H
#define MUSTER_BASE_UTF8_H
#include <stddef.h>
#include <stdint.h>

#define UTF8_INVALID UINT32_MAX

/*
 * Decodes the first character of n > 0 bytes and returns how many it takes.
 * Where they are ill-formed (surrogates, overlong forms and values past
 * U+10FFFF too), *c is UTF8_INVALID and the bytes are the longest start of a
 * character that stands there, at least 1.
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *c);
/* How many characters n bytes are; an ill-formed sequence counts as one. */
size_t utf8_count(const char *s, size_t n);
/* How many bytes at the end of a block are the start of a character whose rest is in
 * the next. */
size_t utf8_split(const char *s, size_t n);
/* How many bytes at the start of n are the rest of a character that was cut; at most 3. */
size_t utf8_rest(const char *s, size_t n);
#endif
