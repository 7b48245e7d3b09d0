/* SPDX-License-Identifier: MIT */
/* past: reads the runs of before, as reports want them. */
#include "store/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "exec/attempt.h"
#include "exec/facts.h"
#include "run/sums.h"
#include "store/ends.h"
#include "store/row.h"
#include "store/tracks.h"

#define BLOCK 65536

/* Rows of jobs as reports want them: the manifest's order, then that of items. */
#define IN_ORDER "ORDER BY section, item IS NULL, item_index"

int past_open(struct past *p, const char *folder) {
    *p = (struct past){.folder = folder};
    return db_open(&p->db, folder, DB_READ, false);
}

void past_close(struct past *p) {
    db_close(&p->db);
}

/* The file says what muster never wrote. */
static int damaged(struct past *p) {
    snprintf(p->db.why, sizeof p->db.why, "%s: it is damaged", p->db.path);
    return UV_EPROTO;
}

/* ---- runs in short ---- */

/* The totals of a run that has ended are in its row. */
static void read_totals(struct row *r, struct run_totals *t) {
    static const enum status order[] = {STATUS_OK,        STATUS_FAILED,  STATUS_TIMEOUT,
                                        STATUS_CANCELLED, STATUS_SKIPPED, STATUS_CACHED,
                                        STATUS_RESUMED};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        t->by_status[order[i]] = (uint32_t)row_number(r);
    t->flaky = (uint32_t)row_number(r);
    t->allowed = (uint32_t)row_number(r);
    t->retries = (uint32_t)row_number(r);
    t->job_wall_ns = row_number(r);
    t->cpu_us = row_number(r);
}

/* Of another they are counted. */
static int count_totals(struct past *p, int64_t row, struct past_run *out) {
    struct past_details *d;
    int error = past_load(p, row, &d);

    if (error)
        return error;
    out->totals = run_totals(&d->run);
    out->sums = run_sums_facts(&d->run);
    out->alive = d->alive;
    past_details_free(d);
    return out->sums ? 0 : UV_ENOMEM;
}

struct listing {
    struct past *past;
    past_run_cb each;
    void *ctx;
};

static int hand_over(void *ctx, struct row *r) {
    const struct listing *l = ctx;
    struct past_run run = {0};
    int64_t id = row_number(r);
    int error = 0;

    run.id = row_text(r);
    run.title = row_text(r);
    run.manifest = row_text(r);
    run.started = row_time(r);
    run.totals.jobs = (uint32_t)row_number(r);
    run.wall_ns = row_number(r);
    run.exit = (int)row_number_or_none(r);
    run.interrupted_by = (int)row_number(r);
    if (r->lost)
        return UV_ENOMEM;
    if (!run.id || !run.title || !run.manifest)
        return damaged(l->past);
    if (run.exit >= 0) {
        read_totals(r, &run.totals);
        error = row_facts(r, &run.sums);
    } else {
        error = count_totals(l->past, id, &run);
    }
    if (!error)
        error = l->each(l->ctx, &run);
    free(run.sums);
    return error;
}

int past_list(struct past *p, const char *key, past_run_cb each, void *ctx) {
    struct listing listing = {p, each, ctx};

    return row_each(&p->db, hand_over, &listing,
                    "SELECT id, name, title, manifest, started, jobs, wall, exit,"
                    " interrupted_by, ok, failed, timeout, cancelled, skipped, cached,"
                    " resumed, flaky, allowed, retries, job_wall, cpu_us, sums FROM run"
                    " WHERE ?1 IS NULL OR manifest_key = ?1 ORDER BY id DESC",
                    "t", key);
}

/* The newest of those that were looked for, and how many there are. */
struct found {
    struct past *past;
    int64_t *row;
    char *id;
    int count;
};

