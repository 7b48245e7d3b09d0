/* SPDX-License-Identifier: MIT */
/* check: the verb that only looks at manifests. */
#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>

/* How one manifest is. */
struct verdict {
    const char *name;
    uint32_t jobs;
    unsigned errors, warnings;
};

static int write_verdict(void *ctx, enum report_format format, bool to_file, FILE *out) {
    const struct verdict *v = ctx;

    (void)format;
    (void)to_file;
    if (v->errors)
        fprintf(out, "%s: %u error%s\n", v->name, v->errors, v->errors == 1 ? "" : "s");
    else if (v->warnings)
        fprintf(out, "%s: %" PRIu32 " job%s, ok, %u warning%s\n", v->name, v->jobs,
                v->jobs == 1 ? "" : "s", v->warnings, v->warnings == 1 ? "" : "s");
    else
        fprintf(out, "%s: %" PRIu32 " job%s, ok\n", v->name, v->jobs, v->jobs == 1 ? "" : "s");
    return 0;
}

int cli_check(const struct cli_options *o) {
    const struct report_spec to_stdout = {.file = NULL};
    int worst = CLI_OK, stdins = 0;

    for (size_t i = 0; o->manifests[i]; i++)
        stdins += strcmp(o->manifests[i], "-") == 0;
    if (stdins > 1) {
        cli_error("standard input ('-') can be named only once");
        return CLI_USAGE;
    }
    for (size_t i = 0; o->manifests[i]; i++) {
        const char *path = o->manifests[i];
        struct verdict v = {.name = cli_manifest_name(path)};
        struct plan *plan = NULL;
        int status = cli_load(o, path, &plan, &v.errors, &v.warnings);

        if (plan)
            v.jobs = plan->njobs;
        plan_free(plan);
        if (o->verbose && status != CLI_BROKEN && cli_deliver(&to_stdout, write_verdict, &v) != 0)
            status = status ? status : CLI_BROKEN;
        if (status && worst != CLI_USAGE) /* 2 comes before 3 */
            worst = status;
    }
    return worst;
}
