/* SPDX-License-Identifier: MIT */
/* standing: how a run stands, as lines for a screen of any width. Pure. */
#include "report/standing.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"
#include "report/report.h"

#define PART_BYTES   48
#define BAR_COLUMNS  20 /* of the run's, without its ends */
#define LANE_COLUMNS 10 /* of a lane's */
#define GAP          "  "

size_t standing_fit(const char *text, unsigned columns, unsigned *used) {
    size_t n = strlen(text), at = 0;

    *used = 0;
    while (at < n) {
        uint32_t c;
        size_t len = utf8_decode(text + at, n - at, &c);
        int width = c == UTF8_INVALID ? 1 : wcwidth((wchar_t)c);
        unsigned takes = width < 0 ? 2 : (unsigned)width; /* unknown: at worst wide */

        if (*used + takes > columns)
            break;
        *used += takes;
        at += len;
    }
    return at;
}

/* ---- a line that is being written ---- */

struct pen {
    struct standing_line *line;
    size_t n;
    unsigned room; /* columns */
    bool color;
};

/* As much of a text as there is room for, in a colour (the number of its sequence) or NULL. */
static void put(struct pen *pen, const char *color, const char *text) {
    unsigned used;
    size_t left = sizeof pen->line->text - pen->n, n = standing_fit(text, pen->room, &used);
    int len;

    color = pen->color && n > 0 ? color : NULL;
    len = snprintf(pen->line->text + pen->n, left, "%s%s%s%.*s%s", color ? "\033[" : "",
                   color ? color : "", color ? "m" : "", (int)n, text, color ? "\033[m" : "");
    if (len < 0 || (size_t)len >= left) { /* rather nothing than half a sequence */
        pen->line->text[pen->n] = '\0';
        return;
    }
    pen->n += (size_t)len;
    pen->line->columns += used;
    pen->room -= used;
}

static struct pen new_line(struct standing_lines *out, const struct standing_screen *screen) {
    struct standing_line *line = &out->line[out->count++];
    unsigned most = screen->columns < STANDING_COLUMNS_MAX ? screen->columns : STANDING_COLUMNS_MAX;

    line->columns = 0;
    line->text[0] = '\0';
    /* The last column stays free: some terminals go to the next line behind it. */
    return (struct pen){.line = line, .room = most > 1 ? most - 1 : 1, .color = screen->color};
}

/* "[####----]", so many columns between its ends. */
static void make_bar(char *buf, unsigned columns, uint64_t part, uint64_t whole) {
    uint64_t full = whole ? part * columns / whole : 0;

    full = full < columns ? full : columns;
    if (part > 0 && full == 0 && columns > 0)
        full = 1;
    buf[0] = '[';
    for (unsigned i = 0; i < columns; i++)
        buf[i + 1] = i < full ? '#' : '-';
    memcpy(buf + columns + 1, "]", 2);
}

/* ---- the first line: counts and times ---- */

enum part { BAR, DONE, FAILED, RUNNING, WAITING, DELAYED, RETRIES, RATE, ELAPSED, LEFT, PARTS };

/* What is left out first where there is no room for all. */
static const enum part dispensable[] = {BAR,     RATE,    DELAYED, WAITING,
                                        RETRIES, ELAPSED, RUNNING, LEFT};

static const char *const part_colors[PARTS] = {[FAILED] = "31", [LEFT] = "1", [RETRIES] = "33"};

/* A length of time without parts that nobody reads: no fractions, of an hour no seconds. */
static const char *format_time(int64_t ns, char *buf, size_t size) {
    int64_t unit = ns < 3600 * NS_PER_S ? NS_PER_S : 60 * NS_PER_S;

    return text_format_duration(ns > 0 ? ns / unit * unit : 0, buf, size);
}

static void format_count(char *buf, uint32_t n, const char *words) {
    if (n > 0)
        snprintf(buf, PART_BYTES, "%" PRIu32 "%s", n, words);
}

/* By what the run as a whole had of it. */
static void format_rate(const struct standing *s, char *buf) {
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}};
    double rate = 0;
    size_t i = 0;

    if (s->done == 0 || s->elapsed_ns <= 0)
        return;
    for (i = 0; i < sizeof units / sizeof *units && rate < 0.95; i++)
        rate = (double)s->done * (double)NS_PER_S / (double)s->elapsed_ns * units[i].seconds;
    snprintf(buf, PART_BYTES, "%.*f%s", rate < 9.95 ? 1 : 0, rate, units[i - 1].unit);
}

