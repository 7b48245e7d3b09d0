/* SPDX-License-Identifier: MIT */
/* record: writes one run and its jobs into the history's database. */
#include "store/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "base/clock.h"
#include "exec/attempt.h"
#include "exec/capture.h"
#include "exec/facts.h"
#include "run/sums.h"
#include "store/outputs.h"
#include "store/row.h"

const char *const record_types[RECORD_TYPES] = {
    [RECORD_IO] = "io",     [RECORD_CPU] = "cpu",           [RECORD_TASK] = "cpu-task",
    [RECORD_AUTO] = "auto", [RECORD_AUTO_CPU] = "auto-cpu", [RECORD_AUTO_MOVED] = "auto-moved",
};

static enum record_type type_of(const struct plan_job *p, const struct job_result *j) {
    if (p->set->automatic)
        return j->moved ? RECORD_AUTO_MOVED : j->lane == LANE_CPU ? RECORD_AUTO_CPU : RECORD_AUTO;
    if (p->action == ACTION_TASK)
        return RECORD_TASK;
    return p->set->type == LANE_CPU ? RECORD_CPU : RECORD_IO;
}

static int fail(struct record *r, int error, const char *what) {
    snprintf(r->db.why, sizeof r->db.why, "%s: %s", what, strerror(-error));
    return error;
}

char *record_key(const char *manifest, const char *name) {
    struct stat st;
    char *key = NULL;

    /* A pipe of the shell's has a path, /dev/fd/63, that says nothing. */
    if (strcmp(manifest, "-") != 0 && stat(manifest, &st) == 0 && S_ISREG(st.st_mode))
        key = realpath(manifest, NULL);
    if (!key && name && asprintf(&key, "name:%s", name) < 0)
        return NULL;
    return key;
}

int record_open(struct record *r, const char *folder, const struct run_result *run) {
    int error;

    *r = (struct record){.folder = folder, .run = run};
    ends_init(&r->ends);
    error = db_open(&r->db, folder, DB_WRITE, false);
    if (error)
        return error;
    r->key = record_key(run->plan->path, run->plan->name);
    r->block = malloc(2 * RECORD_INLINE_MAX);
    return r->key && r->block ? 0 : fail(r, UV_ENOMEM, DB_FILE);
}

void record_close(struct record *r) {
    r->job = db_finalize(&r->db, r->job);
    r->attempt = db_finalize(&r->db, r->attempt);
    r->end = db_finalize(&r->db, r->end);
    db_close(&r->db);
    /* Without an end in the database it stays, for those who ask what became of the run. */
    ends_release(&r->ends, r->ended ? r->folder : NULL, r->ended ? r->run->id : NULL);
    free(r->block);
    free(r->key);
}

int record_prepare(struct record *r) {
    static const char *const texts[] = {
        "INSERT INTO job (run, seq, section, item, item_index, cause_name, name, definition,"
        " settled, type, status, reason, words, cause,"
        " flaky, allowed, worker, leftover, unkillable, wait, wall, cpu_us, max_rss, out_size, "
        "err_size,"
        " lost, outputs, out, err)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?)",
        "INSERT INTO attempt (run, seq, number, start, wall, user_us, sys_us, max_rss, out_bytes,"
        " err_bytes, exit, signal, status, reason, http_status, http_line, lookup, connect, tls,"
        " first_byte, sent, received, redirects)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "UPDATE run SET pending = NULL, jobs = ?, ended = ?, wall = ?, exit = ?, interrupted_by = "
        "?,"
        " deadline_passed = ?, unkillable = ?, loop_lag = ?, ok = ?, failed = ?, timeout = ?,"
        " cancelled = ?, skipped = ?, cached = ?, resumed = ?, flaky = ?, allowed = ?,"
        " retries = ?, job_wall = ?, cpu_us = ?, output_bytes = ?, sums = ? WHERE id = ?",
    };
    sqlite3_stmt **const statements[] = {&r->job, &r->attempt, &r->end};
    int error = 0;

    for (size_t i = 0; i < sizeof texts / sizeof *texts && !error; i++)
        error = db_prepare(&r->db, statements[i], texts[i]);
    return error;
}

/* ---- the run ---- */

/*
 * Each job's lane and name, NUL behind, in the order of the manifest: what a run
 * that is killed leaves to be told of the jobs that it has not recorded.
 */
