/* SPDX-License-Identifier: MIT */
/* explain: why jobs waited, were tried again, or did not run: told behind the run. */
#include "cli/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define ITEMS_TOLD 10000 /* of more than these it is told how many there were */
#define NO_STORY   UINT32_MAX
#define WORDS_MAX  1024
#define WAITS_MIN  NS_PER_MS /* what is shorter is none */

/* Of one job: whole lines behind its name, each with a newline. */
struct story {
    uint32_t section;
    uint64_t index; /* of an item */
    char *name;     /* of an item; else NULL */
    char *lines;    /* NULL: there are none; else so many bytes, and a NUL */
    size_t n;
};

struct explain {
    const struct run_result *run;
    struct story *stories;
    uint32_t count, cap;
    uint32_t *open; /* stories of jobs that have not ended, by the jobs' numbers */
    uint32_t nopen;
    uint64_t items, untold;
};

struct explain *explain_new(const struct run_result *run) {
    struct explain *e = calloc(1, sizeof *e);

    if (e)
        e->run = run;
    return e;
}

struct explain *explain_free(struct explain *e) {
    if (!e)
        return NULL;
    for (uint32_t i = 0; i < e->count; i++) {
        free(e->stories[i].name);
        free(e->stories[i].lines);
    }
    free(e->stories);
    free(e->open);
    free(e);
    return NULL;
}

/* Room for a job's number. */
static bool reserve_number(struct explain *e, uint32_t id) {
    uint32_t count = id < UINT32_MAX / 2 ? id * 2 + 16 : UINT32_MAX, *open;

    if (id < e->nopen)
        return true;
    open = reallocarray(e->open, count, sizeof *open);
    if (!open)
        return false;
    for (uint32_t i = e->nopen; i < count; i++)
        open[i] = NO_STORY;
    e->open = open;
    e->nopen = count;
    return true;
}

/* Whether a job's story has begun. */
static bool has_begun(const struct explain *e, const struct job_info *job) {
    return job->id < e->nopen && e->open[job->id] != NO_STORY;
}

/* Begins a job's story. NULL: it is not told. */
static struct story *new_story(struct explain *e, const struct job_info *job) {
    const struct plan_item *item = job->def->item;
    uint32_t cap = e->cap ? e->cap * 2 : 64;
    struct story story = {.section = job->section}, *stories;

    if (item && e->items >= ITEMS_TOLD)
        return NULL;
    if (e->count == e->cap) {
        stories = reallocarray(e->stories, cap, sizeof *stories);
        if (!stories)
            return NULL;
        e->stories = stories;
        e->cap = cap;
    }
    if (item) {
        story.index = item->index;
        story.name = strdup(job->def->name);
        if (!story.name)
            return NULL;
        e->items++;
    }
    e->open[job->id] = e->count;
    e->stories[e->count] = story;
    return &e->stories[e->count++];
}

