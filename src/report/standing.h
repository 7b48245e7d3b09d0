/* SPDX-License-Identifier: MIT */
/* standing: how a run stands, as lines for a screen of any width. Pure. */
#ifndef MUSTER_REPORT_STANDING_H
#define MUSTER_REPORT_STANDING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"

#define STANDING_JOBS_MAX    5   /* running jobs that are shown */
#define STANDING_NAME_MAX    256 /* bytes of their names */
#define STANDING_LINES_MAX   (STANDING_JOBS_MAX + 3)
#define STANDING_LINE_BYTES  768 /* of one, colours included */
#define STANDING_COLUMNS_MAX 160

/* A job that runs. */
struct standing_job {
    char name[STANDING_NAME_MAX]; /* fit for a terminal */
    enum lane lane;               /* that it is counted in */
    uint32_t attempt;
    int64_t elapsed_ns; /* of this attempt */
};

/* How a run stands. All zero: nothing is known yet. */
struct standing {
    uint32_t jobs;         /* that there are, */
    bool open;             /* and more may come */
    uint32_t done;         /* ended, however */
    uint32_t failed;       /* of those: failed or timed out, and not allowed to */
    uint32_t running;      /* have a process, or are about to */
    uint32_t delayed;      /* wait for their next attempt */
    uint32_t retries;      /* attempts that had to be made again, so far */
    uint32_t used[LANES];  /* slots, */
    uint32_t width[LANES]; /* of so many */
    int64_t elapsed_ns;    /* without pauses */
    int64_t left_ns;       /* that it will take yet; -1: nobody knows */
    uint32_t more;         /* that run and are not among those: */
    size_t njobs;          /* those that have run for longest, the longest first */
    struct standing_job job[STANDING_JOBS_MAX];
};

/* Where it is shown. */
struct standing_screen {
    unsigned columns, rows;
    bool color;
};

/* What is shown. */
struct standing_lines {
    size_t count;
    struct standing_line {
        unsigned columns; /* that it takes: fewer than the screen has */
        char text[STANDING_LINE_BYTES];
    } line[STANDING_LINES_MAX];
};

/* Lays it out for a screen: at least one line, at most half of its rows. */
void standing_lay_out(const struct standing *s, const struct standing_screen *screen,
                      struct standing_lines *out);
/* The same in one line of any length, without end, into buf. Returns buf. */
const char *standing_sentence(const struct standing *s, char buf[STANDING_LINE_BYTES]);
/* How many bytes of a text fit into so many columns; *used is how many they take. */
size_t standing_fit(const char *text, unsigned columns, unsigned *used);
#endif
