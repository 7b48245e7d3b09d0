/* SPDX-License-Identifier: MIT */
/* dialog: what muster and a persistent worker say to one another: a line of JSON each. */
#ifndef MUSTER_EXEC_DIALOG_H
#define MUSTER_EXEC_DIALOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIALOG_PROTOCOL 1          /* the version that this muster speaks */
#define DIALOG_LINE_MAX (1U << 20) /* bytes of an answer, its newline too */

/*
 * A request with the variables of env ("NAME=VALUE", NULL at the end): malloc'd, its
 * length in *n, a newline at its end. NULL: *fault says in words why it cannot be
 * made (malloc'd), or is NULL too: out of memory. Any thread.
 */
char *dialog_request(uint64_t id, const char *task, char *const *env, size_t *n, char **fault);

enum dialog_kind {
    DIALOG_RUBBISH, /* neither of those: `fault` */
    DIALOG_ANSWER,
    DIALOG_GREETING, /* of a version that is understood */
};

/* A line of a worker's. */
struct dialog_line {
    enum dialog_kind kind;
    uint64_t id; /* of an answer */
    int exit;    /* 0-255 */
    const char *output;
    size_t output_len;
    char *fault; /* what it is in words, malloc'd; NULL: out of memory */
    void *json;  /* that holds the output */
};

/* Understands n bytes, without the newline. Any thread. */
void dialog_read(const char *bytes, size_t n, struct dialog_line *line);
/* Frees what it holds. */
void dialog_line_release(struct dialog_line *line);
#endif
