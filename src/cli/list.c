/* SPDX-License-Identifier: MIT */
/* list: the verb that prints the jobs' names. */
#include "cli/cli.h"

static int write_names(void *ctx, enum report_format format, bool to_file, FILE *out) {
    const struct plan *plan = ctx;

    (void)format;
    (void)to_file;
    for (uint32_t i = 0; i < plan->njobs; i++)
        fprintf(out, "%s\n", plan->jobs[i].name);
    return 0;
}

int cli_list(const struct cli_options *o) {
    struct plan *plan;
    int status = cli_load(o, o->manifests[0], &plan, NULL, NULL);

    if (status)
        return status;
    status = cli_deliver(&(struct report_spec){.file = NULL}, write_names, plan);
    plan_free(plan);
    return status;
}
