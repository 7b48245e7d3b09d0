/* SPDX-License-Identifier: MIT */
/*
 * display: the status of a run on standard error while it goes on: on a terminal an area
 * at its bottom that is drawn anew in place, elsewhere a line now and then.
 */
#ifndef MUSTER_REPORT_DISPLAY_H
#define MUSTER_REPORT_DISPLAY_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "report/standing.h"

enum display_mode {
    DISPLAY_NONE,
    DISPLAY_LINES, /* one when nothing has been written for a minute */
    DISPLAY_AREA,
};

#define DISPLAY_FRAME_NS  (100 * NS_PER_MS) /* at least, between two drawings */
#define DISPLAY_LINES_NS  (60 * NS_PER_S)   /* between two lines */
#define DISPLAY_BYTES_MAX (STANDING_LINES_MAX * (STANDING_LINE_BYTES + 8) + 2048)

struct display {
    enum display_mode mode; /* constant, as these: */
    int fd;
    bool color;
    bool reflows;             /* the terminal folds long lines anew when it gets narrower */
    pthread_mutex_t lock;     /* of these: */
    pthread_cond_t hid;       /* it is hidden now */
    bool paused, hidden;      /* it is to be taken away; and it is */
    bool known, news;         /* there is a standing; and one that was not shown */
    struct standing standing; /* the latest */
    /* The rest is the writing thread's. */
    bool shown;                  /* the area is there, and the cursor at its end, */
    unsigned columns;            /* on a screen of so many */
    struct standing_lines lines; /* what it shows */
    int64_t frame_ns;            /* clock_ns(): of the next drawing */
    int64_t written_ns;          /* when anything was written last */
    char text[DISPLAY_BYTES_MAX];
};

/* A new one in a mode, for a descriptor. */
void display_init(struct display *d, enum display_mode mode, int fd, bool color);
void display_release(struct display *d);
/* Whether a terminal can be drawn on, as far as its name (TERM) says. */
bool display_can_draw(int fd);

/* How the run stands; copied. Any thread, as the next two. The writing thread is to be woken. */
void display_post(struct display *d, const struct standing *s);
/* Has the area taken away, as muster is about to be stopped, or lets it be shown again. The
 * writing thread is to be woken. */
void display_pause(struct display *d, bool paused);
/* Waits for it to be taken away, a moment at most. */
void display_wait(struct display *d);

/* ---- the writing thread's side ---- */

/* Whether what is to be written waits for the next drawing, so that both are one. */
bool display_defers(const struct display *d, int64_t now_ns);
/* clock_ns() when there is something to do; `waiting`: also something that was deferred. */
int64_t display_due(struct display *d, bool waiting);
/* Does it. Bytes of `line`, which is to be written now, or 0. Nothing here waits for a terminal
 * that is stuck. */
#define DISPLAY_LINE_MAX (STANDING_LINE_BYTES + 16)
size_t display_step(struct display *d, int64_t now_ns, char line[DISPLAY_LINE_MAX]);
/* Takes the area away, for something else to be written: waits as that will; or not, and leaves
 * it where it is if the terminal is stuck. */
void display_hide(struct display *d, bool wait);
/* Something has been written to standard error that is not of the display. */
void display_wrote(struct display *d, int64_t now_ns);

/* What these write on a screen of so many columns and rows; bytes of *text, or 0: nothing. */
size_t display_erase(struct display *d, unsigned columns, const char **text);
size_t display_draw(struct display *d, const struct standing *s, unsigned columns, unsigned rows,
                    const char **text);
#endif