static int take_found(void *ctx, struct row *r) {
    struct found *found = ctx;
    int64_t row = row_number(r);
    const char *id = row_text(r);

    if (found->count++ > 0)
        return 0;
    if (!id)
        return r->lost ? UV_ENOMEM : damaged(found->past);
    *found->row = row;
    snprintf(found->id, 32, "%s", id);
    return 0;
}

int past_find(struct past *p, const char *key, const char *prefix, int64_t *row, char id[32]) {
    struct found found = {.past = p, .row = row, .id = id};
    int error = row_each(&p->db, take_found, &found,
                         "SELECT id, name FROM run WHERE substr(name, 1, length(?1)) = ?1"
                         " AND (?2 IS NULL OR manifest_key = ?2) ORDER BY id DESC LIMIT 2",
                         "tt", prefix, key);

    if (error)
        return error;
    return found.count == 0 ? UV_ENOENT : found.count > 1 && *prefix ? UV_EEXIST : 0;
}

/* ---- a whole run ---- */

/* A job of the manifest as it is known before its row is. */
struct past_waiting {
    enum record_type type;
    const char *name;
    enum status status; /* as the file of ends has it */
};

/* Room for so many jobs. False: out of memory. */
static bool make_jobs(struct past_details *d, uint32_t n) {
    d->plan.jobs = arena_array(&d->arena, struct plan_job, (size_t)n + 1);
    d->run.jobs = arena_array(&d->arena, struct job_result, (size_t)n + 1);
    d->outputs = arena_array(&d->arena, struct past_output, (size_t)n + 1);
    d->seqs = arena_array(&d->arena, uint32_t, (size_t)n + 1);
    d->causes = arena_array(&d->arena, int64_t, (size_t)n + 1);
    d->cause_names = arena_array(&d->arena, const char *, (size_t)n + 1);
    d->room = n;
    return d->plan.jobs && d->run.jobs && d->outputs && d->seqs && d->causes && d->cause_names;
}

/* How jobs without a row of a run that has not ended did, as its file of ends says. */
static int see_ends(struct past_details *d) {
    struct past *p = d->past;
    struct ends ends;
    int error = ends_open(&ends, p->folder, d->run.id, &d->alive);

    if (error) {
        snprintf(p->db.why, sizeof p->db.why, "run %s: %s", d->run.id, strerror(-error));
        return error;
    }
    for (uint32_t i = 0; i < ends.room; i++) {
        const struct end end = ends_at(&ends, i);

        if (end.status && end.job < d->nwaiting)
            d->waiting[end.job].status = end.status;
    }
    ends_release(&ends, NULL, NULL);
    return 0;
}

/* The types and names of all jobs of a run that has not ended, see record.c. */
static int read_pending(struct past_details *d, uint32_t jobs, const char *pending, size_t n) {
    const char *end = pending + n;

    d->waiting = arena_array(&d->arena, struct past_waiting, (size_t)jobs + 1);
    if (!d->waiting)
        return UV_ENOMEM;
    for (; d->nwaiting < jobs && pending < end; d->nwaiting++) {
        struct past_waiting *w = &d->waiting[d->nwaiting];
        const char *stop = memchr(pending, '\0', (size_t)(end - pending));

        if (!stop || stop == pending)
            return 0;
        w->type = *pending == 'c' ? RECORD_CPU : *pending == 'a' ? RECORD_AUTO : RECORD_IO;
        w->name = arena_strndup(&d->arena, pending + 1, (size_t)(stop - pending - 1));
        if (!w->name)
            return UV_ENOMEM;
        pending = stop + 1;
    }
    return 0;
}

/* The next job: its place; what is not set is as of one that never was. */
static uint32_t add_job(struct past_details *d, uint32_t seq) {
    uint32_t i = d->plan.njobs++;

    d->plan.jobs[i] = (struct plan_job){.name = "", .set = &d->sets[RECORD_IO]};
    d->run.jobs[i] = (struct job_result){.cause = NO_JOB, .worker = -1};
    d->seqs[i] = seq;
    d->causes[i] = -1;
    return i;
}

