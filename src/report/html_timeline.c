/* SPDX-License-Identifier: MIT */
/*
 * html_timeline: when each attempt ran, drawn as SVG. With few jobs a line for each,
 * with its waits; with many a line for each slot of a lane, and of the attempts
 * those that failed or took longest.
 */
#include "report/html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/text.h"
#include "report/escape.h"
#include "report/rows.h"

#define JOB_LINES_MAX 200
#define DRAWN_MAX     4000 /* attempts, where lines are slots */
#define SLOTS_MAX     256
#define LINE_PX       18 /* a line of a job; the style knows it */
#define DENSE_PX      6  /* of a slot */
#define AXIS_PX       18 /* room above for the times */
#define TICKS_MAX     10

/* An attempt that is to be drawn where lines are slots. */
struct drawn {
    int64_t weight; /* how much it matters */
    uint32_t row, attempt;
};

struct timeline {
    const struct report_input *in;
    FILE *out;
    int64_t start_ns, span_ns;
    uint32_t started[LANES]; /* jobs that ever were */
    uint32_t slots[LANES];   /* one more than the highest that was held */
    bool dense;              /* lines are slots */
};

/* A place in time as a share of the whole, in percent. */
static double place(const struct timeline *t, int64_t ns) {
    double at = (double)(ns - t->start_ns) * 100 / (double)t->span_ns;

    return at < 0 ? 0 : at > 100 ? 100 : at;
}

/* 0 or UV_E…. */
static int survey(struct timeline *t) {
    struct report_row row;
    struct rows rows;
    int64_t end_ns = t->start_ns + t->in->run->wall_ns;

    for (rows_begin(&rows, t->in); rows_next(&rows, &row);) {
        if (!row.last)
            continue;
        t->started[row.lane]++;
        for (uint32_t i = 0; i < row.result->nattempts; i++) {
            const struct attempt_result *a = &row.result->attempts[i];

            if (a->slot >= t->slots[row.lane])
                t->slots[row.lane] = a->slot + 1;
            if (a->start_ns + a->wall_ns > end_ns)
                end_ns = a->start_ns + a->wall_ns;
        }
    }
    t->span_ns = end_ns > t->start_ns ? end_ns - t->start_ns : 1;
    t->dense = t->started[LANE_IO] + t->started[LANE_CPU] > JOB_LINES_MAX;
    return rows_error(&rows);
}

/* 1, 2 or 5 times a power of ten: the least that gives at most TICKS_MAX ticks. */
static int64_t tick_ns(const struct timeline *t) {
    int64_t step = 1000, factors[] = {2, 5, 10};

    for (;; step *= 10)
        for (size_t i = 0; i < 3; i++) {
            int64_t at_least = i ? step * factors[i - 1] : step;

            if (t->span_ns / at_least < TICKS_MAX)
                return at_least;
        }
}

static void write_axis(struct timeline *t, unsigned height) {
    int64_t step = tick_ns(t);

    for (int64_t at = 0; at <= t->span_ns; at += step) {
        double x = place(t, t->start_ns + at);
        char words[TEXT_FORMAT_MAX];

        text_format_duration(at, words, sizeof words);
        fprintf(t->out,
                "<line class=\"tick\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"0\" y2=\"%u\"/>"
                "<text x=\"%.3f%%\" dx=\"3\" y=\"12\">%s</text>\n",
                x, x, height, x, at ? words : "0");
    }
}

/* A bar, leading to the job's row in the table. */
static void write_bar(struct timeline *t, const struct report_row *row, uint32_t attempt,
                      unsigned y, unsigned height) {
    const struct attempt_result *a = &row->result->attempts[attempt];
    double from = place(t, a->start_ns), to = place(t, a->start_ns + a->wall_ns);
    char wall[TEXT_FORMAT_MAX], at[TEXT_FORMAT_MAX], reason[ROW_REASON_MAX];

    fprintf(t->out,
            "<a href=\"#j%" PRIu32 "\"><rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" "
            "y=\"%u\" height=\"%u\"><title>",
            row->index, status_words[a->status] ? status_words[a->status] : "cancelled", from,
            to - from > 0.1 ? to - from : 0.1, y, height);
    escape_text(t->out, ESCAPE_HTML, row->name);
    if (row->result->nattempts > 1)
        fprintf(t->out, ", attempt %" PRIu32, attempt + 1);
    fprintf(t->out, ": ");
    escape_text(t->out, ESCAPE_HTML,
                a->status == STATUS_OK ? "ok" : attempt_reason(a, reason, sizeof reason));
    fprintf(t->out, ", %s from %s</title></rect></a>\n",
            text_format_wall(a->wall_ns, wall, sizeof wall),
            text_format_wall(a->start_ns - t->start_ns, at, sizeof at));
}

