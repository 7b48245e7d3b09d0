/* SPDX-License-Identifier: MIT */
/* fake_results: a run that has ended in every way that reports show. */
#ifndef MUSTER_TESTS_FAKE_RESULTS_H
#define MUSTER_TESTS_FAKE_RESULTS_H
#include <errno.h>

#include "base/clock.h"
#include "exec/attempt.h"
#include "run/result.h"

enum {
    FAKE_OK,
    FAKE_FLAKY,
    FAKE_FAILED,
    FAKE_SIGNAL,
    FAKE_TIMEOUT,
    FAKE_SPAWN,
    FAKE_ALLOWED,
    FAKE_BECAUSE,
    FAKE_CHOICE,
    FAKE_CANCELLED,
    FAKE_JOBS,
};

#define FAKE_START_NS (1000 * NS_PER_S)
#define FAKE_TRIED(...)                                                                            \
    .attempts = (struct attempt_result[]){__VA_ARGS__},                                            \
    .nattempts = sizeof((struct attempt_result[]){__VA_ARGS__}) / sizeof(struct attempt_result)
#define FAKE_TIMES(start_ms, wall_ms, user_ms)                                                     \
    .start_ns = FAKE_START_NS + (start_ms)*NS_PER_MS, .wall_ns = (wall_ms)*NS_PER_MS,              \
    .user_us = (user_ms)*1000, .sys_us = 1500, .max_rss = 3 << 20

#define FAKE_SET(...)                                                                              \
    .set = &(const struct job_settings) {                                                          \
        .cpus = 1, __VA_ARGS__                                                                     \
    }

static struct plan_job fake_jobs[FAKE_JOBS] = {
    [FAKE_OK] = {.name = "compile", FAKE_SET(.type = LANE_CPU)},
    [FAKE_FLAKY] = {.name = "fetch", FAKE_SET(.type = LANE_IO, .retries = 2)},
    [FAKE_FAILED] = {.name = "lint", FAKE_SET(.type = LANE_CPU)},
    [FAKE_SIGNAL] = {.name = "crash", FAKE_SET(.type = LANE_IO)},
    [FAKE_TIMEOUT] = {.name = "slow",
                      FAKE_SET(.timeout_ns = NS_PER_S, .kill_after_ns = 2 * NS_PER_S)},
    [FAKE_SPAWN] = {.name = "missing", .action = ACTION_EXEC, FAKE_SET(.type = LANE_IO)},
    [FAKE_ALLOWED] = {.name = "optional", FAKE_SET(.allow_failure = true)},
    [FAKE_BECAUSE] = {.name = "package", FAKE_SET(.type = LANE_CPU)},
    [FAKE_CHOICE] = {.name = "nothing-to-do", FAKE_SET(.type = LANE_IO)},
    [FAKE_CANCELLED] = {.name = "never", FAKE_SET(.type = LANE_CPU)},
};

static struct plan fake_plan = {
    .path = "nightly.ini",
    .name = "nightly",
    .io_limit = 64,
    .cpu_workers = 2,
    .jobs = fake_jobs,
    .njobs = FAKE_JOBS,
};

static struct job_result fake_rows[FAKE_JOBS] = {
    [FAKE_OK] = {.status = STATUS_OK,
                 .cause = NO_JOB,
                 .lane = LANE_CPU,
                 .worker = 1,
                 .wait_ns = 250 * NS_PER_MS,
                 FAKE_TRIED({FAKE_TIMES(250, 1100, 1000), .status = STATUS_OK, .out_bytes = 3})},
    [FAKE_FLAKY] = {.status = STATUS_OK,
                    .flaky = true,
                    .cause = NO_JOB,
                    .worker = -1,
                    .leftover = 2,
                    FAKE_TRIED({FAKE_TIMES(0, 500, 0), .exit = 75, .status = STATUS_FAILED,
                                .reason = REASON_EXIT},
                               {FAKE_TIMES(1500, 500, 0), .status = STATUS_OK})},
    [FAKE_FAILED] = {.status = STATUS_FAILED,
                     .reason = REASON_EXIT,
                     .cause = NO_JOB,
                     .lane = LANE_CPU,
                     .worker = 0,
                     FAKE_TRIED({FAKE_TIMES(0, 20, 10), .exit = 3, .status = STATUS_FAILED,
                                 .reason = REASON_EXIT})},
    [FAKE_SIGNAL] = {.status = STATUS_FAILED,
                     .reason = REASON_SIGNAL,
                     .cause = NO_JOB,
                     .worker = -1,
                     FAKE_TRIED({FAKE_TIMES(0, 20, 10), .exit = -1, .signal = 11,
                                 .status = STATUS_FAILED, .reason = REASON_SIGNAL})},
    [FAKE_TIMEOUT] = {.status = STATUS_TIMEOUT,
                      .reason = REASON_TIMEOUT,
                      .cause = NO_JOB,
                      .worker = -1,
                      FAKE_TRIED({FAKE_TIMES(0, 3000, 0), .exit = -1, .signal = 9, .killed = true,
                                  .status = STATUS_TIMEOUT, .reason = REASON_TIMEOUT})},
    [FAKE_SPAWN] = {.status = STATUS_FAILED,
                    .reason = REASON_SPAWN,
                    .cause = NO_JOB,
                    .worker = -1,
                    FAKE_TRIED({.start_ns = FAKE_START_NS,
                                .exit = -1,
                                .status = STATUS_FAILED,
                                .reason = REASON_SPAWN,
                                .stage = SPAWN_DIR,
                                .error = -ENOENT,
                                .detail = (char[]){"/no\x1b[31m/\xe2\x80\xae"
                                                   "folder"}})},
    [FAKE_ALLOWED] = {.status = STATUS_FAILED,
                      .allowed = true,
                      .reason = REASON_EXIT,
                      .cause = NO_JOB,
                      .worker = -1,
                      FAKE_TRIED({FAKE_TIMES(0, 20, 10), .exit = 1, .status = STATUS_FAILED,
                                  .reason = REASON_EXIT})},
    [FAKE_BECAUSE] = {.status = STATUS_SKIPPED,
                      .reason = REASON_DEPENDENCY,
                      .cause = FAKE_FAILED,
                      .worker = -1},
    [FAKE_CHOICE] = {.status = STATUS_SKIPPED,
                     .cause = NO_JOB,
                     .worker = -1,
                     FAKE_TRIED({FAKE_TIMES(0, 20, 10), .exit = 77, .status = STATUS_SKIPPED})},
    [FAKE_CANCELLED] = {.status = STATUS_CANCELLED,
                        .reason = REASON_CANCELLED,
                        .cause = NO_JOB,
                        .worker = -1},
};

static const struct run_result fake_run = {
    .plan = &fake_plan,
    .id = "20261121T030405-abcdef",
    .started = {.tv_sec = 1795230245, .tv_nsec = 7000000}, /* 2026-11-21T03:04:05.007Z */
    .ended = {.tv_sec = 1795230248, .tv_nsec = 217999999},
    .start_ns = FAKE_START_NS,
    .host = "localhost",
    .cpus = 2,
    .wall_ns = 3210 * NS_PER_MS,
    .exit = 143,
    .interrupted_by = 15,
    .loop_lag_ns = 2345678,
    .jobs = fake_rows,
};
#endif