static char *pending_jobs(const struct plan *plan, size_t *n) {
    char *text = NULL;
    FILE *out = open_memstream(&text, n);

    if (!out)
        return NULL;
    for (uint32_t i = 0; i < plan->njobs; i++) {
        const struct job_settings *set = plan->jobs[i].set;

        fputc(set->automatic ? 'a' : set->type == LANE_CPU ? 'c' : 'i', out);
        fputs(plan->jobs[i].name, out);
        fputc('\0', out);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int64_t wall_clock_ns(const struct timespec *t) {
    return (int64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
}

static int insert_run(struct record *r, const char *resumes, const char *pending, size_t n) {
    const struct run_result *run = r->run;
    const struct plan *plan = run->plan;

    return db_once(&r->db,
                   "INSERT INTO run (name, title, manifest, manifest_key, host, cpus, io_limit,"
                   " cpu_workers, deadline, started, jobs, resumes, pending)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "tttttiiiiiitb", run->id, plan->name, plan->path, r->key, run->host,
                   (int64_t)run->cpus, (int64_t)plan->io_limit, (int64_t)plan->cpu_workers,
                   plan->deadline_ns, wall_clock_ns(&run->started), (int64_t)plan->njobs, resumes,
                   pending, n);
}

/* The file of ends, with what an earlier run has settled. 0 or UV_E…. */
static int make_ends(struct record *r, const uint8_t *settled) {
    const struct plan *plan = r->run->plan;
    int error;
    struct definer definer;

    error = ends_make(&r->ends, r->folder, r->run->id, plan->njobs, plan_has_items(plan));
    if (error)
        return fail(r, error, r->folder);
    definer_init(&definer, plan);
    for (uint32_t i = 0; settled && i < plan->njobs; i++) {
        const struct end end = {.job = i,
                                .status = STATUS_RESUMED,
                                .settled = (enum settled)settled[i],
                                .definition = definer_job(&definer, &plan->jobs[i])};

        if (settled[i])
            ends_add(&r->ends, &end);
    }
    return 0;
}

int record_begin(struct record *r, const uint8_t *settled, const char *resumes) {
    size_t n = 0;
    char *pending = pending_jobs(r->run->plan, &n);
    int error = pending ? db_begin(&r->db) : fail(r, UV_ENOMEM, DB_FILE);

    if (!error) {
        error = insert_run(r, resumes, pending, n);
        if (!error) {
            r->id = r->db.sqlite.last_insert_rowid(r->db.handle);
            error = make_ends(r, settled);
        }
        if (!error)
            error = db_commit(&r->db);
        if (error) {
            db_rollback(&r->db);
            ends_release(&r->ends, r->folder, r->run->id);
        }
    }
    free(pending);
    return error;
}

int record_end(struct record *r, const struct run_result *run) {
    struct run_totals t = run_totals(run);
    struct facts *sums = run_sums_facts(run);
    size_t n = 0;
    char *text = sums ? facts_text(sums, &n) : NULL;
    int error = text ? 0 : fail(r, UV_ENOMEM, DB_FILE);

    free(sums);
    r->ended = true;
    if (!error)
        error = db_run(&r->db, r->end, "iiiiiiiiiiiiiiiiiiiiibi", (int64_t)t.jobs,
                       wall_clock_ns(&run->ended), run->wall_ns, (int64_t)run->exit,
                       (int64_t)run->interrupted_by, (int64_t)run->deadline_passed,
                       (int64_t)run->unkillable, run->loop_lag_ns, (int64_t)t.by_status[STATUS_OK],
                       (int64_t)t.by_status[STATUS_FAILED], (int64_t)t.by_status[STATUS_TIMEOUT],
                       (int64_t)t.by_status[STATUS_CANCELLED], (int64_t)t.by_status[STATUS_SKIPPED],
                       (int64_t)t.by_status[STATUS_CACHED], (int64_t)t.by_status[STATUS_RESUMED],
                       (int64_t)t.flaky, (int64_t)t.allowed, (int64_t)t.retries, t.job_wall_ns,
                       t.cpu_us, r->output_bytes, text, n, r->id);
    free(text);
    return error;
}

int record_exit(struct record *r, int exit) {
    return db_once(&r->db, "UPDATE run SET exit = ? WHERE id = ?", "ii", (int64_t)exit, r->id);
}

/* ---- its jobs ---- */

/* One captured stream on its way into the database. */
struct stream_row {
    enum outputs_stream kind;
    const struct capture *capture; /* or NULL */
    int64_t size;                  /* bytes that are kept */
    const void *bytes;             /* in the row itself, inlined of them */
    size_t inlined;
    int error; /* why some are lost, or 0 */
};

/*
 * Gets a stream's bytes ready for its row, or saves them beside the database. 0 or
 * why that cannot be done.
 */
static int take_stream(struct record *r, uint32_t job, struct stream_row *s) {
    char *room = r->block + (size_t)s->kind * RECORD_INLINE_MAX;
    int error;
    long n;

    if (!s->capture)
        return 0;
    s->size = (int64_t)capture_size(s->capture);
    s->error = capture_error(s->capture);
    if (s->size > RECORD_INLINE_MAX) {
        error = outputs_save(r->folder, r->run->id, job, s->kind, s->capture);
    } else {
        n = capture_read(s->capture, 0, room, RECORD_INLINE_MAX);
        error = n < 0 ? (int)n : 0;
        s->bytes = room;
        s->inlined = n < 0 ? 0 : (size_t)n;
    }
    if (error) {
        s->error = error;
        s->size = 0;
    }
    r->output_bytes += s->size;
    return error;
}

/* Why not all output is there, in words. */
static const char *lost_words(int error) {
    return error == UV_EFBIG ? "longer than 1 GiB, only its end is kept" : strerror(-error);
}

/* What a job told, as it is kept: malloc'd in *text, or NULL: nothing. *masked: what is
 * kept is not what it told. */
static int keep_outputs(struct record *r, const struct job_info *job, char **text, size_t *n,
                        bool *masked) {
    const struct facts *told = job->result->facts;
    struct facts *seen;

    *text = NULL;
    *n = 0;
    *masked = false;
    if (!told || !told->count)
        return 0;
    seen = facts_masked(told, r->run->plan, job->def->name, masked);
    *text = seen ? facts_text(seen, n) : NULL;
    free(seen);
    return *text ? 0 : fail(r, UV_ENOMEM, DB_FILE);
}

static int insert_job(struct record *r, const struct record_job *job,
                      const struct stream_row streams[2]) {
    const struct job_result *j = job->info.result;
    const struct plan_job *p = job->info.def;
    int lost = job->lost ? job->lost : streams[0].error ? streams[0].error : streams[1].error;
    char *told;
    size_t n;
    bool masked;
    int error = keep_outputs(r, &job->info, &told, &n, &masked);

    /* Whose outputs are not to be had again is not left out by a resumed run. */
    if (!error)
        error = db_run(
            &r->db, r->job, "iiitnttbittttniiniiiiiiiitbbb", r->id, (int64_t)job->seq,
            (int64_t)job->info.section, p->item ? p->item->text : NULL,
            p->item ? (int64_t)p->item->index : INT64_C(-1), job->cause, p->name,
            job->definition->bytes, (size_t)DEFINITION_BYTES,
            masked ? (int64_t)SETTLED_NO : (int64_t)j->settled, record_types[type_of(p, j)],
            status_words[j->status], reason_words[j->reason], job->words,
            j->cause == NO_JOB ? INT64_C(-1) : (int64_t)j->cause, (int64_t)j->flaky,
            (int64_t)j->allowed, (int64_t)j->worker, (int64_t)j->leftover, (int64_t)j->unkillable,
            j->wait_ns, job_wall_ns(j), job_cpu_us(j), (int64_t)job_max_rss(j), streams[0].size,
            streams[1].size, lost ? lost_words(lost) : NULL, told, n, streams[0].bytes,
            streams[0].inlined, streams[1].bytes, streams[1].inlined);
    free(told);
    return error;
}

/* Each of it becomes NULL. */
static const struct attempt_http no_http = {.status = -1,
                                            .lookup_ns = -1,
                                            .connect_ns = -1,
                                            .tls_ns = -1,
                                            .first_byte_ns = -1,
                                            .sent = UINT64_MAX,
                                            .received = UINT64_MAX};

static int insert_attempts(struct record *r, const struct record_job *job) {
    const struct job_result *j = job->info.result;
    int error = 0;

    for (uint32_t i = 0; i < j->nattempts && !error; i++) {
        const struct attempt_result *a = &j->attempts[i];
        const struct attempt_http *h = a->http ? a->http : &no_http;

        error = db_run(&r->db, r->attempt, "iiiiiiiiiinnttntnnnnnnn", r->id, (int64_t)job->seq,
                       (int64_t)i + 1, a->start_ns - r->run->start_ns, a->wall_ns, a->user_us,
                       a->sys_us, (int64_t)a->max_rss, (int64_t)a->out_bytes, (int64_t)a->err_bytes,
                       (int64_t)a->exit, a->signal ? (int64_t)a->signal : INT64_C(-1),
                       status_words[a->status], reason_words[a->reason], (int64_t)h->status,
                       a->http ? h->line : NULL, h->lookup_ns, h->connect_ns, h->tls_ns,
                       h->first_byte_ns, (int64_t)h->sent, (int64_t)h->received,
                       a->http ? (int64_t)h->redirects : INT64_C(-1));
    }
    return error;
}

int record_job(struct record *r, const struct record_job *job, int *lost) {
    struct stream_row streams[] = {{.kind = OUTPUTS_OUT, .capture = job->out},
                                   {.kind = OUTPUTS_ERR, .capture = job->err}};
    int error;

    *lost = take_stream(r, job->seq, &streams[0]);
    error = take_stream(r, job->seq, &streams[1]);
    if (error)
        *lost = error;
    error = insert_job(r, job, streams);
    return error ? error : insert_attempts(r, job);
}

/* ---- what goes ---- */

static int remove_run(struct record *r, int64_t id) {
    int error = db_once(&r->db, "DELETE FROM attempt WHERE run = ?", "i", id);

    if (!error)
        error = db_once(&r->db, "DELETE FROM job WHERE run = ?", "i", id);
    if (!error)
        error = db_once(&r->db, "DELETE FROM run WHERE id = ?", "i", id);
    return error;
}

static int remove_output(struct record *r, int64_t id) {
    int error = db_once(&r->db, "UPDATE job SET out = NULL, err = NULL WHERE run = ?", "i", id);

    if (!error)
        error = db_once(&r->db, "UPDATE run SET output_bytes = 0 WHERE id = ?", "i", id);
    return error;
}

static bool goes_on(struct record *r, const char *run) {
    struct ends ends;
    bool alive;

    if (ends_open(&ends, r->folder, run, &alive) == 0)
        ends_release(&ends, NULL, run);
    return alive;
}

/* What is done to a run that is in the way. */
struct removing {
    struct record *r;
    int (*remove)(struct record *r, int64_t id);
};

/* Its row has its id and name. One that goes on stays; the files of its output go with it. */
static int remove_one(void *ctx, struct row *row) {
    const struct removing *removing = ctx;
    struct record *r = removing->r;
    int64_t id = row_number(row);
    const char *run = row_text(row);
    int error;

    if (!run)
        return db_error(&r->db); /* out of memory */
    if (id == r->id || goes_on(r, run))
        return 0;
    outputs_remove(r->folder, run);
    error = removing->remove(r, id);
    if (!error)
        ends_remove(r->folder, run);
    return error;
}

/* Does `remove` to the runs that a question has for its answer, in one transaction. */
static int prune(struct record *r, int (*remove)(struct record *r, int64_t id), const char *sql,
                 const char *form, ...) {
    struct removing removing = {r, remove};
    int error = db_begin(&r->db);
    va_list args;

    if (error)
        return error;
    va_start(args, form);
    error = row_veach(&r->db, remove_one, &removing, sql, form, args);
    va_end(args);
    if (!error)
        error = db_commit(&r->db);
    if (error)
        db_rollback(&r->db);
    return error;
}

int record_prune(struct record *r, uint32_t keep) {
    int64_t runs = 0;
    int error =
        db_number(&r->db, &runs, "SELECT count(*) FROM run WHERE manifest_key = ?", "t", r->key);

    if (error || runs <= keep)
        return error;
    return prune(r, remove_run,
                 "SELECT id, name FROM run WHERE manifest_key = ?"
                 " ORDER BY id DESC LIMIT -1 OFFSET ?",
                 "ti", r->key, (int64_t)keep);
}

int record_prune_outputs(struct record *r) {
    if (r->output_bytes < RECORD_INLINE_MAX)
        return 0;
    return prune(r, remove_output,
                 "SELECT id, name FROM (SELECT id, name, sum(output_bytes)"
                 " OVER (ORDER BY id DESC) AS total FROM run"
                 " WHERE output_bytes > 0 AND id <> ?) WHERE total > ?",
                 "ii", r->id, RECORD_OUTPUTS_MAX);
}
