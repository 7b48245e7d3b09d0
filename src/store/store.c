/* SPDX-License-Identifier: MIT */
/*
 * store: the history of a run as it goes on, written by a thread of its own.
 *
 * What is queued while a transaction is written makes the next one. Transactions
 * are COMMIT_EVERY_NS apart, unless the run ends: with thousands of jobs a second,
 * one each would cost more than all else that is done here. Nothing waits for them,
 * since that a job has ended, and how, is noted at once in a file of its own (ends.h):
 * a transaction for each job of a chain made it a third slower.
 */
#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/trace.h"
#include "store/entry.h"
#include "store/record.h"

#define COMMIT_EVERY_NS (20 * NS_PER_MS)
#define SYNC_EVERY_NS   NS_PER_S /* what a power cut may take */
#define BATCH_BYTES     (8U << 20)
/* Output that waits for the thread: with more, a disk that has stopped would fill
 * memory, or keep all descriptors. */
#define WAITING_BYTES_MAX (64U << 20)
#define WAITING_FILES_MAX 64
#define WAITING_MANY      (ENDS_ITEMS_MAX / 2) /* entries: as many items may run and end yet */

enum phase {
    RECORDING,
    FINISHING, /* no entry comes any more; `ended` says how the run did */
    FREEING,   /* nor anything else */
};

struct store {
    char *folder;
    uint32_t keep;
    const uint8_t *settled; /* see store_opts */
    const char *resumes;
    const struct run_result *run; /* main thread: as it goes on */
    uint32_t copies;              /* main thread: items that were added */
    struct definer definer;       /* main thread */
    pthread_t thread;
    bool running; /* main thread: it is to be joined */

    struct record record; /* the thread's, and the next six, too */
    bool open;            /* the record is: the run's row is there */
    bool closed;          /* it was, or could not be */
    uint32_t written;     /* entries in all transactions, that under way included */
    int64_t committed_at, synced_at;
    bool unsynced; /* committed and not synced */

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t work;  /* for the thread */
    pthread_cond_t done;  /* for the main thread, in store_wait() or store_finish() */
    struct entry *first, **last;
    size_t waiting_bytes; /* of all entries that are queued or being written */
    unsigned waiting_files;
    uint32_t waiting; /* entries */
    enum phase phase;
    bool late;         /* nothing is opened before the run has ended: descriptors are short */
    bool finished;     /* the run's end is recorded, or never will be */
    atomic_bool off;   /* nothing is recorded any more; read without the lock, too */
    bool lost;         /* see store_lost() */
    struct ends *ends; /* the record's, once it is there */
    char *trouble;     /* not told yet */
    int exit;
    void (*wake)(void *arg);
    void *wake_arg;
    struct run_result begun; /* the run as it began */
    struct run_result ended; /* and as it ended: jobs is NULL before */
};

/* See store_ready(). Locked. */
static bool is_ready(const struct store *s) {
    return s->ends || s->late || s->off;
}

/* It may have become so, or there is trouble. Locked. */
static void tell_main(struct store *s) {
    pthread_cond_signal(&s->done);
    if (s->wake)
        s->wake(s->wake_arg);
}

/* ---- trouble ---- */

/* A disk's fault, and not that of whoever set things up. */
static bool is_loss(int error) {
    return error == UV_ENOSPC || error == -EDQUOT || error == UV_EIO || error == UV_EFBIG;
}

/* Notes what went wrong, if nothing waits to be told. Locked. */
static void note(struct store *s, int error, const char *before, const char *words,
                 const char *behind) {
    s->lost = s->lost || is_loss(error);
    if (!s->trouble && asprintf(&s->trouble, "history: %s%s%s", before, words, behind) < 0)
        s->trouble = NULL;
    tell_main(s);
}

static void note_output(struct store *s, const struct entry *entry, int error) {
    char words[DB_WHY_MAX];

    snprintf(words, sizeof words, "%s: %s", entry->info.def->name, strerror(-error));
    note(s, error, "output of job ", words, "");
}

