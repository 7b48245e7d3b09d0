/* SPDX-License-Identifier: MIT */
/* sched_story: what the tests of the scheduler share: one fake run, told as a short story. */
#ifndef MUSTER_UNIT_SCHED_STORY_H
#define MUSTER_UNIT_SCHED_STORY_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../fakes/fake_run.h"

static struct fake_run f;

static int begin_story(void **state) {
    (void)state;
    fake_init(&f);
    return 0;
}

static int end_story(void **state) {
    (void)state;
    fake_release(&f);
    return 0;
}

#define story(test) cmocka_unit_test_setup_teardown(test, begin_story, end_story)
#endif
