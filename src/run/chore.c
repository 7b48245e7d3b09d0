/* SPDX-License-Identifier: MIT */
/* chore: one command beside the jobs: a cleanup, or what is run at the end. */
#include "run/chore.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "run/retry.h"

#define DELAY_FIRST_NS (10 * NS_PER_MS)
#define DELAY_MOST_NS  NS_PER_S
#define NEVER          INT64_MAX

/* The job's variables, and those of the order. NULL when out of memory. */
static struct env_var *make_env(const struct plan_job *job, const struct chore_order *order) {
    struct env_var *env;
    size_t n = 0;

    while (job->env && job->env[n].name)
        n++;
    env = calloc(n + CHORE_VARS + 1, sizeof *env);
    if (!env)
        return NULL;
    if (n > 0)
        memcpy(env, job->env, n * sizeof *env);
    for (size_t i = 0; i < CHORE_VARS && order->vars[i].name; i++)
        env[n++] = (struct env_var){order->vars[i].name, order->vars[i].value};
    return env;
}

static void hurry(struct chore *c) {
    if (!c->set.timeout_ns || c->set.timeout_ns > CHORE_MOST_NS)
        c->set.timeout_ns = CHORE_MOST_NS;
    if (c->set.kill_after_ns > CHORE_GRACE_NS)
        c->set.kill_after_ns = CHORE_GRACE_NS;
}

int chore_begin(struct chore *c, const struct chore_order *order,
                const struct sched_executor *executor, void *ctx, int64_t now) {
    chore_release(c);
    c->order = *order;
    c->env = make_env(order->job, &c->order);
    if (!c->env)
        return UV_ENOMEM;
    c->set = *order->job->set;
    c->set.type = LANE_IO; /* beside the lanes: it takes no worker */
    c->set.in = (struct stream){.kind = STREAM_NULL};
    c->set.out = (struct stream){.kind = STREAM_CAPTURE};
    c->set.err = (struct stream){.kind = STREAM_STDOUT};
    c->set.service = false;
    c->set.ok_exit = (struct exit_set){{1}};
    c->set.skip_exit = (struct exit_set){{0}};
    if (order->hurried)
        hurry(c);
    c->def = (struct plan_job){
        .name = order->job->name,
        .set = &c->set,
        .env = c->env,
        .command = order->command,
        .program = order->job->action == ACTION_COMMAND ? order->job->program : NULL,
        .action = ACTION_COMMAND,
        .items = order->job->items,
        .item = order->job->item,
    };
    c->attempt = (struct attempt){.job = order->id, .number = order->number, .def = &c->def};
    c->phase = CHORE_ASKED;
    c->since = now;
    c->due = NEVER;
    executor->start(ctx, &c->attempt);
    return 0;
}

bool chore_owns(const struct chore *c, const struct attempt *a) {
    return a->def == &c->def;
}

void chore_started(struct chore *c, int64_t now) {
    c->phase = CHORE_RUNNING;
    c->since = now;
    c->due = c->set.timeout_ns ? now + c->set.timeout_ns : NEVER;
}

bool chore_put_off(struct chore *c, int error, int64_t now) {
    if (now - c->since >= CHORE_MOST_NS) {
        struct attempt_end end = {.error = error, .stage = SPAWN_RESOURCES, .exit = -1};

        chore_ended(c, &end);
        return false;
    }
    c->delay_ns = c->delay_ns ? c->delay_ns * 2 : DELAY_FIRST_NS;
    if (c->delay_ns > DELAY_MOST_NS)
        c->delay_ns = DELAY_MOST_NS;
    c->phase = CHORE_PUT_OFF;
    c->due = now + c->delay_ns;
    return true;
}

void chore_ended(struct chore *c, struct attempt_end *end) {
    struct verdict v = retry_judge(&c->set, end);

    if (c->late)
        v = (struct verdict){STATUS_TIMEOUT, REASON_TIMEOUT};
    else if (end->error == UV_ECANCELED)
        v = (struct verdict){STATUS_CANCELLED, REASON_CANCELLED};
    c->phase = CHORE_NONE;
    c->due = NEVER;
    c->result = (struct job_result){
        .status = (uint8_t)v.status,
        .reason = (uint8_t)v.reason,
        .cause = NO_JOB,
        .worker = -1,
        .attempts = &c->row,
    };
    job_add_attempt(&c->result, &c->attempt, end, v.status, v.reason);
}

void chore_hurry(struct chore *c, int64_t now) {
    if (c->phase == CHORE_NONE)
        return;
    hurry(c);
    if (c->phase == CHORE_RUNNING && c->due > now + CHORE_MOST_NS)
        c->due = now + CHORE_MOST_NS;
}

void chore_advance(struct chore *c, const struct sched_executor *executor, void *ctx, int64_t now) {
    if (c->phase == CHORE_NONE || c->due > now)
        return;
    c->due = NEVER;
    if (c->phase == CHORE_PUT_OFF) {
        c->phase = CHORE_ASKED;
        executor->start(ctx, &c->attempt);
    } else if (c->phase == CHORE_RUNNING) {
        c->phase = CHORE_STOPPING;
        c->late = true;
        executor->stop(ctx, c->attempt.job);
    }
}

struct job_info chore_info(struct chore *c) {
    return (struct job_info){.id = c->order.id, .def = &c->def, .result = &c->result};
}

void chore_release(struct chore *c) {
    free(c->env);
    attempt_result_release(&c->row);
    *c = (struct chore){.due = NEVER};
}
