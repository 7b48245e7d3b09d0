/* SPDX-License-Identifier: MIT */
/* test_sched_waits: what jobs wait for, as it is told with each start. */
#include <signal.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "sched_story.h"

static void wait_ms(int64_t ms) {
    fake_pass(&f, ms * NS_PER_MS);
}

static void jobs(const char *names, enum lane lane) {
    for (const char *c = names; *c; c++)
        fake_job(&f, (const char[]){*c, '\0'}, lane);
    f.explain = true;
}

/* All jobs name the one limit. */
static void under(const struct plan_limit *limit) {
    static const struct {
        struct limit_set set;
        uint32_t list[1];
    } one = {{1}, {0}};

    f.plan.limits = limit;
    f.plan.nlimits = 1;
    for (uint32_t i = 0; i < f.plan.njobs; i++)
        f.sets[i].shared = &one.set;
}

static void for_the_last_of_those_before_it(void **state) {
    (void)state;
    jobs("abc", LANE_IO);
    fake_after(&f, "c", "a");
    fake_after(&f, "c", "b");
    fake_begin(&f);
    wait_ms(300);
    fake_exit(&f, "b", 0);
    wait_ms(200);
    fake_exit(&f, "a", 0);
    fake_expect(&f,
                "start a.1@0, start b.1@1, done b ok, done a ok, waited c 1.0 500ms, start c.1@0");
}

static void for_a_slot_and_what_comes_in_between_is_counted(void **state) {
    (void)state;
    jobs("abcd", LANE_CPU);
    fake_after(&f, "d", "a");
    fake_begin(&f);
    fake_up(&f, "a");
    fake_up(&f, "b");
    wait_ms(100);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.1@0, start b.1@1, done a ok, waited c 2.1 100ms, start c.1@0");
    wait_ms(50);
    fake_exit(&f, "b", 0); /* d has waited for less, in the same line */
    fake_expect(&f, "done b ok, waited d 1.0 100ms, waited d 2.1 50ms, start d.1@1");
}

static void for_one_limit_then_another_thing(void **state) {
    static const struct plan_limit lock = {.name = "l", .concurrency = 1};

    (void)state;
    jobs("ab", LANE_CPU);
    under(&lock);
    fake_job(&f, "x", LANE_CPU);
    fake_job(&f, "y", LANE_CPU);
    fake_begin(&f);
    fake_up(&f, "a");
    fake_up(&f, "x");
    wait_ms(100);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.1@0, start x.1@1, done a ok, waited b 6.0 100ms, start b.1@0");
    wait_ms(30);
    fake_exit(&f, "x", 0);
    fake_expect(&f, "done x ok, waited y 2.1 130ms, start y.1@1");
}

static void for_a_token(void **state) {
    static const struct plan_limit rate = {.name = "l", .rate = {2, NS_PER_S}, .burst = 1};

    (void)state;
    jobs("ab", LANE_IO);
    under(&rate);
    fake_begin(&f);
    fake_up(&f, "a");
    wait_ms(499);
    fake_expect(&f, "start a.1@0");
    wait_ms(1);
    fake_expect(&f, "waited b 7.0 500ms, start b.1@1");
}

static void for_a_circuit(void **state) {
    static const struct plan_limit breaker = {
        .name = "l", .breaker = 1, .cooldown_ns = NS_PER_S, .concurrency = 1};

    (void)state;
    jobs("ab", LANE_IO);
    under(&breaker);
    fake_begin(&f);
    fake_up(&f, "a");
    wait_ms(200);
    fake_exit(&f, "a", 1);
    fake_expect(&f, "start a.1@0, done a failed (exit)");
    wait_ms(1000);
    fake_expect(&f, "waited b 6.0 200ms, waited b 8.0 1000ms, start b.1@0");
}

static void for_memory(void **state) {
    (void)state;
    jobs("ab", LANE_IO);
    f.plan.memory = 100;
    f.sets[0].memory = 60;
    f.sets[1].memory = 70;
    fake_begin(&f);
    wait_ms(10);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.1@0, done a ok, waited b 5.0 10ms, start b.1@0");
}

static void for_room_for_a_process(void **state) {
    (void)state;
    jobs("ab", LANE_IO);
    fake_begin(&f);
    fake_up(&f, "a");
    fake_put_off(&f, 1, UV_EAGAIN);
    wait_ms(5);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.1@0, start b.1@1, done a ok, waited b 4.0 5ms, start b.1@0");
}

static uint32_t one(uint32_t running, uint32_t wanted) {
    (void)running;
    (void)wanted;
    return 1;
}

static void for_what_make_grants(void **state) {
    (void)state;
    f.grant = one;
    jobs("ab", LANE_CPU);
    fake_begin(&f);
    wait_ms(7);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.1@0, done a ok, waited b 3.1 7ms, start b.1@0");
}

static void again_between_attempts(void **state) {
    (void)state;
    jobs("ab", LANE_CPU);
    f.plan.cpu_workers = 1;
    fake_set(&f, "a")->retries = 1;
    fake_begin(&f);
    fake_exit(&f, "a", 1);
    wait_ms(1500); /* of these a second is no waiting, but the delay */
    fake_exit(&f, "b", 0);
    fake_expect(&f, "start a.1@0, retry a 1000ms, start b.1@0, done b ok, "
                    "waited a 2.1 500ms, start a.2@0");
}

static void for_a_service_to_be_ready(void **state) {
    static const struct ready_sign sign = {.kind = READY_TARGET};

    (void)state;
    jobs("sa", LANE_IO);
    fake_set(&f, "s")->service = true;
    fake_set(&f, "s")->ready = &sign;
    fake_after(&f, "a", "s");
    fake_begin(&f);
    fake_up(&f, "s");
    wait_ms(40);
    fake_ready(&f, "s");
    fake_expect(&f, "start s.1@0, ready s 40ms, waited a 1.0 40ms, start a.1@1");
}

static void nobody_is_told_who_does_not_ask(void **state) {
    (void)state;
    jobs("abc", LANE_CPU);
    f.explain = false;
    fake_begin(&f);
    wait_ms(100);
    fake_exit(&f, "a", 0);
    fake_expect(&f, "start a.1@0, start b.1@1, done a ok, start c.1@0");
}

static void what_never_starts_leaves_nothing(void **state) {
    (void)state;
    jobs("abc", LANE_CPU);
    fake_begin(&f);
    sched_interrupt(f.sched, f.now);
    fake_die(&f, "a", SIGTERM);
    fake_die(&f, "b", SIGTERM);
    assert_true(sched_done(f.sched));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        story(for_the_last_of_those_before_it),
        story(for_a_slot_and_what_comes_in_between_is_counted),
        story(for_one_limit_then_another_thing),
        story(for_a_token),
        story(for_a_circuit),
        story(for_memory),
        story(for_room_for_a_process),
        story(for_what_make_grants),
        story(again_between_attempts),
        story(for_a_service_to_be_ready),
        story(nobody_is_told_who_does_not_ask),
        story(what_never_starts_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