/* Adds jobs of the plan up to `seq` that have no row: what is not known of their ends was lost. */
static void add_waiting(struct past_details *d, uint32_t seq) {
    for (; d->next_waiting < seq && d->next_waiting < d->nwaiting; d->next_waiting++) {
        const struct past_waiting *w = &d->waiting[d->next_waiting];
        uint32_t i = add_job(d, d->next_waiting);
        struct job_result *j = &d->run.jobs[i];

        d->plan.jobs[i].name = w->name;
        d->plan.jobs[i].set = &d->sets[w->type];
        j->lane = w->type == RECORD_CPU ? LANE_CPU : LANE_IO;
        j->status = (uint8_t)w->status;
        if (j->status == STATUS_NONE && !d->alive) {
            j->status = STATUS_CANCELLED;
            j->reason = REASON_LOST;
            j->words = "lost: muster was killed";
        }
    }
}

static int load_row(void *ctx, struct row *r) {
    struct past_details *d = ctx;
    struct run_result *run = &d->run;
    const char *id = row_text(r), *pending;
    int64_t jobs, recorded;
    size_t n;

    if (!id)
        return r->lost ? UV_ENOMEM : damaged(d->past);
    snprintf(run->id, sizeof run->id, "%s", id);
    d->plan.name = row_copy(r, &d->arena);
    d->plan.path = row_copy(r, &d->arena);
    run->host = row_copy(r, &d->arena);
    run->cpus = (uint32_t)row_number(r);
    d->plan.io_limit = (uint32_t)row_number(r);
    d->plan.cpu_workers = (uint32_t)row_number(r);
    d->plan.deadline_ns = row_number(r);
    run->started = row_time(r);
    run->ended = row_time(r);
    run->wall_ns = row_number(r);
    run->exit = (int)row_number_or_none(r);
    run->interrupted_by = (int)row_number(r);
    run->deadline_passed = row_number(r) != 0;
    run->unkillable = (uint32_t)row_number(r);
    run->loop_lag_ns = row_number(r);
    jobs = row_number(r);
    recorded = row_number(r);
    pending = row_bytes(r, &n);
    if (r->lost)
        return UV_ENOMEM;
    /* Each job has a row or stands in `pending`, with at least two bytes. */
    if (!d->plan.name || !d->plan.path || !run->host || run->cpus == 0 || jobs < 0 ||
        jobs > recorded + (int64_t)n / 2)
        return damaged(d->past);
    if (recorded > UINT32_MAX / 2 ||
        !make_jobs(d, (uint32_t)recorded + (pending ? (uint32_t)jobs : 0)))
        return UV_ENOMEM;
    if (pending && read_pending(d, (uint32_t)jobs, pending, n) < 0)
        return UV_ENOMEM;
    return run->exit < 0 ? see_ends(d) : 0;
}

static int load_run(struct past_details *d) {
    int error = row_each(&d->past->db, load_row, d,
                         "SELECT name, title, manifest, host, cpus, io_limit, cpu_workers,"
                         " deadline, started, ended, wall, exit, interrupted_by,"
                         " deadline_passed, unkillable, loop_lag, jobs,"
                         " (SELECT count(*) FROM job WHERE run = run.id), pending"
                         " FROM run WHERE id = ?",
                         "i", d->row);

    return error || d->plan.name ? error : UV_ENOENT; /* removed meanwhile */
}

/* A job by the number of its row. */
struct past_seq {
    uint32_t seq, index;
};

static int compare_seq(const void *a, const void *b) {
    uint32_t x = ((const struct past_seq *)a)->seq, y = ((const struct past_seq *)b)->seq;

    return x < y ? -1 : x > y;
}

/* The place of the job with that row, or NO_JOB. */
static uint32_t find_job(const struct past_details *d, int64_t seq) {
    const struct past_seq key = {.seq = (uint32_t)seq}, *found = NULL;

    if (seq >= 0 && seq < UINT32_MAX)
        found = bsearch(&key, d->order, d->plan.njobs, sizeof *d->order, compare_seq);
    return found ? found->index : NO_JOB;
}

