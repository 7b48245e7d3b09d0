/* SPDX-License-Identifier: MIT */
/* makeflags: what GNU make tells those that it runs of its jobserver, in MAKEFLAGS. */
#ifndef MUSTER_BASE_MAKEFLAGS_H
#define MUSTER_BASE_MAKEFLAGS_H
#include <stdbool.h>
#include <stdint.h>

/* A jobserver: a pipe by two descriptors, or a named one. */
struct makeflags {
    bool there;
    int read_fd, write_fd; /* -1: it is the named one */
    const char *fifo;      /* NULL: it is the descriptors; not owned */
    uint32_t fifo_len;
    uint32_t jobs; /* N of -jN; 0: it is not said */
};

/*
 * Reads the value of MAKEFLAGS; of several --jobserver-auth (make before 4.2:
 * --jobserver-fds) the last one counts. What is no jobserver is none.
 */
struct makeflags makeflags_parse(const char *value);
/* The value without jobserver and -j: for those that are not to use them. Malloc'd;
 * NULL when out of memory. */
char *makeflags_strip(const char *value);

enum makeflags_state {
    MAKEFLAGS_NONE,
    MAKEFLAGS_THERE,
    MAKEFLAGS_CLOSED, /* there is a jobserver, but make kept its descriptors to itself */
};
/*
 * Notes the jobserver that this process was started under and takes it out of the
 * environment. Call first of all, before any descriptor could be taken for make's.
 */
void makeflags_take(void);
/* What was noted; *flags lives as long as the process. */
enum makeflags_state makeflags_taken(struct makeflags *flags);
#endif