/* A job's line: its wait, its attempts, the delays between them. */
static void write_job(struct timeline *t, const struct report_row *row, unsigned y) {
    const struct job_result *r = row->result;
    double start = place(t, r->attempts[0].start_ns);
    double ready = place(t, r->attempts[0].start_ns - r->wait_ns);

    if (start > ready)
        fprintf(t->out,
                "<rect class=\"wait\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%u\" height=\"4\">"
                "<title>waiting for a slot</title></rect>\n",
                ready, start - ready, y + 7);
    for (uint32_t i = 0; i < r->nattempts; i++) {
        const struct attempt_result *a = &r->attempts[i];

        if (i > 0)
            fprintf(t->out,
                    "<line class=\"delay\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%u\" y2=\"%u\"/>\n",
                    place(t, a[-1].start_ns + a[-1].wall_ns), place(t, a->start_ns), y + 9, y + 9);
        write_bar(t, row, i, y + 3, LINE_PX - 6);
    }
}

static void write_jobs(struct timeline *t, enum lane lane) {
    unsigned y = AXIS_PX;
    struct report_row row;
    struct rows rows;

    for (rows_begin(&rows, t->in); rows_next(&rows, &row);)
        if (row.last && row.lane == lane) {
            write_job(t, &row, y);
            y += LINE_PX;
        }
}

static void write_names(struct timeline *t, enum lane lane) {
    struct report_row row;
    struct rows rows;

    for (rows_begin(&rows, t->in); !t->dense && rows_next(&rows, &row);)
        if (row.last && row.lane == lane) {
            fprintf(t->out, "<li>");
            escape_text(t->out, ESCAPE_HTML, row.name);
            fprintf(t->out, "</li>\n");
        }
}

/* Restores the heap below `at`: the least weight is at the top. */
static void sift_down(struct drawn *heap, size_t n, size_t at) {
    for (;;) {
        size_t least = at, child = 2 * at + 1;
        struct drawn swap = heap[at];

        for (size_t end = child + 2; child < end && child < n; child++)
            if (heap[child].weight < heap[least].weight)
                least = child;
        if (least == at)
            return;
        heap[at] = heap[least];
        heap[least] = swap;
        at = least;
    }
}

/* Keeps the DRAWN_MAX that matter most. *n is how many there are. */
static void choose(struct drawn *heap, size_t *n, struct drawn next) {
    if (*n < DRAWN_MAX) {
        heap[(*n)++] = next;
        for (size_t i = *n == DRAWN_MAX ? DRAWN_MAX / 2 : 0; i-- > 0;)
            sift_down(heap, *n, i);
    } else if (next.weight > heap[0].weight) {
        heap[0] = next;
        sift_down(heap, *n, 0);
    }
}

static int in_order(const void *a, const void *b) {
    const struct drawn *x = a, *y = b;

    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return x->attempt < y->attempt ? -1 : x->attempt > y->attempt;
}