static int order_jobs(struct past_details *d) {
    d->order = arena_array(&d->arena, struct past_seq, d->plan.njobs);
    if (!d->order)
        return UV_ENOMEM;
    for (uint32_t i = 0; i < d->plan.njobs; i++)
        d->order[i] = (struct past_seq){d->seqs[i], i};
    qsort(d->order, d->plan.njobs, sizeof *d->order, compare_seq);
    return 0;
}

/* What an item is of its section, whose name ends where its own brackets begin. */
static int load_item(struct past_details *d, struct plan_job *job, const char *text,
                     int64_t index) {
    struct plan_items *items = arena_new(&d->arena, struct plan_items);
    struct plan_item *item = arena_new(&d->arena, struct plan_item);

    if (!items || !item)
        return UV_ENOMEM;
    items->section = arena_strndup(&d->arena, job->name, strcspn(job->name, "["));
    *item = (struct plan_item){.index = (uint64_t)index, .text = text};
    job->items = items;
    job->item = item;
    return items->section ? 0 : UV_ENOMEM;
}

static int load_job(struct past_details *d, uint32_t i, struct row *r) {
    struct plan_job *p = &d->plan.jobs[i];
    struct job_result *j = &d->run.jobs[i];
    const char *item = row_copy(r, &d->arena), *cause_name;
    int64_t index = row_number_or_none(r);
    uint8_t type;
    int error;

    cause_name = row_copy(r, &d->arena);
    p->name = row_name(r, &d->arena);
    type = row_word(r, record_types, RECORD_TYPES);
    p->set = &d->sets[type];
    p->action = type == RECORD_TASK ? ACTION_TASK : ACTION_NONE;
    j->moved = type == RECORD_AUTO_MOVED;
    j->lane = type == RECORD_IO || type == RECORD_AUTO ? LANE_IO : LANE_CPU;
    j->status = row_word(r, status_words, STATUSES);
    j->reason = row_word(r, reason_words, REASONS);
    j->words = row_copy(r, &d->arena);
    d->causes[i] = row_number_or_none(r);
    d->cause_names[i] = cause_name;
    j->flaky = row_number(r) != 0;
    j->allowed = row_number(r) != 0;
    j->worker = (int32_t)row_number_or_none(r);
    j->leftover = (uint32_t)row_number(r);
    j->unkillable = (uint32_t)row_number(r);
    j->wait_ns = row_number(r);
    d->outputs[i].size[OUTPUTS_OUT] = row_number(r);
    d->outputs[i].size[OUTPUTS_ERR] = row_number(r);
    d->outputs[i].lost = row_copy(r, &d->arena);
    error = row_facts(r, &j->facts);
    if (error)
        return error;
    return item && p->name ? load_item(d, p, item, index) : 0;
}

/* Rows have the numbers or the names of what they did not run because of. */
static int load_causes(struct past_details *d) {
    struct item_results *items = &d->run.items;

    items->causes = arena_array(&d->arena, struct run_cause, d->plan.njobs);
    if (!items->causes)
        return UV_ENOMEM;
    for (uint32_t i = 0; i < d->plan.njobs; i++) {
        if (d->cause_names[i]) {
            d->run.jobs[i].cause = d->plan.njobs + items->ncauses;
            items->causes[items->ncauses++] = (struct run_cause){.name = d->cause_names[i]};
        } else if (d->causes[i] >= 0) {
            d->run.jobs[i].cause = find_job(d, d->causes[i]);
        }
    }
    return 0;
}

