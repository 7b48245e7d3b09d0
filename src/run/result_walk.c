/* SPDX-License-Identifier: MIT */
/* result: goes over all jobs of a run, items too (declared in result.h). */
#include <uv.h>

#include "run/ledger.h"
#include "run/result.h"

void result_begin(struct result_walk *w, const struct run_result *run) {
    *w = (struct result_walk){.run = run};
    if (!run->items.ledger)
        return;
    w->error = ledger_sort(run->items.ledger);
    w->reader = ledger_reader_take(run->items.ledger);
    if (!w->reader)
        w->error = UV_ENOMEM;
}

/* The row of an item as a job: its section's definition under its own name. */
static const struct job_info *next_item(struct result_walk *w) {
    const struct ledger_row *row = ledger_read(w->reader, w->row, &w->error);

    if (!row)
        return NULL;
    w->row++;
    w->def = w->run->plan->jobs[row->section];
    w->item = (struct plan_item){.index = row->index, .text = row->item};
    w->def.item = &w->item;
    w->def.name = row->name;
    w->result = row->result;
    w->job = (struct job_info){
        .id = row->section, .section = row->section, .def = &w->def, .result = &w->result};
    return &w->job;
}

const struct job_info *result_next(struct result_walk *w) {
    const struct run_result *run = w->run;

    while (!w->error && w->next < run->plan->njobs) {
        uint32_t job = w->next;

        if (w->reader && ledger_section(run->items.ledger, w->row) == job)
            return next_item(w);
        w->next++;
        if (!result_has_row(run, job))
            continue;
        w->job = (struct job_info){
            .id = job,
            .section = job,
            .def = &run->plan->jobs[job],
            .result = &run->jobs[job],
        };
        return &w->job;
    }
    if (w->reader)
        ledger_reader_give(w->reader);
    w->reader = NULL;
    return NULL;
}