/* Nothing is recorded any more: the run goes on without. Locked. */
static void give_up(struct store *s, int error, const char *words) {
    s->off = true;
    s->ends = NULL;
    note(s, error, "", words,
         s->open ? "; the rest of this run is not recorded" : "; this run is not recorded");
}

/* ---- the thread ---- */

static void close_record(struct store *s) {
    pthread_mutex_lock(&s->lock);
    s->ends = NULL;
    pthread_mutex_unlock(&s->lock);
    if (!s->closed)
        record_close(&s->record);
    s->closed = true;
}

static void abandon(struct store *s, int error) {
    pthread_mutex_lock(&s->lock);
    give_up(s, error, s->record.db.why);
    pthread_mutex_unlock(&s->lock);
    close_record(s);
}

/* From now on an end is recorded as soon as it is added. */
static void tell_ready(struct store *s) {
    pthread_mutex_lock(&s->lock);
    s->ends = &s->record.ends;
    for (const struct entry *entry = s->first; entry; entry = entry->next)
        entry_note(entry, s->ends);
    tell_main(s);
    pthread_mutex_unlock(&s->lock);
}

/* Waits for the run to end where there are no descriptors before. */
static void wait_for_room(struct store *s) {
    pthread_mutex_lock(&s->lock);
    while (s->phase == RECORDING && s->late)
        pthread_cond_wait(&s->work, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

/* There are no descriptors. Whether there will be. */
static bool put_off(struct store *s) {
    bool later;

    pthread_mutex_lock(&s->lock);
    later = s->phase == RECORDING;
    s->late = true;
    tell_main(s);
    pthread_mutex_unlock(&s->lock);
    return later;
}

/* Opens the database and makes the run's row. */
static void open_record(struct store *s) {
    int error;

    for (;;) {
        wait_for_room(s);
        error = record_open(&s->record, s->folder, &s->begun);
        if (!error)
            error = record_begin(&s->record, s->settled, s->resumes);
        if ((error != UV_EMFILE && error != UV_ENFILE) || !put_off(s))
            break;
        record_close(&s->record);
    }
    if (error) {
        abandon(s, error);
        return;
    }
    s->open = s->unsynced = true;
    s->committed_at = s->synced_at = clock_ns();
    tell_ready(s);
    /* Now, beside the jobs, and not at the end, when muster would be waited for. */
    error = record_prune(&s->record, s->keep);
    if (!error)
        error = record_prepare(&s->record);
    if (error)
        abandon(s, error);
}

/* Whether what is queued is not to wait for more. Locked. */
static bool in_haste(const struct store *s) {
    return s->phase != RECORDING || s->off || s->waiting_bytes > BATCH_BYTES;
}

/* All that is to be recorded next. *end: it is the last. Nothing, and not the end:
 * it is time to sync. */
static struct entry *take_entries(struct store *s, bool *end) {
    struct entry *entries;

    pthread_mutex_lock(&s->lock);
    while (s->phase == RECORDING) {
        int64_t due = INT64_MAX;

        if (s->first && in_haste(s))
            break;
        if (s->first)
            due = s->committed_at + COMMIT_EVERY_NS;
        else if (s->unsynced && !s->off)
            due = s->synced_at + SYNC_EVERY_NS;
        if (clock_ns() >= due)
            break;
        thread_wait(&s->work, &s->lock, due);
    }
    *end = s->phase != RECORDING;
    entries = s->first;
    s->first = NULL;
    s->last = &s->first;
    pthread_mutex_unlock(&s->lock);
    return entries;
}

/* Frees entries, up to `rest`, and the room that they took. */
static void drop(struct store *s, struct entry *entries, const struct entry *rest) {
    size_t bytes = 0;
    unsigned files = 0;
    uint32_t dropped = 0;
    uint64_t copies = 0;

    while (entries != rest) {
        struct entry *next = entries->next;

        copies += entries->copy != NULL;
        bytes += entries->bytes;
        files += entries->files;
        dropped++;
        entry_free(entries);
        entries = next;
    }
    pthread_mutex_lock(&s->lock);
    s->waiting_bytes -= bytes;
    s->waiting_files -= files;
    s->waiting -= dropped;
    if (s->ends)
        ends_drop_items(s->ends, copies);
    pthread_mutex_unlock(&s->lock);
}

/* Writes entries into the transaction under way, up to BATCH_BYTES. *rest is what is left. */
static int write_entries(struct store *s, struct entry *entries, struct entry **rest) {
    size_t bytes = 0;
    int error = 0, lost;

    for (; entries && !error && bytes <= BATCH_BYTES; entries = entries->next) {
        const struct record_job job = {.info = entries->info,
                                       .seq = entries->seq,
                                       .cause = entries->cause,
                                       .definition = &entries->definition,
                                       .words = *entries->words ? entries->words : NULL,
                                       .out = entries->out,
                                       .err = entries->err,
                                       .lost = entries->lost};

        error = record_job(&s->record, &job, &lost);
        if (lost) {
            pthread_mutex_lock(&s->lock);
            note_output(s, entries, lost);
            pthread_mutex_unlock(&s->lock);
        }
        bytes += entries->bytes;
        s->written++;
    }
    *rest = entries;
    return error;
}

/* One transaction: the entries, as many as fit, and behind the last one, with `end`,
 * the run's end. Returns what is left of them. */
static struct entry *write_batch(struct store *s, struct entry *entries, bool end) {
    struct entry *rest = entries;
    int error = db_begin(&s->record.db);

    if (!error) {
        error = write_entries(s, entries, &rest);
        if (!error && end && !rest && s->ended.jobs)
            error = record_end(&s->record, &s->ended);
        if (!error)
            error = db_commit(&s->record.db);
        if (error)
            db_rollback(&s->record.db);
    }
    if (error) {
        abandon(s, error);
        return entries;
    }
    trace(TRACE_RUN, "history: %u jobs recorded", s->written);
    s->unsynced = true;
    s->committed_at = clock_ns();
    drop(s, entries, rest);
    return rest;
}

static void sync_record(struct store *s) {
    int error;

    if (s->off || !s->unsynced)
        return;
    error = db_sync(&s->record.db);
    if (!error)
        error = db_tidy(&s->record.db);
    s->unsynced = false;
    s->synced_at = clock_ns();
    if (error)
        abandon(s, error);
}

/* From the run's beginning to its end. */
static void record_run(struct store *s) {
    bool end = false;

    while (!end) {
        struct entry *entries = take_entries(s, &end);

        if (entries || end)
            do {
                if (!s->off)
                    entries = write_batch(s, entries, end);
            } while (entries && !s->off);
        drop(s, entries, NULL);
        if (!end && clock_ns() >= s->synced_at + SYNC_EVERY_NS)
            sync_record(s);
    }
}

/* The main thread goes on with its reports, and has the last word. */
static void wait_for_reports(struct store *s) {
    int error, exit;

    pthread_mutex_lock(&s->lock);
    s->finished = true;
    pthread_cond_signal(&s->done);
    pthread_mutex_unlock(&s->lock);
    sync_record(s);
    error = s->off ? 0 : record_prune_outputs(&s->record);
    if (error)
        abandon(s, error);
    pthread_mutex_lock(&s->lock);
    while (s->phase != FREEING)
        pthread_cond_wait(&s->work, &s->lock);
    exit = s->exit;
    pthread_mutex_unlock(&s->lock);
    if (!s->off && s->ended.jobs && exit != s->ended.exit) {
        error = record_exit(&s->record, exit);
        s->unsynced = true;
        if (error)
            abandon(s, error);
        sync_record(s);
    }
}

static void *store_main(void *arg) {
    struct store *s = arg;

    open_record(s);
    record_run(s);
    wait_for_reports(s);
    close_record(s);
    return NULL;
}

/* ---- the main thread's side ---- */

struct store *store_new(const struct store_opts *opts) {
    struct store *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->folder = strdup(opts->folder);
    if (!s->folder) {
        free(s);
        return NULL;
    }
    s->keep = opts->keep;
    s->settled = opts->settled;
    s->resumes = opts->resumes;
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    thread_cond_init(&s->work);
    thread_cond_init(&s->done);
    return s;
}

void store_begin(struct store *s, const struct run_result *run, bool roomy, void (*wake)(void *arg),
                 void *arg) {
    int error;

    pthread_mutex_lock(&s->lock);
    s->begun = *run;
    s->run = run;
    definer_init(&s->definer, run->plan);
    s->late = !roomy;
    s->wake = wake;
    s->wake_arg = arg;
    error = thread_start(&s->thread, store_main, s);
    s->running = error == 0;
    if (error)
        give_up(s, error, strerror(-error));
    pthread_mutex_unlock(&s->lock);
}

void store_rest(struct store *s) {
    pthread_mutex_lock(&s->lock);
    s->wake = NULL;
    pthread_mutex_unlock(&s->lock);
}

/* Queues an entry. Locked. */
static void enqueue(struct store *s, struct entry *entry) {
    bool first = !s->first; /* the thread waits for one, or with those before it for time to pass */

    if ((entry->output_bytes > 0 && s->waiting_bytes + entry->bytes > WAITING_BYTES_MAX) ||
        (entry->files > 0 && s->waiting_files + entry->files > (s->late ? 0 : WAITING_FILES_MAX))) {
        entry_lose(entry, s->late ? UV_EMFILE : UV_EBUSY);
        s->lost = true;
        note_output(s, entry, entry->lost);
    }
    if (s->ends)
        entry_note(entry, s->ends);
    s->waiting_bytes += entry->bytes;
    s->waiting_files += entry->files;
    s->waiting++;
    *s->last = entry;
    s->last = &entry->next;
    if (first || in_haste(s))
        pthread_cond_signal(&s->work);
}

void store_add(struct store *s, const struct job_info *job, const char *words, struct capture *out,
               struct capture *err) {
    struct entry *entry = atomic_load(&s->off) ? NULL : entry_new(s->run, job, words);

    pthread_mutex_lock(&s->lock);
    if (!entry && !s->off)
        give_up(s, UV_ENOMEM, strerror(ENOMEM));
    if (s->off) {
        entry_free(entry);
    } else {
        if (entry->copy)
            entry->seq = s->run->plan->njobs + s->copies++;
        entry->definition = definer_job(&s->definer, job->def);
        entry_share(entry, out, err);
        enqueue(s, entry);
    }
    pthread_mutex_unlock(&s->lock);
}

bool store_ready(struct store *s) {
    bool ready;

    pthread_mutex_lock(&s->lock);
    ready = is_ready(s);
    pthread_mutex_unlock(&s->lock);
    return ready;
}

bool store_behind(struct store *s) {
    bool behind;

    pthread_mutex_lock(&s->lock);
    behind = s->waiting > WAITING_MANY;
    pthread_mutex_unlock(&s->lock);
    return behind;
}

void store_wait(struct store *s) {
    pthread_mutex_lock(&s->lock);
    while (s->running && !is_ready(s))
        pthread_cond_wait(&s->done, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void store_finish(struct store *s, const struct run_result *run) {
    pthread_mutex_lock(&s->lock);
    s->phase = FINISHING;
    s->ended = *run;
    s->exit = run->exit;
    pthread_cond_signal(&s->work);
    while (s->running && !s->finished)
        pthread_cond_wait(&s->done, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

char *store_trouble(struct store *s) {
    char *trouble;

    pthread_mutex_lock(&s->lock);
    trouble = s->trouble;
    s->trouble = NULL;
    pthread_mutex_unlock(&s->lock);
    return trouble;
}

bool store_lost(struct store *s) {
    bool lost;

    pthread_mutex_lock(&s->lock);
    lost = s->lost;
    pthread_mutex_unlock(&s->lock);
    return lost;
}

void store_close(struct store *s, int exit) {
    pthread_mutex_lock(&s->lock);
    s->phase = FREEING;
    s->exit = exit;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    if (s->running)
        pthread_join(s->thread, NULL);
    s->running = false;
}

struct store *store_free(struct store *s) {
    if (!s)
        return NULL;
    if (s->running)
        store_close(s, s->exit);
    pthread_cond_destroy(&s->done);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    free(s->trouble);
    free(s->folder);
    free(s);
    return NULL;
}
