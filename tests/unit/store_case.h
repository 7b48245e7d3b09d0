/* SPDX-License-Identifier: MIT */
/* store_case: what the tests of the history share: a folder for it, and a run to record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../fakes/fake_results.h"
#include "store/db.h"
#include "store/store.h"

static char folder[64], top[32];

static int fresh_folder(void **state) {
    (void)state;
    snprintf(top, sizeof top, "/tmp/test-store-XXXXXX");
    assert_non_null(mkdtemp(top));
    snprintf(folder, sizeof folder, "%s/state", top);
    return 0;
}

static int remove_folder(void **state) {
    char command[64];
    pid_t pid;

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", top);
    pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

#define in_a_folder(test) cmocka_unit_test_setup_teardown(test, fresh_folder, remove_folder)

/* The fake run by another name. */
static struct run_result named(const char *id) {
    struct run_result run = fake_run;

    snprintf(run.id, sizeof run.id, "%s", id);
    return run;
}

static struct job_info info_of(const struct run_result *run, uint32_t job) {
    return (struct job_info){job, job, &run->plan->jobs[job], &run->jobs[job]};
}

/* How often a store has called. */
static unsigned wakes;

static void on_wake(void *arg) {
    __atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_SEQ_CST);
}

/* Records a run with all its jobs. */
static inline void record_run(const struct run_result *run) {
    struct store *s = store_new(&(struct store_opts){.folder = folder, .keep = 100});

    assert_non_null(s);
    store_begin(s, run, true, on_wake, &wakes);
    for (uint32_t i = 0; i < run->plan->njobs; i++) {
        const struct job_info info = info_of(run, i);

        store_add(s, &info, NULL, NULL, NULL);
    }
    store_finish(s, run);
    store_rest(s);
    store_close(s, 0);
    assert_null(store_free(s));
}

/* Changes what stands in the history. */
static void run_sql(const char *sql) {
    struct db db;
    sqlite3_stmt *statement;

    assert_int_equal(db_open(&db, folder, DB_WRITE, false), 0);
    assert_int_equal(db_prepare(&db, &statement, sql), 0);
    assert_int_equal(db_run(&db, statement, ""), 0);
    db_finalize(&db, statement);
    db_close(&db);
}