/* A lane's slots: a first walk chooses what is drawn, a second one draws it. 0 or UV_ENOMEM. */
static int write_slots(struct timeline *t, enum lane lane) {
    struct drawn *heap = calloc(DRAWN_MAX, sizeof *heap);
    struct report_row row;
    struct rows rows;
    size_t n = 0, next = 0;

    if (!heap)
        return UV_ENOMEM;
    for (rows_begin(&rows, t->in); rows_next(&rows, &row);)
        for (uint32_t i = 0; row.lane == lane && i < row.result->nattempts; i++) {
            const struct attempt_result *a = &row.result->attempts[i];

            if (a->slot < SLOTS_MAX)
                choose(
                    heap, &n,
                    (struct drawn){a->status == STATUS_OK ? a->wall_ns : INT64_MAX, row.index, i});
        }
    qsort(heap, n, sizeof *heap, in_order);
    for (rows_begin(&rows, t->in); next < n && rows_next(&rows, &row);)
        for (; next < n && heap[next].row == row.index; next++)
            write_bar(t, &row, heap[next].attempt,
                      AXIS_PX + DENSE_PX * row.result->attempts[heap[next].attempt].slot,
                      DENSE_PX - 1);
    free(heap);
    return 0;
}

static int write_lane(struct timeline *t, enum lane lane) {
    static const char *const titles[LANES] = {[LANE_IO] = "I/O lane", [LANE_CPU] = "CPU lane"};
    uint32_t slots = t->slots[lane] < SLOTS_MAX ? t->slots[lane] : SLOTS_MAX;
    unsigned height = AXIS_PX + (t->dense ? slots * DENSE_PX : t->started[lane] * LINE_PX);
    int error = 0;

    fprintf(t->out,
            "<h3>%s: %" PRIu32 " jobs, at most %" PRIu32 " at once</h3>\n"
            "<div class=\"lane%s\"><ol>\n",
            titles[lane], t->started[lane], t->slots[lane], t->dense ? " dense" : "");
    write_names(t, lane);
    fprintf(t->out, "</ol><svg height=\"%u\" role=\"img\" aria-label=\"%s\">\n", height,
            titles[lane]);
    write_axis(t, height);
    if (t->dense)
        error = write_slots(t, lane);
    else
        write_jobs(t, lane);
    fprintf(t->out, "</svg></div>\n");
    return error;
}

static void write_legend(struct timeline *t) {
    static const struct {
        const char *class, *words;
    } rows[] = {{"ok", "ok"},
                {"failed", "failed"},
                {"timeout", "timed out"},
                {"cancelled", "cancelled"},
                {"wait", "waiting for a slot"}};

    fprintf(t->out, "<p class=\"legend\">");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(
            t->out,
            "<span><svg><rect class=\"%s\" width=\"24\" y=\"%d\" height=\"%d\"/></svg> %s</span>",
            rows[i].class, i == 4 ? 4 : 1, i == 4 ? 4 : 10, rows[i].words);
    fprintf(t->out, "<span><svg><line class=\"delay\" x2=\"24\" y1=\"6\" y2=\"6\"/></svg> "
                    "before a retry</span></p>\n");
    if (t->dense)
        fprintf(t->out, "<p>A line is a slot of the lane; where there are too many attempts, "
                        "those that failed or took longest are drawn.</p>\n");
}

static void write_patterns(struct timeline *t) {
    static const char *const kinds[][2] = {{"failed", "hf"}, {"timeout", "ht"}};

    fprintf(t->out, "<svg width=\"0\" height=\"0\" style=\"position:absolute\"><defs>\n");
    for (size_t i = 0; i < 2; i++)
        fprintf(t->out,
                "<pattern id=\"hatch-%s\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
                "patternTransform=\"rotate(%d)\"><rect class=\"%s\" width=\"6\" height=\"6\"/>"
                "<line class=\"hl\" x1=\"0\" x2=\"0\" y1=\"0\" y2=\"6\"/></pattern>\n",
                kinds[i][0], i ? -45 : 45, kinds[i][1]);
    fprintf(t->out, "</defs></svg>\n");
}

int html_timeline(const struct report_input *in, FILE *out) {
    struct timeline t = {.in = in, .out = out, .start_ns = in->run->start_ns};
    int error = survey(&t);

    if (error || t.started[LANE_IO] + t.started[LANE_CPU] == 0)
        return error;
    fprintf(out, "<section><h2>Timeline</h2>\n");
    write_patterns(&t);
    write_legend(&t);
    for (int lane = 0; lane < LANES && !error; lane++)
        if (t.started[lane])
            error = write_lane(&t, (enum lane)lane);
    fprintf(out, "</section>\n");
    return error;
}
