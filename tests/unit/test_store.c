/* SPDX-License-Identifier: MIT */
/* test_store: a run on its way into the history and out of it, and what keeps it out. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "exec/capture.h"
#include "store/past.h"
#include "store/record.h"
#include "store_case.h"

/* ---- recording ---- */

static struct store *new_store(uint32_t keep) {
    struct store *s = store_new(&(struct store_opts){.folder = folder, .keep = keep});

    assert_non_null(s);
    return s;
}

static void wait_till_ready(struct store *s) {
    store_wait(s);
    assert_true(store_ready(s));
}

static struct capture *captured(const char *bytes, size_t n) {
    struct capture *c = capture_new();

    assert_non_null(c);
    assert_int_equal(capture_add(c, bytes, n), 0);
    return c;
}

static char words_of[FAKE_JOBS][200];

static const char *reason_of(const struct run_result *run, uint32_t job, char *buf, size_t n) {
    const struct job_info info = info_of(run, job);

    return job_reason_text(run, &info, buf, n);
}

/* All jobs but the first `left`, the first with output. */
static void add_jobs(struct store *s, const struct run_result *run, uint32_t left) {
    struct capture *out = captured("a\0b\xff\n", 5), *err = captured("oops", 4);

    for (uint32_t i = left; i < run->plan->njobs; i++) {
        const struct job_info info = info_of(run, i);

        reason_of(run, i, words_of[i], sizeof words_of[i]);
        store_add(s, &info, words_of[i], i == 0 ? out : NULL, i == 0 ? err : NULL);
    }
    capture_free(out);
    capture_free(err);
}

static void no_trouble(struct store *s) {
    char *trouble = store_trouble(s);

    if (trouble)
        fail_msg("trouble: %s", trouble);
    assert_false(store_lost(s));
}

static void record(const char *id, uint32_t keep) {
    struct run_result run = named(id);
    struct store *s = new_store(keep);

    store_begin(s, &run, true, on_wake, &wakes);
    add_jobs(s, &run, 0);
    store_finish(s, &run);
    no_trouble(s);
    store_rest(s);
    store_close(s, run.exit);
    no_trouble(s);
    assert_null(store_free(s));
}

/* ---- reading ---- */

static struct past past;

static struct past_details *load(const char *prefix) {
    struct past_details *d;
    int64_t row;
    char id[32];

    assert_int_equal(past_open(&past, folder), 0);
    assert_int_equal(past_find(&past, NULL, prefix, &row, id), 0);
    assert_int_equal(past_load(&past, row, &d), 0);
    assert_string_equal(d->run.id, id);
    return d;
}

static void unload(struct past_details *d) {
    assert_null(past_details_free(d));
    past_close(&past);
}

struct bytes {
    char text[256];
    size_t n;
};

static int take(void *ctx, const char *bytes, size_t n) {
    struct bytes *b = ctx;

    assert_true(b->n + n <= sizeof b->text);
    memcpy(b->text + b->n, bytes, n);
    b->n += n;
    return 0;
}

static char listed[1024];

static int list_one(void *ctx, const struct past_run *run) {
    size_t n = strlen(listed);

    (void)ctx;
    snprintf(listed + n, sizeof listed - n, "%s%s %d%s %u/%u", n ? ", " : "", run->id, run->exit,
             run->alive ? " alive" : "", run->totals.by_status[STATUS_OK], run->totals.jobs);
    return 0;
}

static const char *list(const char *key) {
    listed[0] = '\0';
    assert_int_equal(past_open(&past, folder), 0);
    assert_int_equal(past_list(&past, key, list_one, NULL), 0);
    past_close(&past);
    return listed;
}

/* ---- tests ---- */

