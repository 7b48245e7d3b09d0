/* SPDX-License-Identifier: MIT */
/* resume: which other runs of its manifest a run begins beside, and what it leaves out. */
#include "cli/resume.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/state.h"
#include "cli/lookup.h"
#include "store/record.h"
#include "store/settled.h"

/* A note, which is none of what went wrong. */
#define note(o, ...) ((o)->quiet ? (void)0 : cli_error(__VA_ARGS__))

/* ---- what is left out ---- */

/* No run of the manifest is there: says so. 0, or the status to end with. */
static int tell_none(const struct cli_options *o, const char *manifest) {
    if (o->resume_run) {
        cli_error("--resume: no run of %s is recorded; nothing was run", manifest);
        return CLI_USAGE;
    }
    note(o, "nothing to resume: no run of %s is recorded; all jobs run", manifest);
    return 0;
}

/* Says why a run that was named is not there. */
static int tell_unknown(struct past *past, const struct cli_options *o, const char *key,
                        const char *manifest) {
    char id[32];
    int64_t row;

    if (past_find(past, NULL, o->resume_run, &row, id) == 0)
        cli_error("--resume: run %s is none of %s (see muster history); nothing was run", id,
                  manifest);
    else if (past_find(past, key, "", &row, id) == 0)
        cli_error("--resume: no run '%s' of %s is recorded; the last one is %s; nothing was run",
                  o->resume_run, manifest, id);
    else
        return tell_none(o, manifest);
    return CLI_USAGE;
}

/* Says what a run leaves out. Whether an item is as it was is only seen when it is there. */
static void tell_left_out(const struct resume *r, const struct cli_options *o,
                          const struct plan *plan, unsigned count) {
    unsigned jobs = 0;
    size_t items = plan_has_items(plan) ? settled_items(r->set) : 0;
    char left_out[64];

    for (uint32_t i = 0; i < plan->njobs; i++)
        jobs += !job_has_items(&plan->jobs[i]);
    snprintf(left_out, sizeof left_out, "%u of %u job%s%s left out", count, jobs,
             jobs == 1 ? "" : "s", plan_has_items(plan) ? " without items" : "");
    if (count == 0 && items == 0)
        note(o, "nothing to resume: run %s has settled none of these jobs; all run", r->run);
    else if (items == 0)
        note(o, "resuming run %s: %s", r->run, left_out);
    else
        note(o, "resuming run %s: %s%s%zu item%s that it settled, unless changed", r->run,
             jobs > 0 ? left_out : "left out", jobs > 0 ? ", and " : " ", items,
             items == 1 ? "" : "s");
}

/* Looks the plan's jobs up in a run's record. 0 or UV_E…. */
static int look_up(struct resume *r, struct past *past, const struct cli_options *o,
                   const struct plan *plan, int64_t row, const char *id) {
    uint32_t count = 0;
    int error;

    r->njobs = plan->njobs;
    r->settled = malloc((size_t)plan->njobs + 1);
    r->facts = calloc((size_t)plan->njobs + 1, sizeof(struct facts *));
    if (!r->settled || !r->facts)
        return UV_ENOMEM;
    error = settled_load(past, row, id, plan, r->settled, r->facts, &count, &r->set);
    if (error)
        return error;
    snprintf(r->run, sizeof r->run, "%s", id);
    tell_left_out(r, o, plan, count);
    return 0;
}

/* Finds the run and what it has settled. 0, or the status to end with. */
static int find(struct resume *r, struct past *past, const struct cli_options *o,
                const struct plan *plan, const char *key) {
    const char *manifest = cli_manifest_name(plan->path);
    char id[32];
    int64_t row = 0;
    int error = past_find(past, key, o->resume_run ? o->resume_run : "", &row, id);

    if (error == UV_ENOENT)
        return o->resume_run ? tell_unknown(past, o, key, manifest) : tell_none(o, manifest);
    if (error == UV_EEXIST) {
        cli_error("--resume: '%s' may be more than one run of %s (see muster history); "
                  "nothing was run",
                  o->resume_run, manifest);
        return CLI_USAGE;
    }
    if (!error)
        error = look_up(r, past, o, plan, row, id);
    if (error)
        cli_error("history: %s; nothing was run",
                  error == UV_ENOMEM ? "out of memory" : past->db.why);
    return error ? CLI_BROKEN : 0;
}

static int find_in_history(struct resume *r, const struct cli_options *o, const struct plan *plan,
                           const char *key) {
    struct lookup lookup;
    int status = lookup_open(&lookup, o, "; nothing was run");

    if (!status)
        status = lookup.there ? find(r, &lookup.past, o, plan, key)
                              : tell_none(o, cli_manifest_name(plan->path));
    lookup_close(&lookup);
    return status;
}

/* ---- other runs ---- */

/* Says why a run that resumes cannot begin. The status to end with. */
static int tell_others(const struct resume *r, const struct plan *plan, const char *folder,
                       int error, pid_t other) {
    const char *manifest = cli_manifest_name(plan->path);
    char pid[32] = "";

    if (other)
        snprintf(pid, sizeof pid, " (pid %d)", (int)other);
    if (error == UV_EBUSY)
        cli_error("--resume: another run of %s goes on%s; nothing was run", manifest, pid);
    else if (error == UV_ETIMEDOUT)
        cli_error("--resume: jobs of a run of %s that was killed will not end; nothing was run",
                  manifest);
    else
        cli_tell_state_file("--resume", folder, r->presence.found ? PRESENCE_FILE : NULL, error);
    return error == UV_EBUSY || error == UV_ETIMEDOUT ? CLI_LOCKED : CLI_BROKEN;
}

/* 0, or the status to end with. Without --resume nothing hangs on it. */
static int join(struct resume *r, const struct cli_options *o, const struct plan *plan,
                const char *key) {
    char *folder = NULL;
    pid_t other = 0;
    int error, status = 0;

    if (state_path(o->state_dir, &folder) < 0)
        return 0; /* who looks for the history will say it */
    error = presence_join(&r->presence, folder, key, o->resume, &other);
    if (error && o->resume)
        status = tell_others(r, plan, folder, error, other);
    free(folder);
    return status;
}

/* The one and the other, as far as they are wanted. */
static int begin(struct resume *r, const struct cli_options *o, const struct plan *plan,
                 bool joins) {
    char *key = record_key(plan->path, plan->name);
    int status = 0;

    if (!key) {
        cli_error("out of memory; nothing was run");
        return CLI_BROKEN;
    }
    if (joins)
        status = join(r, o, plan, key);
    if (!status && o->resume)
        status = find_in_history(r, o, plan, key);
    free(key);
    if (status)
        resume_close(r);
    return status;
}

int resume_open(struct resume *r, const struct cli_options *o, const struct plan *plan) {
    *r = (struct resume){.settled = NULL};
    return o->no_history && !o->resume ? 0 : begin(r, o, plan, true);
}

int resume_look(struct resume *r, const struct cli_options *o, const struct plan *plan) {
    *r = (struct resume){.settled = NULL};
    return o->resume ? begin(r, o, plan, false) : 0;
}

void resume_close(struct resume *r) {
    presence_leave(&r->presence);
    for (uint32_t i = 0; r->facts && i < r->njobs; i++)
        free(r->facts[i]);
    free(r->facts);
    free(r->settled);
    r->facts = NULL;
    r->settled = NULL;
    r->set = settled_free(r->set);
}
