/* SPDX-License-Identifier: MIT */
/* fuzz_manifest: any bytes as a manifest, and what is said of them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/text.h"
#include "fuzz.h"
#include "plan/plan.h"

/* A plan that passed has no holes, and its order is one in which jobs can start. */
static void check_plan(const struct plan *plan) {
    bool *seen = calloc(plan->njobs, sizeof *seen);

    demand(seen && plan->njobs > 0 && plan->io_limit > 0 && plan->cpu_workers > 0);
    for (uint32_t i = 0; i < plan->njobs; i++) {
        const struct plan_job *job = &plan->jobs[i];
        demand(text_name_valid(job->name, strlen(job->name)));
        for (uint32_t k = 0; k < i; k++)
            demand(strcmp(plan->jobs[k].name, job->name));
        demand(job->action == ACTION_EXEC ? job->argv && job->argv[0] && *job->argv[0]
                                          : job->command && *job->command);
        demand((job->action == ACTION_WAIT) == (job->target != NULL));
        demand(job_has_process(job) ||
               job->set->type == (job->action == ACTION_TASK ? LANE_CPU : LANE_IO));
        demand(job->action != ACTION_TASK ||
               (job->set->by && job->set->by->command && job->set->by->count > 0));
        const struct job_settings *set = job->set;
        demand(set->dir[0] == '/' && set->folder[0] == '/' && set->shell && set->shell[0]);
        demand(set->timeout_ns >= 0 && set->kill_after_ns >= 0 && set->retry_delay_ns >= 0);
        demand(set->cpus >= 1 && set->cpus <= plan->cpu_workers);
    }
    for (uint32_t i = 0; i < plan->njobs; i++) {
        uint32_t index = plan->order[i];
        demand(index < plan->njobs && !seen[index]);
        const struct plan_job *job = &plan->jobs[index];
        for (uint32_t k = 0; k < job->nafter; k++)
            demand(job->after[k] < plan->njobs && seen[job->after[k]]);
        seen[index] = true;
    }
    free(seen);
}

/* What is said is text that no terminal takes for anything else. */
static void check_diag(const struct diag *diag) {
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    demand(f);
    diag_render(diag, "fuzz.ini", f, 0);
    fclose(f);
    demand(is_utf8(text, n));
    for (size_t i = 0; i < n; i++)
        demand((unsigned char)text[i] >= 0x20 ? text[i] != 0x7f : text[i] == '\n');
    demand(!n == !(diag->errors + diag->warnings));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const struct plan_opts opts = {.path = "fuzz.ini", .cpus = 4};
    const char *bytes = n ? (const char *)data : "";
    struct plan *plan = NULL;
    struct diag *diag = NULL;
    int err = plan_load_bytes(&opts, bytes, n, &plan, &diag);

    demand(plan && diag && (err == 0 || err == UV_EINVAL));
    demand((err == 0) == (diag->errors == 0));
    check_diag(diag);
    if (!err)
        check_plan(plan);
    plan_free(plan);
    return 0;
}
