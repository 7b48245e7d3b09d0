/* SPDX-License-Identifier: MIT */
/* entry: a job's end on its way into the record, from the main thread to the store's. */
#include "store/entry.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "exec/capture.h"
#include "exec/facts.h"
#include "run/ledger.h"
#include "store/record.h"

#define STREAM_MAX (UINT64_C(1) << 30)

/* Of an item, whose result and definition go when the scheduler has told of them. */
struct entry_copy {
    struct ledger_row *row;
    struct plan_job def;
    struct plan_item item;
};

/* Makes an item's result and definition the entry's own. False when out of memory. */
static bool keep_copy(struct entry *e, const struct job_info *job, const struct job_settings *set) {
    struct entry_copy *c = e->copy = calloc(1, sizeof *c);

    if (!c)
        return false;
    c->row = ledger_row_make(job, NULL);
    if (!c->row)
        return false;
    ledger_row_link(c->row);
    e->bytes = c->row->size;
    c->item = (struct plan_item){.index = job->def->item->index, .text = c->row->item};
    c->def = (struct plan_job){
        .name = c->row->name, .set = set, .items = job->def->items, .item = &c->item};
    e->info.def = &c->def;
    e->info.result = &c->row->result;
    return true;
}

struct entry *entry_new(const struct run_result *run, const struct job_info *job,
                        const char *words) {
    const struct plan *plan = run->plan;
    size_t n = words ? strlen(words) : 0;
    const char *cause = NULL;
    struct entry *e;

    if (job->result->cause != NO_JOB && job->result->cause >= plan->njobs)
        cause = run_cause(run, job->result->cause).name;
    e = malloc(sizeof *e + n + 1 + (cause ? strlen(cause) + 1 : 0));
    if (!e)
        return NULL;
    *e = (struct entry){.info = *job, .seq = job->section};
    memcpy(e->words, n ? words : "", n + 1);
    if (cause)
        e->cause = memcpy(e->words + n + 1, cause, strlen(cause) + 1);
    if (job->def->item && !keep_copy(e, job, plan->jobs[job->section].set))
        return entry_free(e);
    return e;
}

struct entry *entry_free(struct entry *e) {
    if (!e)
        return NULL;
    capture_free(e->out);
    capture_free(e->err);
    if (e->copy)
        free(e->copy->row);
    free(e->copy);
    free(e);
    return NULL;
}

/*
 * A stream longer than all outputs may be is not kept whole: only its end is, as
 * reports show it. A short read, of what was written just now.
 */
static struct capture *share_or_cut(struct capture *c, struct entry *e) {
    uint64_t size = c ? capture_size(c) : 0;
    struct capture *end;
    size_t n, room;
    char *to;
    long got = 0;

    if (size <= STREAM_MAX)
        return capture_share(c);
    e->lost = UV_EFBIG;
    end = capture_new();
    for (n = 0; end && got >= 0 && n < RECORD_INLINE_MAX; n += (size_t)got) {
        to = capture_room(end, &room);
        if (!to)
            break;
        room = room < RECORD_INLINE_MAX - n ? room : RECORD_INLINE_MAX - n;
        got = capture_read(c, size - RECORD_INLINE_MAX + n, to, room);
        if (got > 0)
            capture_added(end, (size_t)got);
    }
    return end;
}

/* What a capture holds while it waits. */
static void weigh(struct entry *e, const struct capture *c) {
    uint64_t size = c ? capture_size(c) : 0;

    e->output_bytes += size < CAPTURE_MEMORY_MAX ? (size_t)size : CAPTURE_MEMORY_MAX;
    e->files += size > CAPTURE_MEMORY_MAX;
}

void entry_share(struct entry *e, struct capture *out, struct capture *err) {
    e->out = share_or_cut(out, e);
    e->err = share_or_cut(err, e);
    weigh(e, e->out);
    weigh(e, e->err);
    e->bytes += e->output_bytes;
}

void entry_lose(struct entry *e, int error) {
    e->out = capture_free(e->out);
    e->err = capture_free(e->err);
    e->bytes -= e->output_bytes;
    e->output_bytes = e->files = 0;
    e->lost = error;
}

void entry_note(const struct entry *e, struct ends *ends) {
    const struct job_result *result = e->info.result;
    const struct end end = {.job = e->seq,
                            .status = (enum status)result->status,
                            /* what it told is only in its row */
                            .settled = result->facts && result->facts->count
                                           ? SETTLED_NO
                                           : (enum settled)result->settled,
                            .definition = e->definition};

    if (e->copy)
        ends_add_item(ends, &end);
    else if (end.status != STATUS_RESUMED) /* those have been from the first */
        ends_add(ends, &end);
}