static int load_job_row(void *ctx, struct row *r) {
    struct past_details *d = ctx;
    int64_t seq = row_number(r), section = row_number(r);

    if (seq < 0 || seq >= UINT32_MAX || section < 0 || section > seq)
        return damaged(d->past);
    add_waiting(d, (uint32_t)section);
    if (seq == section)
        d->next_waiting = (uint32_t)seq + 1;
    if (d->plan.njobs >= d->room)
        return damaged(d->past);
    return load_job(d, add_job(d, (uint32_t)seq), r);
}

static int load_jobs(struct past_details *d) {
    int error = row_each(&d->past->db, load_job_row, d,
                         "SELECT seq, section, item, item_index, cause_name, name, type,"
                         " status, reason, words, cause, flaky, allowed,"
                         " worker, leftover, unkillable, wait, out_size, err_size, lost,"
                         " outputs FROM job WHERE run = ? " IN_ORDER,
                         "i", d->row);

    if (!error && d->nwaiting - d->next_waiting <= d->room - d->plan.njobs)
        add_waiting(d, UINT32_MAX);
    if (!error)
        error = order_jobs(d);
    return error ? error : load_causes(d);
}

/* Of a run that has not ended it is not known how long it took: until its last
 * recorded attempt, at least. */
static void stretch(struct past_details *d, const struct attempt_result *a) {
    int64_t ended = a->start_ns + a->wall_ns;

    if (d->run.exit < 0 && d->run.wall_ns < ended)
        d->run.wall_ns = ended;
}

/* Of an attempt that was a request. */
static int load_http(struct past_details *d, struct attempt_result *a, struct row *r) {
    int64_t status = row_number_or_none(r);
    const char *line = row_text(r);
    size_t n = line ? strlen(line) + 1 : 1;

    if (r->lost)
        return UV_ENOMEM;
    if (status < 0)
        return 0;
    a->http = arena_alloc(&d->arena, sizeof *a->http + n);
    if (!a->http)
        return UV_ENOMEM;
    if (line)
        memcpy(a->http->line, line, n);
    a->http->status = (int)status;
    a->http->lookup_ns = row_number(r);
    a->http->connect_ns = row_number(r);
    a->http->tls_ns = row_number(r);
    a->http->first_byte_ns = row_number(r);
    a->http->sent = (uint64_t)row_number(r);
    a->http->received = (uint64_t)row_number(r);
    a->http->redirects = (uint32_t)row_number(r);
    return 0;
}

static int load_attempt(void *ctx, struct row *r) {
    struct past_details *d = ctx;
    uint32_t job = find_job(d, row_number(r)), n;
    struct attempt_result *rows, *a;
    struct job_result *j;

    if (job == NO_JOB)
        return damaged(d->past);
    j = &d->run.jobs[job];
    n = j->nattempts;
    if ((n & (n - 1)) == 0) { /* doubled whenever n is a power of two */
        rows = arena_array(&d->arena, struct attempt_result, n ? (size_t)n * 2 : 1);
        if (!rows)
            return UV_ENOMEM;
        if (n)
            memcpy(rows, j->attempts, n * sizeof *rows);
        j->attempts = rows;
    }
    a = &j->attempts[j->nattempts++];
    a->start_ns = row_number(r);
    a->wall_ns = row_number(r);
    a->user_us = row_number(r);
    a->sys_us = row_number(r);
    a->max_rss = (uint64_t)row_number(r);
    a->out_bytes = (uint64_t)row_number(r);
    a->err_bytes = (uint64_t)row_number(r);
    a->exit = (int16_t)row_number_or_none(r);
    a->signal = (uint8_t)row_number(r);
    a->status = row_word(r, status_words, STATUSES);
    a->reason = row_word(r, reason_words, REASONS);
    stretch(d, a);
    return load_http(d, a, r);
}

static int load_attempts(struct past_details *d) {
    return row_each(&d->past->db, load_attempt, d,
                    "SELECT seq, start, wall, user_us, sys_us, max_rss, out_bytes,"
                    " err_bytes, exit, signal, status, reason, http_status, http_line,"
                    " lookup, connect, tls, first_byte, sent, received, redirects"
                    " FROM attempt"
                    " WHERE run = ? ORDER BY seq, number",
                    "i", d->row);
}