/* One line more about a job. */
static void add(struct explain *e, const struct job_info *job, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void add(struct explain *e, const struct job_info *job, const char *fmt, ...) {
    struct story *story;
    char *line, *lines;
    va_list args;
    int n;

    if (!reserve_number(e, job->id))
        return;
    story = has_begun(e, job) ? &e->stories[e->open[job->id]] : new_story(e, job);
    if (!story)
        return;
    va_start(args, fmt);
    n = vasprintf(&line, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    lines = realloc(story->lines, story->n + (size_t)n + 2); /* in place, for the most part */
    if (lines) {
        memcpy(lines + story->n, line, (size_t)n);
        story->lines = lines;
        story->n += (size_t)n + 1;
        memcpy(lines + story->n - 1, "\n", 2);
    }
    free(line);
}

/* ---- waiting ---- */

static const char *job_words(const struct explain *e, const struct plan_job *job, uint32_t before,
                             char *buf, size_t n) {
    const struct plan_job *b = &e->run->plan->jobs[before];

    if (b->set->service)
        snprintf(buf, n, "for service %s to be ready", b->name);
    else if (job->nafter > 1)
        snprintf(buf, n, "for %s, the last of %" PRIu32, b->name, job->nafter);
    else
        snprintf(buf, n, "for %s", b->name);
    return buf;
}

static const char *slot_words(const struct explain *e, const struct plan_job *job, uint32_t lane,
                              char *buf, size_t n) {
    const struct plan *plan = e->run->plan;

    if (lane == LANE_IO)
        snprintf(buf, n, "for a slot in the I/O lane (%" PRIu32 " at once)", plan->io_limit);
    else if (job->set->cpus > 1)
        snprintf(buf, n, "for %" PRIu32 " CPU workers (of %" PRIu32 ")", job->set->cpus,
                 plan->cpu_workers);
    else
        snprintf(buf, n, "for a CPU worker (of %" PRIu32 ")", plan->cpu_workers);
    return buf;
}

static const char *rate_unit(int64_t per_ns) {
    return per_ns == NS_PER_S ? "s" : per_ns == 60 * NS_PER_S ? "m" : "h";
}

static const char *limit_words(const struct explain *e, const struct wait *wait, char *buf,
                               size_t n) {
    const struct plan_limit *limit = &e->run->plan->limits[wait->what];

    if (limit->of_worker)
        snprintf(buf, n, "for a process of worker %s (%" PRIu32 " at once)", limit->name,
                 limit->concurrency);
    else if (wait->kind == WAIT_CONCURRENCY)
        snprintf(buf, n, "for limit %s (concurrency %" PRIu32 ")", limit->name, limit->concurrency);
    else if (wait->kind == WAIT_RATE)
        snprintf(buf, n, "for limit %s (rate %" PRIu32 "/%s)", limit->name, limit->rate.count,
                 rate_unit(limit->rate.per_ns));
    else
        snprintf(buf, n, "for limit %s (its circuit was open)", limit->name);
    return buf;
}

static const char *memory_words(const struct explain *e, const struct plan_job *job, char *buf,
                                size_t n) {
    char wanted[TEXT_FORMAT_MAX], all[TEXT_FORMAT_MAX];

    snprintf(buf, n, "for memory (%s of %s)",
             text_format_size(job->set->memory, wanted, sizeof wanted),
             text_format_size(e->run->plan->memory, all, sizeof all));
    return buf;
}

static const char *wait_words(const struct explain *e, const struct plan_job *job,
                              const struct wait *wait, char *buf, size_t n) {
    switch (wait->kind) {
    case WAIT_JOB:
        return job_words(e, job, wait->what, buf, n);
    case WAIT_SLOT:
        return slot_words(e, job, wait->what, buf, n);
    case WAIT_GRANT:
        return "for make to grant another job";
    case WAIT_ROOM:
        return "for the machine to have room for a process";
    case WAIT_MEMORY:
        return memory_words(e, job, buf, n);
    default:
        return limit_words(e, wait, buf, n);
    }
}

void explain_waited(struct explain *e, const struct job_info *job, const struct wait *list,
                    size_t count) {
    char words[WORDS_MAX], one[WORDS_MAX], wall[TEXT_FORMAT_MAX];
    size_t at = 0;

    for (size_t i = 0; e && i < count && at < sizeof words; i++)
        if (list[i].ns >= WAITS_MIN)
            at += (size_t)snprintf(words + at, sizeof words - at, "%s%s %s", at ? ", " : "",
                                   text_format_wall(list[i].ns, wall, sizeof wall),
                                   wait_words(e, job->def, &list[i], one, sizeof one));
    if (at == 0)
        return;
    if (job_has_items(job->def))
        add(e, job, "its items waited %s", words);
    else if (job->result->nattempts > 0)
        add(e, job, "attempt %" PRIu32 " waited %s", job->result->nattempts + 1, words);
    else
        add(e, job, "waited %s", words);
}

/* ---- attempts and ends ---- */

void explain_retry(struct explain *e, const struct job_info *job, int64_t delay_ns,
                   const char *reason) {
    char delay[TEXT_FORMAT_MAX];

    if (e)
        add(e, job, "tried again %s after attempt %" PRIu32 " of %" PRIu64 ": %s",
            text_format_wall(delay_ns, delay, sizeof delay), job->result->nattempts,
            (uint64_t)job->def->set->retries + 1, reason);
}

/* Which of those that a job comes after was not wanted; NULL: none that is known. */
static const char *unwanted_before(const struct explain *e, const struct plan_job *job) {
    for (uint32_t k = 0; k < job->nafter; k++)
        if (e->run->jobs[job->after[k]].settled == SETTLED_SKIPPED)
            return e->run->plan->jobs[job->after[k]].name;
    return NULL;
}

/* Nothing went wrong, and yet it did not run, or not to its end. */
static void add_choice(struct explain *e, const struct job_info *job) {
    const struct job_result *r = job->result;
    const struct plan_job *def = job->def;
    const char *before = unwanted_before(e, def);

    if (r->nattempts > 0)
        add(e, job, "skipped: its skip-exit has %d", r->attempts[r->nattempts - 1].exit);
    else if (def->set->when == WHEN_FAILURE)
        add(e, job, "skipped: when = failure, and nothing that it comes after failed");
    else if (before)
        add(e, job, "skipped: %s was, by choice", before);
    else if (job_has_items(def))
        add(e, job, "skipped: it has no items");
    else
        add(e, job, "skipped by choice");
}

void explain_done(struct explain *e, const struct job_info *job, const char *reason) {
    const struct job_result *r = job->result;

    if (!e)
        return;
    if (r->status == STATUS_SKIPPED && r->reason == REASON_NONE)
        add_choice(e, job);
    else if (r->status == STATUS_SKIPPED)
        add(e, job, "skipped %s", reason);
    else if (r->status == STATUS_CANCELLED)
        add(e, job, "%s: %s", r->nattempts ? "stopped" : "not started", reason);
    else if (r->status == STATUS_RESUMED)
        add(e, job, "left out: an earlier run has %s it",
            r->settled == SETTLED_SKIPPED ? "skipped" : "done");
    else if (r->reason == REASON_BREAKER)
        add(e, job, "not started: %s", reason);
    if (!has_begun(e, job))
        add(e, job, "started at once");
    if (has_begun(e, job))
        e->open[job->id] = NO_STORY;
    else if (job->def->item)
        e->untold++;
}

/* ---- behind the run ---- */

static int compare(const void *a, const void *b) {
    const struct story *x = a, *y = b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    /* What is of the section itself has no name. */
    if (!x->name != !y->name)
        return x->name ? 1 : -1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void write_story(const struct explain *e, const struct story *s, FILE *out) {
    const char *name = s->name ? s->name : e->run->plan->jobs[s->section].name, *end;

    for (const char *line = s->lines; line && *line; line = end + 1) {
        end = strchr(line, '\n');
        fputs("job ", out);
        text_visible_write(out, name, strlen(name), NULL);
        fputs(": ", out);
        text_visible_write(out, line, (size_t)(end - line), NULL);
        fputc('\n', out);
    }
}

static void write_all(const struct explain *e, FILE *out) {
    fputs("--- explain ---\n", out);
    for (uint32_t i = 0; i < e->count; i++)
        write_story(e, &e->stories[i], out);
    if (e->untold > 0)
        fprintf(out, "%" PRIu64 " more items are not told of\n", e->untold);
}

void explain_write(struct explain *e, FILE *out) {
    char *text = NULL;
    size_t n = 0;
    FILE *whole = open_memstream(&text, &n); /* standard error has no buffer */

    if (e->count > 0)
        qsort(e->stories, e->count, sizeof *e->stories, compare);
    write_all(e, whole ? whole : out);
    if (whole && fclose(whole) == 0)
        fwrite(text, 1, n, out);
    free(text);
    fflush(out);
}
