/* SPDX-License-Identifier: MIT */
/* instances: the items of sections as jobs that live: made one at a time, gone when they have
 * ended. */
#include "run/instances.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "plan/item.h"
#include "run/kin.h"
#include "run/relations.h"
#include "run/roster.h"

#define SPARE_MAX   4096 /* of a section that live beside as many as its lane is wide: in backoff */
#define LEFT_MAX    10000 /* of a closed section that are given out */
#define PASSED_MAX  10000 /* items that nobody wants, in one go: some milliseconds */
#define KIN_MAX     65536 /* items of a family that not all have ended */
#define ARENA_BYTES 512   /* what an instance needs is mostly a name */

struct family {
    uint32_t *members;        /* sections, by their place in instances.sections */
    uint32_t nmembers, lead;  /* lead: the plan's job whose axes are read */
    uint64_t made;            /* items */
    struct kin *first, *last; /* of them, those that are not dropped yet */
    uint32_t nkin;
    bool bounded;  /* there are not to be too many */
    bool begun;    /* its source was asked */
    bool ended;    /* no more come */
    bool given_up; /* though there may be more */
    bool broken;   /* for want of memory */
    bool failed;   /* the source did */
    char *fault;   /* in words, or NULL */
};

struct section {
    uint32_t job, member; /* in the plan; in its family */
    struct family *family;
    uint32_t npairs;     /* edges by which it comes after others of its family */
    struct kin *cursor;  /* without such: the next to be taken; NULL: it is not made yet */
    struct due due;      /* with such */
    uint64_t taken;      /* items */
    uint32_t live, most; /* instances; how many may be */
    uint32_t unstarted;
    uint32_t after_close; /* given out since it was closed, or passed over */
    bool open, closed, queued;
    bool followed; /* others of its family come after it */
    struct closing closing;
};

struct instances {
    struct instances_opts opts;
    struct section *sections;
    uint32_t *by_job; /* the plan's: its section, or NO_SECTION */
    uint32_t nsections;
    struct family *families;
    uint32_t nfamilies;
    uint32_t *members; /* of all families */
    struct roster roster;
    uint32_t *work; /* sections that are queued: a ring */
    uint32_t work_first, work_count;
    bool rest; /* see instances_rest() */
};

/* --- sections and families ------------------------------------------------ */

static struct section *section_of(const struct instances *in, uint32_t job) {
    return &in->sections[in->by_job[job]];
}

static const struct plan_job *job_of(const struct instances *in, const struct section *s) {
    return &in->opts.plan->jobs[s->job];
}

static void queue(struct instances *in, struct section *s) {
    if (s->queued)
        return;
    s->queued = true;
    in->work[(in->work_first + in->work_count++) % in->nsections] = in->by_job[s->job];
}

static void queue_family(struct instances *in, const struct family *f) {
    for (uint32_t i = 0; i < f->nmembers; i++)
        queue(in, &in->sections[f->members[i]]);
}

bool instances_work(struct instances *in, uint32_t *section) {
    struct section *s;

    if (in->work_count == 0)
        return false;
    s = &in->sections[in->work[in->work_first]];
    in->work_first = (in->work_first + 1) % in->nsections;
    in->work_count--;
    s->queued = false;
    *section = s->job;
    return true;
}

void instances_put_off(struct instances *in, uint32_t section) {
    queue(in, section_of(in, section));
}

void instances_news(struct instances *in) {
    for (uint32_t i = 0; i < in->nsections; i++)
        if (in->sections[i].open || in->sections[i].closed)
            queue(in, &in->sections[i]);
}

/* --- making it ------------------------------------------------------------ */

/* Of each section that leads one; those of its family join it. */
static void make_family(struct instances *in, const struct relation *relations, uint32_t lead,
                        uint32_t *filled) {
    struct family *f = &in->families[in->nfamilies++];

    *f = (struct family){.members = in->members + *filled, .lead = in->sections[lead].job};
    for (uint32_t i = lead; i != NO_SECTION; i = relations[i].next) {
        struct section *s = &in->sections[i];

        s->family = f;
        s->npairs = relations[i].npairs;
        s->followed = relations[i].followed;
        s->member = f->nmembers;
        f->members[f->nmembers++] = i;
    }
    *filled += f->nmembers;
    f->bounded = f->nmembers > 1 && !relations[lead].knotted;
}

