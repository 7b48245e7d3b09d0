/* SPDX-License-Identifier: MIT */
/*
 * follow: what running jobs write, as it comes: whole lines for people, files for
 * later. The bytes stay in the captures, so that a slow reader costs no memory.
 */
#ifndef MUSTER_REPORT_FOLLOW_H
#define MUSTER_REPORT_FOLLOW_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct capture;
struct follow;

struct follow_stream;

/* Shows a line of a stream without its newline. */
typedef void (*follow_line_cb)(void *ctx, const struct follow_stream *stream, const char *line,
                               size_t n);

/* All streams that are followed, found by their captures. One thread. */
struct follows {
    struct follow *buckets[256];
    size_t count;
    int log_dir;           /* folder of the log files, or -1: none are written; owned */
    FILE *index;           /* the list of them */
    struct timespec since; /* when that was made */
    follow_line_cb line;   /* or NULL: no lines are shown */
    void *ctx;
    char *block;
    int error; /* the first of a log file, UV_E… */
};

/* A stream that begins. */
struct follow_stream {
    struct capture *capture; /* shared by the caller, taken over */
    char *job;               /* malloc'd, taken over */
    uint32_t attempt;
    bool is_err;    /* standard error, captured apart */
    bool pty;       /* it was written for a terminal */
    bool item;      /* of an item, whose name others may have, too, */
    uint64_t index; /* but not its number */
};

/*
 * None yet. Takes the descriptor `log_dir` over, or -1. 0 or UV_E…: nothing is left
 * to be released then.
 */
int follows_init(struct follows *f, int log_dir, follow_line_cb line, void *ctx);
/* Begins with a stream. What memory is missing for is noted as an error of the logs. */
void follows_add(struct follows *f, const struct follow_stream *stream);
/* Shows and writes what has come by now of all streams. Blocks as files do. */
void follows_step(struct follows *f);
/* A stream is at its end: the rest of it, an unfinished line with a mark; forgets it. */
void follows_end(struct follows *f, const struct capture *capture);
/* Forgets all. The first error, or 0. */
int follows_release(struct follows *f);

#define FOLLOW_NAME_MAX 200
#define FOLLOW_FILE_MAX 256
/*
 * The name of a log file into buf: NAME.ATTEMPT.log, or NAME.ATTEMPT.err.log; bytes of
 * the name other than [A-Za-z0-9._-] as %XX, of one that gets longer than
 * FOLLOW_NAME_MAX bytes so many and a hash. NAME is the job's, or NAME#INDEX of an item
 * whose name another one of this run has had.
 */
void follow_file_name(const char *job, uint32_t attempt, bool is_err, char buf[FOLLOW_FILE_MAX]);
#endif
