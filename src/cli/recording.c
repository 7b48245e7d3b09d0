/* SPDX-License-Identifier: MIT */
/* recording: the history of the run under way, as the command line wants it. */
#include "cli/recording.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/state.h"
#include "cli/progress.h"
#include "cli/resume.h"
#include "store/store.h"

/* The database, its log, their shared memory, and the file of ends. */
#define FDS_NEEDED 4

void recording_open(struct recording *r, const struct cli_options *o, const struct resume *resume,
                    struct progress *progress) {
    struct store_opts opts = {.keep = o->keep ? o->keep : STORE_KEEP_DEFAULT,
                              .settled = resume->settled,
                              .resumes = *resume->run ? resume->run : NULL};
    char *folder;
    int error;

    *r = (struct recording){.progress = progress};
    if (o->no_history)
        return;
    error = state_path(o->state_dir, &folder);
    opts.folder = folder;
    if (!error)
        r->store = store_new(&opts);
    free(folder);
    progress->store = r->store;
    if (!r->store)
        cli_error("history: %s; this run is not recorded",
                  cli_state_trouble(error ? error : UV_ENOMEM));
}

static void on_begin(void *ctx, const struct run_result *run, bool roomy, void (*wake)(void *arg),
                     void *arg) {
    store_begin(((struct recording *)ctx)->store, run, roomy, wake, arg);
}

static bool on_ready(void *ctx) {
    struct recording *r = ctx;
    char *trouble = store_trouble(r->store);

    if (trouble)
        progress_events.say(r->progress, trouble);
    free(trouble);
    if (!store_ready(r->store))
        return false;
    output_hold(r->progress->output, false);
    return true;
}

static bool on_behind(void *ctx) {
    return store_behind(((struct recording *)ctx)->store);
}

static void on_rest(void *ctx) {
    store_rest(((struct recording *)ctx)->store);
}

const struct session_recorder recording_recorder = {
    .begin = on_begin, .ready = on_ready, .behind = on_behind, .rest = on_rest, .fds = FDS_NEEDED};

static void tell_trouble(struct recording *r) {
    char *trouble = store_trouble(r->store);

    if (trouble)
        cli_error("%s", trouble);
    free(trouble);
}

void recording_catch_up(struct recording *r) {
    if (r->store)
        store_wait(r->store);
}

void recording_finish(struct recording *r, struct run_result *run) {
    run->exit = run_exit_status(run);
    if (!r->store)
        return;
    store_finish(r->store, run);
    tell_trouble(r);
    if (store_lost(r->store)) {
        run->undelivered = true;
        run->exit = run_exit_status(run);
    }
}

void recording_close(struct recording *r, int exit) {
    if (!r->store)
        return;
    store_close(r->store, exit);
    tell_trouble(r);
    r->store = store_free(r->store);
}