/* A read transaction: all that is read is of one moment. */
static int load_all(struct past_details *d) {
    struct db *db = &d->past->db;
    int error = db_read(db);

    if (error)
        return error;
    error = load_run(d);
    if (!error)
        error = load_jobs(d);
    if (!error)
        error = load_attempts(d);
    if (!error)
        error = tracks_assign(&d->run);
    if (error)
        db_rollback(db);
    else
        error = db_commit(db);
    return error;
}

int past_load(struct past *p, int64_t row, struct past_details **out) {
    struct past_details *d = calloc(1, sizeof *d);
    int error;

    *out = NULL;
    if (!d)
        return UV_ENOMEM;
    arena_init(&d->arena, NULL);
    d->past = p;
    d->row = row;
    d->run.plan = &d->plan;
    d->sets[RECORD_CPU].type = d->sets[RECORD_TASK].type = LANE_CPU;
    for (int type = RECORD_AUTO; type < RECORD_TYPES; type++)
        d->sets[type].automatic = true;
    error = load_all(d);
    if (error) {
        past_details_free(d);
        return error;
    }
    *out = d;
    return 0;
}

struct past_details *past_details_free(struct past_details *d) {
    if (!d)
        return NULL;
    for (uint32_t i = 0; i < d->plan.njobs; i++)
        free(d->run.jobs[i].facts);
    arena_release(&d->arena);
    free(d);
    return NULL;
}

/* ---- output ---- */

static int read_file(struct past *p, int fd, int64_t at, past_bytes_cb take, void *ctx) {
    char *block = malloc(BLOCK);
    int error = block ? 0 : UV_ENOMEM;
    ssize_t n;

    while (!error) {
        n = pread(fd, block, BLOCK, (off_t)at);
        if (n == 0)
            break;
        if (n > 0) {
            at += n;
            error = take(ctx, block, (size_t)n);
        } else if (errno != EINTR) {
            error = -errno;
            snprintf(p->db.why, sizeof p->db.why, "%s: %s", OUTPUTS_DIR, strerror(-error));
        }
    }
    free(block);
    return error;
}

/* A stream in the database itself. UV_ENOENT: it is not there. */
static int read_row(struct past *p, sqlite3_stmt *rows, enum outputs_stream stream, int64_t from,
                    past_bytes_cb take, void *ctx) {
    const char *bytes = p->db.sqlite.column_blob(rows, (int)stream);
    int64_t n = p->db.sqlite.column_bytes(rows, (int)stream);

    if (!bytes && p->db.sqlite.column_type(rows, (int)stream) != SQLITE_NULL)
        return UV_ENOMEM;
    if (!bytes)
        return UV_ENOENT;
    return from < n ? take(ctx, bytes + from, (size_t)(n - from)) : 0;
}

int past_read(struct past *p, const struct past_details *d, uint32_t job,
              enum outputs_stream stream, int64_t from, past_bytes_cb take, void *ctx) {
    sqlite3_stmt *rows = NULL;
    int error, fd;

    if (d->outputs[job].size[stream] == 0)
        return 0;
    error = db_prepare(&p->db, &rows, "SELECT out, err FROM job WHERE run = ? AND seq = ?");
    if (!error)
        error = db_bind(&p->db, rows, "ii", d->row, (int64_t)d->seqs[job]);
    if (!error)
        error = db_step(&p->db, rows);
    if (error == 1)
        error = read_row(p, rows, stream, from, take, ctx);
    else if (!error)
        error = UV_ENOENT;
    db_finalize(&p->db, rows);
    if (error != UV_ENOENT)
        return error;
    fd = outputs_open(p->folder, d->run.id, d->seqs[job], stream);
    if (fd < 0)
        return fd;
    error = read_file(p, fd, from, take, ctx);
    close(fd);
    return error;
}