/* What there is to say; what is empty is not said. */
static void make_parts(const struct standing *s, char parts[PARTS][PART_BYTES]) {
    uint64_t known = (uint64_t)s->done + s->running + s->delayed;
    char text[TEXT_FORMAT_MAX];

    memset(parts, 0, PARTS * sizeof *parts);
    if (s->open) {
        snprintf(parts[DONE], PART_BYTES, "%" PRIu32 " done", s->done);
    } else {
        make_bar(parts[BAR], BAR_COLUMNS, s->done, s->jobs);
        snprintf(parts[DONE], PART_BYTES, "%" PRIu32 "/%" PRIu32 " done", s->done, s->jobs);
        format_count(parts[WAITING], s->jobs > known ? (uint32_t)(s->jobs - known) : 0, " waiting");
    }
    format_count(parts[FAILED], s->failed, " failed");
    format_count(parts[RUNNING], s->running, " running");
    format_count(parts[DELAYED], s->delayed, " delayed");
    format_count(parts[RETRIES], s->retries, s->retries == 1 ? " retry" : " retries");
    format_rate(s, parts[RATE]);
    snprintf(parts[ELAPSED], PART_BYTES, "%s", format_time(s->elapsed_ns, text, sizeof text));
    if (s->left_ns >= 0 && (s->open || s->done < s->jobs))
        snprintf(parts[LEFT], PART_BYTES, "ETA %s", format_time(s->left_ns, text, sizeof text));
}

/* Columns of all: they are ASCII. */
static size_t columns_of(char parts[PARTS][PART_BYTES]) {
    size_t sum = 0;

    for (int i = 0; i < PARTS; i++)
        if (*parts[i])
            sum += (sum ? strlen(GAP) : 0) + strlen(parts[i]);
    return sum;
}

static void put_counts(const struct standing *s, struct pen pen) {
    char parts[PARTS][PART_BYTES];
    size_t dropped = 0;

    make_parts(s, parts);
    while (dropped < sizeof dispensable / sizeof *dispensable && columns_of(parts) > pen.room)
        *parts[dispensable[dropped++]] = '\0';
    for (int i = 0; i < PARTS; i++) {
        if (!*parts[i])
            continue;
        if (pen.n > 0)
            put(&pen, NULL, GAP);
        put(&pen, part_colors[i], parts[i]);
    }
}

/* ---- the second line: the lanes ---- */

static void put_lanes(const struct standing *s, struct pen pen) {
    char text[LANES][PART_BYTES], bar[LANE_COLUMNS + 3];
    size_t columns = strlen(GAP) + LANES * (LANE_COLUMNS + 3);
    bool bars;

    for (int lane = 0; lane < LANES; lane++) {
        snprintf(text[lane], PART_BYTES, "%s %" PRIu32 "/%" PRIu32, lane_titles[lane],
                 s->used[lane], s->width[lane]);
        columns += strlen(text[lane]);
    }
    bars = columns <= pen.room;
    for (int lane = 0; lane < LANES; lane++) {
        if (lane > 0)
            put(&pen, NULL, GAP);
        put(&pen, NULL, text[lane]);
        if (!bars)
            continue;
        make_bar(bar, LANE_COLUMNS, s->used[lane], s->width[lane]);
        put(&pen, NULL, " ");
        put(&pen, "36", bar);
    }
}

/* ---- the others: jobs ---- */

static void put_job(const struct standing_job *job, struct pen pen) {
    char elapsed[TEXT_FORMAT_MAX], front[PART_BYTES], behind[PART_BYTES] = "";
    unsigned used, room;
    char name[STANDING_NAME_MAX];
    size_t n;

    format_time(job->elapsed_ns, elapsed, sizeof elapsed);
    snprintf(front, sizeof front, "%8s  %s  ", elapsed, lane_titles[job->lane]);
    if (job->attempt > 1)
        snprintf(behind, sizeof behind, " (attempt %" PRIu32 ")", job->attempt);
    put(&pen, NULL, front);
    room = pen.room > strlen(behind) ? pen.room - (unsigned)strlen(behind) : 0;
    n = standing_fit(job->name, room, &used);
    if (job->name[n] && room > 2) /* cut, and so that it shows */
        n = standing_fit(job->name, room - 2, &used);
    snprintf(name, sizeof name, "%.*s%s", (int)n, job->name, job->name[n] ? ".." : "");
    put(&pen, NULL, name);
    put(&pen, "33", behind);
}

void standing_lay_out(const struct standing *s, const struct standing_screen *screen,
                      struct standing_lines *out) {
    size_t most = screen->rows / 2, room, shown;
    size_t running = s->njobs + s->more;

    out->count = 0;
    put_counts(s, new_line(out, screen));
    if (most >= 2)
        put_lanes(s, new_line(out, screen));
    room = most > out->count ? most - out->count : 0;
    /* How many more there are takes the place of a job, unless it is the only one. */
    shown = running > room && room >= 2 ? room - 1 : room;
    shown = shown < s->njobs ? shown : s->njobs;
    for (size_t i = 0; i < shown; i++)
        put_job(&s->job[i], new_line(out, screen));
    if (running > shown && room > shown) {
        struct pen pen = new_line(out, screen);
        char more[PART_BYTES];

        snprintf(more, sizeof more, "%8s  and %zu more", "", running - shown);
        put(&pen, NULL, more);
    }
}

const char *standing_sentence(const struct standing *s, char buf[STANDING_LINE_BYTES]) {
    char parts[PARTS][PART_BYTES];
    size_t n = 0;

    make_parts(s, parts);
    *parts[BAR] = '\0';
    buf[0] = '\0';
    for (int i = 0; i < PARTS; i++)
        if (*parts[i])
            n +=
                (size_t)snprintf(buf + n, STANDING_LINE_BYTES - n, "%s%s", n ? ", " : "", parts[i]);
    return buf;
}