static int make_families(struct instances *in) {
    uint32_t n = in->nsections, filled = 0;
    struct relation *relations = calloc(n, sizeof *relations);
    int rc = relations ? relations_find(in->opts.plan, in->by_job, n, relations) : UV_ENOMEM;

    for (uint32_t i = 0; rc == 0 && i < n; i++)
        if (relations[i].lead == i)
            make_family(in, relations, i, &filled);
    free(relations);
    return rc;
}

struct instances *instances_new(const struct instances_opts *opts) {
    const struct plan *plan = opts->plan;
    struct instances *in = calloc(1, sizeof *in);
    uint32_t n = 0;

    if (!in)
        return NULL;
    for (uint32_t i = 0; i < plan->njobs; i++)
        n += job_has_items(&plan->jobs[i]);
    in->opts = *opts;
    in->opts.width = NULL; /* the caller's, and needed no more than here */
    in->roster = (struct roster){.first = plan->njobs, .own_bytes = opts->own_bytes};
    in->sections = calloc(n, sizeof *in->sections);
    in->families = calloc(n, sizeof *in->families);
    in->members = calloc(n, sizeof *in->members);
    in->work = calloc(n, sizeof *in->work);
    in->by_job = malloc(plan->njobs * sizeof *in->by_job);
    if (!in->sections || !in->families || !in->members || !in->work || !in->by_job)
        return instances_free(in);
    for (uint32_t i = 0; i < plan->njobs; i++) {
        struct section *s = &in->sections[in->nsections];

        in->by_job[i] = job_has_items(&plan->jobs[i]) ? in->nsections++ : NO_SECTION;
        if (in->by_job[i] == NO_SECTION)
            continue;
        s->job = i;
        s->most = opts->width[plan->jobs[i].set->type];
        s->most = s->most < UINT32_MAX - SPARE_MAX ? s->most + SPARE_MAX : UINT32_MAX;
    }
    return make_families(in) < 0 ? instances_free(in) : in;
}

/* No more items come. */
static void end_family(struct instances *in, struct family *f) {
    if (!f->ended && f->begun)
        in->opts.source->close(in->opts.source_ctx, f->lead);
    f->ended = true;
}

static void drop_kin(struct family *f, struct kin *k) {
    *(k->older ? &k->older->newer : &f->first) = k->newer;
    *(k->newer ? &k->newer->older : &f->last) = k->older;
    f->nkin--;
    free(k->item);
    free(k);
}

struct instances *instances_free(struct instances *in) {
    if (!in)
        return NULL;
    for (uint32_t i = 0; i < in->nfamilies; i++) {
        end_family(in, &in->families[i]);
        free(in->families[i].fault);
        while (in->families[i].first)
            drop_kin(&in->families[i], in->families[i].first);
    }
    roster_release(&in->roster);
    for (uint32_t i = 0; i < in->nsections; i++)
        free(in->sections[i].due.list);
    free(in->sections);
    free(in->families);
    free(in->members);
    free(in->work);
    free(in->by_job);
    free(in);
    return NULL;
}

struct instance *instances_at(const struct instances *in, uint32_t id) {
    return roster_at(&in->roster, id);
}

uint32_t instances_numbers(const struct instances *in) {
    return in->roster.count;
}

/* --- items ---------------------------------------------------------------- */

void instances_open(struct instances *in, uint32_t section) {
    struct section *s = section_of(in, section);

    s->open = true;
    queue(in, s);
}

bool instances_is_open(const struct instances *in, uint32_t section) {
    const struct section *s = section_of(in, section);

    return s->open || s->closed;
}

void instances_close(struct instances *in, uint32_t section, struct closing closing) {
    struct section *s = section_of(in, section);

    if (s->closed)
        return;
    s->closed = true;
    s->closing = closing;
    queue(in, s);
}

void instances_break(struct instances *in, uint32_t section) {
    struct family *f = section_of(in, section)->family;

    f->broken = true;
    end_family(in, f);
    queue_family(in, f);
}

bool instances_are_followed(const struct instances *in, uint32_t section) {
    return section_of(in, section)->followed;
}