static void same_attempt(const struct attempt_result *a, const struct attempt_result *b) {
    assert_int_equal(a->start_ns - FAKE_START_NS, b->start_ns);
    assert_int_equal(a->wall_ns, b->wall_ns);
    assert_int_equal(a->user_us, b->user_us);
    assert_int_equal(a->sys_us, b->sys_us);
    assert_int_equal(a->max_rss, b->max_rss);
    assert_int_equal(a->out_bytes, b->out_bytes);
    assert_int_equal(a->err_bytes, b->err_bytes);
    assert_int_equal(a->exit, b->exit);
    assert_int_equal(a->signal, b->signal);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->reason, b->reason);
}

static void same_job(uint32_t i, const struct job_result *a, const struct past_details *d) {
    const struct job_result *b = &d->run.jobs[i];
    char words[200];

    assert_string_equal(fake_jobs[i].name, d->plan.jobs[i].name);
    assert_int_equal(fake_jobs[i].set->type, d->plan.jobs[i].set->type);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->flaky, b->flaky);
    assert_int_equal(a->allowed, b->allowed);
    assert_int_equal(a->cause, b->cause);
    assert_int_equal(a->worker, b->worker);
    assert_int_equal(a->leftover, b->leftover);
    assert_int_equal(a->wait_ns, b->wait_ns);
    assert_string_equal(words_of[i], reason_of(&d->run, i, words, sizeof words));
    assert_int_equal(a->nattempts, b->nattempts);
    for (uint32_t k = 0; k < a->nattempts; k++)
        same_attempt(&a->attempts[k], &b->attempts[k]);
}

static void what_was_recorded_is_read(void **state) {
    struct past_details *d;
    struct bytes out = {.n = 0}, err = {.n = 0};
    struct stat st;
    char path[128];

    (void)state;
    record("20261121T030405-abcdef", 100);
    d = load("");
    assert_string_equal(d->plan.name, "nightly");
    assert_string_equal(d->plan.path, "nightly.ini");
    assert_string_equal(d->run.host, "localhost");
    assert_int_equal(d->run.cpus, 2);
    assert_int_equal(d->plan.io_limit, 64);
    assert_int_equal(d->plan.cpu_workers, 2);
    assert_int_equal(d->run.started.tv_sec, fake_run.started.tv_sec);
    assert_int_equal(d->run.started.tv_nsec, fake_run.started.tv_nsec);
    assert_int_equal(d->run.ended.tv_nsec, fake_run.ended.tv_nsec);
    assert_int_equal(d->run.wall_ns, fake_run.wall_ns);
    assert_int_equal(d->run.exit, 143);
    assert_int_equal(d->run.interrupted_by, 15);
    assert_int_equal(d->run.loop_lag_ns, fake_run.loop_lag_ns);
    assert_false(d->alive);
    assert_int_equal(d->plan.njobs, FAKE_JOBS);
    for (uint32_t i = 0; i < FAKE_JOBS; i++)
        same_job(i, &fake_rows[i], d);
    assert_int_equal(past_read(&past, d, 0, OUTPUTS_OUT, 0, take, &out), 0);
    assert_int_equal(past_read(&past, d, 0, OUTPUTS_ERR, 1, take, &err), 0);
    assert_int_equal(out.n, 5);
    assert_memory_equal(out.text, "a\0b\xff\n", 5);
    assert_int_equal(err.n, 3);
    assert_memory_equal(err.text, "ops", 3);
    unload(d);

    /* For its owner alone; and what only a run under way has is gone. */
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    snprintf(path, sizeof path, "%s/" DB_FILE, folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    snprintf(path, sizeof path, "%s/run-20261121T030405-abcdef.ends", folder);
    assert_int_equal(access(path, F_OK), -1);
}

static int count_bytes(void *ctx, const char *bytes, size_t n) {
    uint64_t *sum = ctx;

    for (size_t i = 0; i < n; i++)
        *sum += (unsigned char)bytes[i] + 1;
    return 0;
}

static void much_output_is_kept_whole(void **state) {
    enum { SIZE = 300001 };
    struct run_result run = named("big");
    struct store *s = new_store(100);
    struct past_details *d;
    char *bytes = malloc(SIZE);
    struct capture *out;
    uint64_t want = 0, got = 0, end = 0;
    struct bytes last = {.n = 0};

    (void)state;
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31);
    out = captured(bytes, SIZE);
    count_bytes(&want, bytes, SIZE);
    store_begin(s, &run, true, on_wake, &wakes);
    for (uint32_t i = 0; i < FAKE_JOBS; i++) {
        const struct job_info info = info_of(&run, i);

        store_add(s, &info, NULL, i == 1 ? out : NULL, NULL);
    }
    capture_free(out);
    store_finish(s, &run);
    no_trouble(s);
    store_close(s, run.exit);
    store_free(s);

    d = load("big");
    assert_int_equal(d->outputs[1].size[OUTPUTS_OUT], SIZE);
    assert_int_equal(past_read(&past, d, 1, OUTPUTS_OUT, 0, count_bytes, &got), 0);
    assert_int_equal(got, want);
    assert_int_equal(past_read(&past, d, 1, OUTPUTS_OUT, SIZE - 3, take, &last), 0);
    assert_memory_equal(last.text, bytes + SIZE - 3, 3);
    assert_int_equal(past_read(&past, d, 1, OUTPUTS_ERR, 0, count_bytes, &end), 0);
    assert_int_equal(end, 0);
    /* Removed to make room. */
    outputs_remove(folder, "big");
    assert_int_equal(past_read(&past, d, 1, OUTPUTS_OUT, 0, count_bytes, &got), UV_ENOENT);
    unload(d);
    free(bytes);
}

