/* SPDX-License-Identifier: MIT */
/* test_job: every cell of the table of states and events. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/job.h"

enum { W = JOB_WAITING, R = JOB_READY, S = JOB_STARTING, U = JOB_RUNNING };
enum { P = JOB_STOPPING, B = JOB_BACKOFF, D = JOB_DONE, o = -1 };

/* clang-format off */
static const int expected[JOB_STATES][JOB_EVENTS] = {
    /*        deps skip slot up  off  end retry late due cancel items */
    [W] =   { R,   D,   o,   o,  o,   o,  o,    o,   o,  D,      D },
    [R] =   { o,   D,   S,   o,  o,   o,  o,    o,   o,  D,      o },
    [S] =   { o,   o,   o,   U,  R,   D,  B,    o,   o,  P,      o },
    [U] =   { o,   o,   o,   o,  o,   D,  B,    P,   o,  P,      o },
    [P] =   { o,   o,   o,   P,  D,   D,  B,    P,   o,  P,      o },
    [B] =   { o,   o,   o,   o,  o,   o,  o,    o,   R,  D,      o },
    [D] =   { o,   o,   o,   o,  o,   o,  o,    o,   o,  o,      o },
};
/* clang-format on */

static void every_cell_leads_where_it_should(void **state) {
    (void)state;
    for (int s = 0; s < JOB_STATES; s++)
        for (int e = 0; e < JOB_EVENTS; e++)
            assert_int_equal(job_next((enum job_state)s, (enum job_event)e), expected[s][e]);
}

static void a_step_moves_the_state(void **state) {
    (void)state;
    for (int s = 0; s < JOB_STATES; s++)
        for (int e = 0; e < JOB_EVENTS; e++) {
            enum job_state at = (enum job_state)s;

            if (expected[s][e] < 0)
                continue;
            job_step(&at, (enum job_event)e, "x");
            assert_int_equal(at, expected[s][e]);
        }
}

static void an_impossible_step_aborts(void **state) {
    (void)state;
    for (int s = 0; s < JOB_STATES; s++)
        for (int e = 0; e < JOB_EVENTS; e++) {
            enum job_state at = (enum job_state)s;
            int status = 0;
            pid_t pid;

            if (expected[s][e] >= 0)
                continue;
            pid = fork();
            assert_true(pid >= 0);
            if (pid == 0) {
                const struct rlimit none = {0, 0};

                setrlimit(RLIMIT_CORE, &none);
                signal(SIGABRT, SIG_DFL);
                close(STDERR_FILENO); /* its sentence is not for the log */
                job_step(&at, (enum job_event)e, "x");
                _exit(0);
            }
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true(WIFSIGNALED(status));
            assert_int_equal(WTERMSIG(status), SIGABRT);
        }
}

static void everything_has_a_name(void **state) {
    (void)state;
    for (int s = 0; s < JOB_STATES; s++)
        assert_non_null(job_state_names[s]);
    for (int e = 0; e < JOB_EVENTS; e++)
        assert_non_null(job_event_names[e]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_leads_where_it_should),
        cmocka_unit_test(a_step_moves_the_state),
        cmocka_unit_test(an_impossible_step_aborts),
        cmocka_unit_test(everything_has_a_name),
    };

    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