/* Whether a section has an item of its list: all, or those that were selected. */
static bool has_item(const struct instances *in, const struct section *s,
                     const struct plan_item *item) {
    const char *const *only = job_of(in, s)->items->only;

    if (!only)
        return true;
    for (; *only; only++)
        if (!strcmp(*only, item->text))
            return true;
    return false;
}

/* The next item that one of the family has, with what is known of it: as item_source.next(). */
static int find_item(struct instances *in, struct family *f, struct kin *k) {
    f->begun = true;
    for (uint32_t passed = 0; passed < PASSED_MAX; passed++) {
        int got = in->opts.source->next(in->opts.source_ctx, f->lead, &k->item);

        if (got == UV_EAGAIN)
            break;
        if (got != 1)
            return got;
        k->refs = 0;
        for (uint32_t i = 0; i < f->nmembers; i++) {
            const struct section *s = &in->sections[f->members[i]];

            k->pairs[i] = (struct pair){
                .absent = !has_item(in, s, k->item), .left = s->npairs, .fare.cause = NO_JOB};
            k->refs += !k->pairs[i].absent;
        }
        if (k->refs > 0)
            return 1;
        free(k->item);
    }
    in->rest = true;
    for (uint32_t i = 0; i < f->nmembers; i++) {
        struct section *s = &in->sections[f->members[i]];

        s->after_close += s->closed ? PASSED_MAX : 0;
        queue(in, s);
    }
    return 0;
}

/* Another item for the family: 1, 0, or how it ended, as item_source.next(). */
static int make_kin(struct instances *in, struct family *f) {
    struct kin *k;
    int got;

    for (uint32_t i = 0; i < f->nmembers; i++) {
        struct section *s = &in->sections[f->members[i]];

        if (s->npairs > 0 && due_reserve(&s->due, (size_t)f->nkin + 1) < 0)
            return UV_ENOMEM;
    }
    k = calloc(1, sizeof *k + f->nmembers * sizeof *k->pairs);
    if (!k)
        return UV_ENOMEM;
    got = find_item(in, f, k);
    if (got != 1) {
        free(k);
        return got;
    }
    k->older = f->last;
    *(f->last ? &f->last->newer : &f->first) = k;
    f->last = k;
    f->nkin++;
    f->made++;
    for (uint32_t i = 0; i < f->nmembers; i++) {
        struct section *s = &in->sections[f->members[i]];

        s->taken += k->pairs[i].absent;
        if (s->npairs == 0 && !s->cursor && !k->pairs[i].absent)
            s->cursor = k;
    }
    return 1;
}

/* Whether the section, being closed, is not to get what is left of its list. */
static bool gives_up(const struct instances *in, const struct section *s) {
    const struct family *f = s->family;

    return s->closed && !f->ended &&
           ((s->after_close >= LEFT_MAX && !in->opts.all_left) ||
            (f->begun && in->opts.source->followed(in->opts.source_ctx, f->lead)));
}

/* The family's list has come to its end, by UV_EOF or an error. */
static void note_end(struct instances *in, struct family *f, int why) {
    const char *fault;

    if (why == UV_ENOMEM) {
        f->broken = true;
    } else if (why != UV_EOF) {
        fault = in->opts.source->fault(in->opts.source_ctx, f->lead);
        f->fault = strdup(fault ? fault : uv_strerror(why));
        f->failed = true;
    }
    end_family(in, f);
    queue_family(in, f);
}

/* The next item for a section, or NULL. */
static struct kin *next_kin(struct instances *in, struct section *s) {
    struct family *f = s->family;
    int got = 1;

    if (s->npairs > 0)
        return s->due.count > 0 ? due_pop(&s->due) : NULL;
    if (!s->cursor && gives_up(in, s)) {
        f->given_up = true;
        end_family(in, f);
        queue_family(in, f);
    }
    while (got == 1 && !s->cursor && !f->ended && (s->closed || !f->bounded || f->nkin < KIN_MAX)) {
        got = make_kin(in, f);
        if (got < 0)
            note_end(in, f, got);
    }
    return s->cursor;
}

/* It has ended for one of the family. */
static void leave_kin(struct instances *in, struct family *f, struct kin *k) {
    bool full = f->bounded && f->nkin >= KIN_MAX;

    if (--k->refs > 0)
        return;
    drop_kin(f, k);
    if (full)
        queue_family(in, f);
}