/* In a process of its own: begins, has some jobs end, then `last` and no end. */
static void record_and_die(const char *id, void (*last)(void)) {
    int ready[2];
    pid_t pid;
    char c;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        struct run_result run = named(id);
        struct store *s = new_store(100);

        close(ready[0]);
        store_begin(s, &run, true, on_wake, &wakes);
        wait_till_ready(s);
        add_jobs(s, &run, 2);
        if (last)
            last();
        raise(SIGKILL);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 0); /* it is dead */
    close(ready[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Once an end was added it stands, though no transaction had time for it. */
static void what_was_told_survives_sigkill(void **state) {
    struct past_details *d;

    (void)state;
    record_and_die("killed", NULL);
    d = load("killed");
    assert_int_equal(d->run.exit, -1);
    assert_false(d->alive);
    for (uint32_t i = 2; i < FAKE_JOBS; i++)
        assert_int_equal(d->run.jobs[i].status, fake_rows[i].status);
    for (uint32_t i = 0; i < 2; i++) {
        assert_string_equal(d->plan.jobs[i].name, fake_jobs[i].name);
        assert_int_equal(d->plan.jobs[i].set->type, fake_jobs[i].set->type);
        assert_int_equal(d->run.jobs[i].status, STATUS_CANCELLED);
        assert_int_equal(d->run.jobs[i].reason, REASON_LOST);
    }
    unload(d);
    assert_string_equal(list(NULL), "killed -1 0/10");
}

static void till_it_is_written(void) {
    usleep(100000); /* five transactions */
}

static void what_was_written_survives_sigkill(void **state) {
    struct past_details *d;

    (void)state;
    record_and_die("killed", till_it_is_written);
    d = load("killed");
    for (uint32_t i = 2; i < FAKE_JOBS; i++)
        same_job(i, &fake_rows[i], d);
    unload(d);
}

static void a_run_that_goes_on_is_alive(void **state) {
    struct run_result run = named("alive");
    struct store *s = new_store(100);
    pid_t pid;
    int status;

    (void)state;
    store_begin(s, &run, true, on_wake, &wakes);
    wait_till_ready(s);
    assert_true(wakes > 0);
    pid = fork(); /* a process does not see its own lock */
    if (pid == 0) {
        char path[128];
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd;

        snprintf(path, sizeof path, "%s/run-alive.ends", folder);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    store_finish(s, &run);
    store_close(s, run.exit);
    store_free(s);
    assert_string_equal(list(NULL), "alive 143 2/10");
}

/* Where descriptors are short everything is recorded, only later. */
static void without_room_all_is_recorded_at_the_end(void **state) {
    struct run_result run = named("late");
    struct store *s = new_store(100);

    (void)state;
    store_begin(s, &run, false, on_wake, &wakes);
    assert_true(store_ready(s)); /* nothing is to wait for it */
    add_jobs(s, &run, 0);
    usleep(50000);
    assert_int_equal(access(folder, F_OK), -1);
    store_finish(s, &run);
    no_trouble(s);
    store_close(s, run.exit);
    store_free(s);
    assert_string_equal(list(NULL), "late 143 2/10");
}

/* Nor is output missed of those that had none, however much waits. */
static void what_has_no_output_loses_none(void **state) {
    struct run_result run = named("busy");
    struct plan_items items = {.section = fake_jobs[0].name};
    struct plan_item item = {.text = "x"};
    struct plan_job def = fake_jobs[0];
    struct job_info info = info_of(&run, 0);
    char *much = calloc(1, CAPTURE_MEMORY_MAX);
    struct capture *out = captured(much, CAPTURE_MEMORY_MAX);
    struct store *s = new_store(100);

    (void)state;
    def.items = &items;
    def.item = &item;
    info.def = &def;
    info.id = FAKE_JOBS;
    store_begin(s, &run, false, on_wake, &wakes);
    for (item.index = 0; item.index < 12000; item.index++)
        store_add(s, &info, NULL, item.index < 1000 ? out : NULL, NULL);
    no_trouble(s);
    store_finish(s, &run);
    no_trouble(s);
    store_close(s, run.exit);
    store_free(s);
    capture_free(out);
    free(much);
}

static void the_last_word_on_the_exit_status(void **state) {
    struct run_result run = named("undelivered");
    struct store *s = new_store(100);

    (void)state;
    run.exit = 0;
    store_begin(s, &run, true, on_wake, &wakes);
    store_finish(s, &run);
    store_close(s, 3);
    store_free(s);
    assert_string_equal(list(NULL), "undelivered 3 2/10");
}

static void a_run_that_never_began_leaves_nothing(void **state) {
    struct store *s = new_store(100);

    (void)state;
    assert_null(store_free(s));
    assert_int_equal(past_open(&past, folder), UV_ENOENT);
    past_close(&past);
}

static void one_that_began_and_did_not_end_is_lost(void **state) {
    struct run_result run = named("stopped");
    struct store *s = new_store(100);

    (void)state;
    store_begin(s, &run, true, on_wake, &wakes);
    store_free(s);
    assert_string_equal(list(NULL), "stopped -1 0/10");
}

static void old_runs_go(void **state) {
    (void)state;
    record("one", 2);
    record("two", 2);
    record("three", 2);
    assert_string_equal(list(NULL), "three 143 2/10, two 143 2/10");
    record("four", 2);
    assert_string_equal(list("name:nightly"), "four 143 2/10, three 143 2/10");
    assert_string_equal(list("/elsewhere.ini"), "");
}

/* ---- the database itself ---- */

/* Much output makes room for itself at the cost of the oldest. */
static void old_outputs_go(void **state) {
    struct run_result run = named("new");
    const struct job_info info = info_of(&run, 0);
    struct store *s;
    struct past_details *d;
    struct bytes bytes = {.n = 0};
    char *much = calloc(1, RECORD_INLINE_MAX + 1);
    struct capture *out = captured(much, RECORD_INLINE_MAX + 1);

    (void)state;
    record("old", 100);
    record("middle", 100);
    run_sql("UPDATE run SET output_bytes = 1 << 29 WHERE name = 'old'");
    run_sql("UPDATE run SET output_bytes = (1 << 29) + 1 WHERE name = 'middle'");
    s = new_store(100);
    store_begin(s, &run, true, on_wake, &wakes);
    store_add(s, &info, NULL, out, NULL);
    capture_free(out);
    store_finish(s, &run);
    store_close(s, run.exit);
    no_trouble(s);
    store_free(s);

    d = load("old");
    assert_int_equal(past_read(&past, d, 0, OUTPUTS_OUT, 0, take, &bytes), UV_ENOENT);
    unload(d);
    d = load("middle");
    assert_int_equal(past_read(&past, d, 0, OUTPUTS_OUT, 0, take, &bytes), 0);
    assert_int_equal(bytes.n, 5);
    unload(d);
    free(much);
}

/* Records a run that cannot be, and returns what was said. */
static char *refused(bool lost) {
    struct run_result run = named("refused");
    struct store *s = new_store(100);
    char *trouble;

    store_begin(s, &run, true, on_wake, &wakes);
    add_jobs(s, &run, 0);
    store_finish(s, &run);
    trouble = store_trouble(s);
    assert_int_equal(store_lost(s), lost);
    store_close(s, run.exit);
    store_free(s);
    assert_non_null(trouble);
    return trouble;
}

static void says(char *trouble, const char *fmt, ...) {
    char want[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(want, sizeof want, fmt, args);
    va_end(args);
    assert_string_equal(trouble, want);
    free(trouble);
}

static void put_file(const char *name, const char *bytes, size_t n) {
    char path[128];
    FILE *f;

    mkdir(folder, 0700);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void what_is_no_history_is_refused(void **state) {
    char noise[8192], path[128];

    (void)state;
    memset(noise, 'x', sizeof noise);
    put_file(DB_FILE, noise, sizeof noise);
    says(refused(false),
         "history: %s/" DB_FILE ": it is damaged; without it a new one is begun; this run is not "
         "recorded",
         folder);
    assert_int_equal(past_open(&past, folder), UV_EPROTO);
    past_close(&past);

    snprintf(path, sizeof path, "%s/" DB_FILE, folder);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    says(refused(false), "history: %s/" DB_FILE ": Is a directory; this run is not recorded",
         folder);
    rmdir(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    says(refused(false), "history: %s/" DB_FILE ": it is no regular file; this run is not recorded",
         folder);
    unlink(path);

    record("fine", 100);
    run_sql("PRAGMA application_id = 7");
    run_sql("PRAGMA user_version = 0");
    says(refused(false),
         "history: %s/" DB_FILE ": it is no history of muster's; this run is not recorded", folder);
}

static void a_newer_one_is_left_alone(void **state) {
    (void)state;
    record("fine", 100);
    run_sql("PRAGMA user_version = 2");
    says(refused(false),
         "history: %s/" DB_FILE ": it was made by a newer muster; this run is not recorded",
         folder);
    assert_int_equal(past_open(&past, folder), UV_EINVAL);
    past_close(&past);
}

static void a_folder_that_cannot_be(void **state) {
    (void)state;
    put_file("x", "", 0);
    snprintf(folder + strlen(folder), sizeof folder - strlen(folder), "/x/state");
    says(refused(false), "history: %s: Not a directory; this run is not recorded", folder);
}

/* Where there is no memory that processes share. */
static void a_rollback_journal_will_do(void **state) {
    struct db db;
    sqlite3_stmt *statement;
    char path[128];

    (void)state;
    assert_int_equal(db_open(&db, folder, DB_WRITE, true), 0);
    assert_false(db.wal);
    assert_int_equal(db_begin(&db), 0);
    assert_int_equal(
        db_prepare(&db, &statement,
                   "INSERT INTO attempt (run, seq, number, start, wall, user_us, sys_us,"
                   " max_rss, out_bytes, err_bytes, status)"
                   " VALUES (9,1,1,0,0,0,0,0,0,0,'ok')"),
        0);
    assert_int_equal(db_run(&db, statement, ""), 0);
    db_finalize(&db, statement);
    assert_int_equal(db_commit(&db), 0);
    assert_int_equal(db_sync(&db), 0);
    assert_int_equal(db_tidy(&db), 0);
    snprintf(path, sizeof path, "%s/" DB_FILE "-wal", folder);
    assert_int_equal(access(path, F_OK), -1);
    db_close(&db);
    record("later", 100); /* and the other way round */
    assert_string_equal(list(NULL), "later 143 2/10");
}

/* A log that has grown is taken in, unless someone reads it. */
static void the_log_is_kept_short(void **state) {
    struct stat st;
    char path[128], id[16];

    (void)state;
    snprintf(path, sizeof path, "%s/" DB_FILE "-wal", folder);
    for (int i = 0; i < 60; i++) {
        snprintf(id, sizeof id, "run-%d", i);
        record(id, 100);
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size < 600000);
    }
}

static void ids_by_their_beginnings(void **state) {
    int64_t row;
    char id[32];

    (void)state;
    record("20260101T000000-aaaaaa", 100);
    record("20260101T000000-bbbbbb", 100);
    assert_int_equal(past_open(&past, folder), 0);
    assert_int_equal(past_find(&past, NULL, "", &row, id), 0);
    assert_string_equal(id, "20260101T000000-bbbbbb");
    assert_int_equal(past_find(&past, NULL, "20260101T000000-a", &row, id), 0);
    assert_string_equal(id, "20260101T000000-aaaaaa");
    assert_int_equal(past_find(&past, NULL, "2026", &row, id), UV_EEXIST);
    assert_int_equal(past_find(&past, NULL, "2027", &row, id), UV_ENOENT);
    assert_int_equal(past_find(&past, NULL, "%", &row, id), UV_ENOENT);
    past_close(&past);
}

/* What a stranger put in never makes a reader stumble. */
static void odd_rows(void **state) {
    static const char *const changes[] = {
        "UPDATE run SET jobs = 4000000000",
        "UPDATE run SET jobs = -1",
        "UPDATE run SET cpus = 0",
        "UPDATE job SET seq = 77 WHERE seq = 9",
        "UPDATE attempt SET seq = -5 WHERE seq = 0",
        "UPDATE run SET title = x'ff00', manifest = x'', host = 7",
        "UPDATE job SET status = 'strange', reason = 'odd', type = 'none', cause = 999",
        "UPDATE job SET name = x'00', words = 5, worker = 'x'",
        "UPDATE job SET out_size = 4611686018427387904, out = NULL",
        "UPDATE run SET pending = x'6900', exit = NULL",
        "UPDATE run SET exit = NULL, pending = x'696969'",
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct past_details *d = NULL;
        struct bytes out = {.n = 0};
        int64_t row;
        char id[32], words[64];

        snprintf(id, sizeof id, "odd-%d", (int)i);
        record(id, 1);
        run_sql(changes[i]);
        assert_int_equal(past_open(&past, folder), 0);
        if (past_find(&past, NULL, "", &row, id) == 0 && past_load(&past, row, &d) == 0) {
            for (uint32_t k = 0; k < d->plan.njobs; k++)
                reason_of(&d->run, k, words, sizeof words);
            past_read(&past, d, 0, OUTPUTS_OUT, 0, take, &out);
        }
        past_details_free(d);
        past_list(&past, NULL, list_one, NULL);
        past_close(&past);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_a_folder(what_was_recorded_is_read),
        in_a_folder(much_output_is_kept_whole),
        in_a_folder(what_was_told_survives_sigkill),
        in_a_folder(what_was_written_survives_sigkill),
        in_a_folder(a_run_that_goes_on_is_alive),
        in_a_folder(without_room_all_is_recorded_at_the_end),
        in_a_folder(what_has_no_output_loses_none),
        in_a_folder(the_last_word_on_the_exit_status),
        in_a_folder(a_run_that_never_began_leaves_nothing),
        in_a_folder(one_that_began_and_did_not_end_is_lost),
        in_a_folder(old_runs_go),
        in_a_folder(old_outputs_go),
        in_a_folder(what_is_no_history_is_refused),
        in_a_folder(a_newer_one_is_left_alone),
        in_a_folder(a_folder_that_cannot_be),
        in_a_folder(a_rollback_journal_will_do),
        in_a_folder(the_log_is_kept_short),
        in_a_folder(ids_by_their_beginnings),
        in_a_folder(odd_rows),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
