/* SPDX-License-Identifier: MIT */
/* results: what a JSON report, and the jobs themselves, say of a run in the current folder. */
#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "trial.h"

const char *results_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

bool results_spawn(const json_t *job) {
    return strcmp(results_text(job, "status"), "failed") == 0 &&
           strcmp(results_text(job, "reason"), "spawn") == 0;
}

size_t results_attempts(const json_t *job) {
    return json_array_size(json_object_get(job, "attempts"));
}

unsigned results_runs(const char *job) {
    char *text = trial_read("ran", NULL), *at = text, *line;
    unsigned n = 0;

    while ((line = strsep(&at, "\n")))
        n += strcmp(line, job) == 0;
    free(text);
    return n;
}