/* The section has taken an item. */
static void take_kin(struct section *s, struct kin *k) {
    s->taken++;
    if (s->npairs > 0)
        return;
    do
        k = k->newer;
    while (k && k->pairs[s->member].absent);
    s->cursor = k;
}

/* Makes an instance of an item. NULL when out of memory. */
static struct instance *make_instance(struct instances *in, struct section *s, struct kin *k) {
    const struct pair *pair = &k->pairs[s->member];
    struct instance *i = roster_take(&in->roster);

    if (!i)
        return NULL;
    i->section = s->job;
    i->kin = k;
    i->fault = NULL;
    i->closing = s->closed ? &s->closing : NULL;
    i->unstarted = true;
    i->dep_failed = pair->fare.failed;
    i->dep_unwanted = pair->fare.unwanted;
    i->cause = pair->fare.cause;
    i->told = pair->fare.told;
    i->result = (struct job_result){.cause = NO_JOB, .worker = -1};
    i->arena.first = ARENA_BYTES;
    if (item_make_job(in->opts.plan, job_of(in, s), k->item, &i->arena, &i->def, &i->fault) !=
        UV_ENOMEM)
        return i;
    roster_put(&in->roster, i);
    return NULL;
}

struct instance *instances_next(struct instances *in, uint32_t section) {
    struct section *s = section_of(in, section);
    struct instance *i;
    struct kin *k;

    if (!(s->open || s->closed) || s->family->broken ||
        (!s->closed && (s->unstarted > 0 || s->live >= s->most)))
        return NULL;
    k = next_kin(in, s);
    i = k ? make_instance(in, s, k) : NULL;
    if (k && !i) {
        if (s->npairs > 0)
            due_push(&s->due, k);
        instances_break(in, section);
    }
    if (!i)
        return NULL;
    take_kin(s, k);
    s->live++;
    s->unstarted++;
    s->after_close += s->closed;
    return i;
}

bool instances_rest(struct instances *in) {
    bool rest = in->rest;

    in->rest = false;
    return rest;
}

void instances_started(struct instances *in, struct instance *i) {
    struct section *s = section_of(in, i->section);

    if (!i->unstarted)
        return;
    i->unstarted = false;
    s->unstarted--;
    queue(in, s);
}

/* One more of those that an item comes after has ended. */
static void add_fare(struct telling *t, struct fare *sum, const struct fare *fare) {
    const struct told_set *told[] = {sum->told, fare->told};

    sum->unwanted = sum->unwanted || fare->unwanted;
    if (fare->failed && !sum->failed) {
        sum->failed = true;
        sum->cause = fare->cause;
    }
    sum->told = telling_join(t, told, 2);
}

void instances_ended(struct instances *in, struct instance *i, const struct fare *fare) {
    struct section *s = section_of(in, i->section);
    struct family *f = s->family;
    struct kin *k = i->kin;

    for (uint32_t m = 0; m < f->nmembers; m++) {
        struct section *other = &in->sections[f->members[m]];
        const struct plan_job *job = job_of(in, other);
        struct pair *pair = &k->pairs[m];

        for (uint32_t e = 0; !pair->absent && other->npairs > 0 && e < job->nafter; e++) {
            if (relations_pair(job, e) != i->section)
                continue;
            add_fare(in->opts.telling, &pair->fare, fare);
            if (--pair->left == 0) {
                due_push(&other->due, k);
                queue(in, other);
            }
        }
    }
    s->live--;
    s->unstarted -= i->unstarted;
    roster_put(&in->roster, i);
    leave_kin(in, f, k);
    queue(in, s);
}

enum instances_end instances_end(const struct instances *in, uint32_t section, const char **fault,
                                 struct closing *closing) {
    const struct section *s = section_of(in, section);
    const struct family *f = s->family;

    *fault = f->fault ? f->fault : uv_strerror(UV_ENOMEM);
    *closing = s->closing;
    if (s->live > 0 || !(s->open || s->closed))
        return INSTANCES_GO_ON;
    if (f->broken)
        return INSTANCES_FAILED;
    if (!f->ended || s->taken < f->made)
        return INSTANCES_GO_ON;
    if (f->given_up)
        return s->closed ? INSTANCES_LEFT : INSTANCES_DONE;
    if (f->failed)
        return INSTANCES_FAILED;
    return f->made > 0 ? INSTANCES_DONE : INSTANCES_NONE;
}
