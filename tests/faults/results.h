/* SPDX-License-Identifier: MIT */
/* results: what a JSON report, and the jobs themselves, say of a run in the current folder. */
#ifndef MUSTER_FAULTS_RESULTS_H
#define MUSTER_FAULTS_RESULTS_H
#include <jansson.h>
#include <stdbool.h>

/* A text of an object; "" where it is null or missing. */
const char *results_text(const json_t *object, const char *key);
/* Whether it failed since it could not be started. */
bool results_spawn(const json_t *job);
/* How many attempts at it the report has. */
size_t results_attempts(const json_t *job);
/* How often a job ran: it adds a line with its name to the file "ran". */
unsigned results_runs(const char *job);
#endif
