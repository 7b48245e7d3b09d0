/* SPDX-License-Identifier: MIT */
/* quote: foreign bytes as a string of JSON. */
#ifndef MUSTER_REPORT_QUOTE_H
#define MUSTER_REPORT_QUOTE_H
#include <stddef.h>
#include <stdio.h>

/* Writes them with their quotes, made valid UTF-8. 0 or UV_ENOMEM; trouble of the stream
 * shows in ferror(). Any thread. */
int quote_write(const char *bytes, size_t n, FILE *out);
#endif
