/* SPDX-License-Identifier: MIT */
/* watching: whether and where is shown how a run stands while it goes on. */
#include "cli/watching.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/state.h"
#include "base/trace.h"
#include "report/output.h"
#include "store/lengths.h"

#define FORECAST_JOBS_MAX 20000 /* of more a rate says as much, without being looked up */

static const uint32_t tick_ms[] = {
    [DISPLAY_NONE] = 0, [DISPLAY_LINES] = 1000, [DISPLAY_AREA] = 100};

/* Whether the environment says that this is a CI service. */
static bool in_ci(void) {
    const char *ci = getenv("CI");

    return ci && *ci && strcmp(ci, "false") != 0 && strcmp(ci, "0") != 0;
}

static enum display_mode choose(const struct cli_options *o, bool ci) {
    bool area = display_can_draw(STDERR_FILENO) && trace_mask == 0;

    ci = ci || in_ci();
    if (o->quiet || o->progress == PROGRESS_NEVER)
        return DISPLAY_NONE;
    if (o->progress == PROGRESS_ALWAYS)
        return area ? DISPLAY_AREA : DISPLAY_LINES;
    if (ci || isatty(STDERR_FILENO))
        return area && !ci ? DISPLAY_AREA : DISPLAY_LINES;
    return DISPLAY_NONE;
}

/* What is known of the jobs, malloc'd; NULL: nothing. */
static struct length *ask_history(const struct cli_options *o, const struct plan *plan) {
    struct length *lengths;
    char *folder;

    if (o->no_history || plan->njobs > FORECAST_JOBS_MAX || state_path(o->state_dir, &folder) < 0)
        return NULL;
    lengths = lengths_read(folder, plan);
    free(folder);
    return lengths;
}

void watching_open(struct watching *w, const struct cli_options *o, const struct plan *plan,
                   bool ci, struct output *output) {
    enum display_mode mode = choose(o, ci);
    struct length *lengths = mode == DISPLAY_NONE ? NULL : ask_history(o, plan);

    *w = (struct watching){0};
    display_init(&w->display, mode, STDERR_FILENO, cli_wants_color(o, STDERR_FILENO));
    if (mode != DISPLAY_NONE && board_init(&w->board, plan, lengths) == 0)
        w->tick_ms = tick_ms[mode];
    if (w->tick_ms > 0)
        output_set_display(output, &w->display);
    free(lengths);
}

void watching_close(struct watching *w) {
    board_release(&w->board);
    display_release(&w->display);
}
