/* SPDX-License-Identifier: MIT */
/* instances: the items of sections as jobs that live: made one at a time, gone when they have
 * ended. */
#include "run/instances.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "plan/item.h"

#define NO_SECTION  UINT32_MAX
#define SPARE_MAX   4096 /* of a section that live beside as many as its lane is wide: in backoff */
#define LEFT_MAX    10000 /* of a closed section that are given out */
#define KIN_MAX     65536 /* items of a family that not all have ended */
#define ARENA_BYTES 512   /* what an instance needs is mostly a name */

/* How those of its family that come after an item's others have fared. */
struct pair {
    uint32_t left; /* of those it comes after, that have not ended */
    struct fare fare;
};

/* An item and what a family needs of it. */
struct kin {
    struct kin *older, *newer; /* of the family, in the order of the list */
    struct plan_item *item;
    uint32_t refs;       /* members for which it has not ended */
    struct pair pairs[]; /* of each member */
};

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

/* Kin that may be made instances of a section, the lowest index first: a binary heap. */
struct due {
    struct kin **list;
    size_t count, cap;
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
    uint32_t after_close; /* given out since it was closed */
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
    uint32_t *members;    /* of all families */
    struct instance **at; /* by number less the plan's */
    uint32_t count, cap;
    uint32_t *unused; /* numbers to be used again, the latest first */
    uint32_t nunused;
    uint32_t *work; /* sections that are queued: a ring */
    uint32_t work_first, work_count;
};

/* --- the due -------------------------------------------------------------- */

static bool due_before(const struct kin *a, const struct kin *b) {
    return a->item->index < b->item->index;
}

/* Room for one more, taken when the kin is made, so that a push cannot fail. */
static int due_reserve(struct due *d, size_t n) {
    struct kin **list;

    if (n <= d->cap)
        return 0;
    n = n * 2 + 16;
    list = reallocarray(d->list, n, sizeof *list);
    if (!list)
        return UV_ENOMEM;
    d->list = list;
    d->cap = n;
    return 0;
}

static void due_push(struct due *d, struct kin *k) {
    size_t at = d->count++;

    while (at > 0 && due_before(k, d->list[(at - 1) / 2])) {
        d->list[at] = d->list[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    d->list[at] = k;
}

static struct kin *due_pop(struct due *d) {
    struct kin *first = d->list[0], *last = d->list[--d->count];
    size_t at = 0;

    for (;;) {
        size_t down = 2 * at + 1;

        if (down >= d->count)
            break;
        if (down + 1 < d->count && due_before(d->list[down + 1], d->list[down]))
            down++;
        if (!due_before(d->list[down], last))
            break;
        d->list[at] = d->list[down];
        at = down;
    }
    d->list[at] = last;
    return first;
}

/* --- sections and families ------------------------------------------------ */

static struct section *section_of(const struct instances *in, uint32_t job) {
    return &in->sections[in->by_job[job]];
}

static const struct plan_job *job_of(const struct instances *in, const struct section *s) {
    return &in->opts.plan->jobs[s->job];
}

/* The k-th job that another comes after, when by items with the same values; else NULL. */
static struct section *pair_of(const struct instances *in, const struct plan_job *job, uint32_t k) {
    return job->after_items && job->after_items[k] == AFTER_SAME ? section_of(in, job->after[k])
                                                                 : NULL;
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

void instances_news(struct instances *in) {
    for (uint32_t i = 0; i < in->nsections; i++)
        if (in->sections[i].open || in->sections[i].closed)
            queue(in, &in->sections[i]);
}

/* --- making it ------------------------------------------------------------ */

/* Puts each section into the family of those it is joined with: `root` leads to one of them. */
static uint32_t find_root(uint32_t *root, uint32_t i) {
    while (root[i] != i)
        i = root[i] = root[root[i]];
    return i;
}

static void join(struct instances *in, uint32_t *root) {
    for (uint32_t i = 0; i < in->nsections; i++)
        root[i] = i;
    for (uint32_t i = 0; i < in->nsections; i++) {
        const struct plan_job *job = job_of(in, &in->sections[i]);

        for (uint32_t k = 0; k < job->nafter; k++) {
            const struct section *other = pair_of(in, job, k);
            uint32_t a, b;

            if (!other)
                continue;
            in->sections[i].npairs++;
            in->sections[other - in->sections].followed = true;
            a = find_root(root, i);
            b = find_root(root, (uint32_t)(other - in->sections));
            root[a > b ? a : b] = a > b ? b : a; /* the first in the manifest leads */
        }
    }
}

/*
 * Whether one of a family waits, by another way than `[*]`, for one of the same
 * family to have ended wholly: then its items must not wait for those that wait.
 */
static bool waits_for_itself(const struct instances *in, const struct family *f, char *seen,
                             uint32_t *stack) {
    const struct plan *plan = in->opts.plan;

    memset(seen, 0, plan->njobs);
    for (uint32_t m = 0; m < f->nmembers; m++) {
        uint32_t n = 0, member = in->sections[f->members[m]].job;
        bool first = true;

        stack[n++] = member;
        while (n > 0) {
            const struct plan_job *job = &plan->jobs[stack[--n]];

            for (uint32_t k = 0; k < job->nafter; k++) {
                uint32_t before = job->after[k];
                const struct section *s =
                    job_has_items(&plan->jobs[before]) ? section_of(in, before) : NULL;

                if (first && pair_of(in, job, k))
                    continue;
                if (s && s->family == f)
                    return true;
                if (!seen[before]) {
                    seen[before] = 1;
                    stack[n++] = before;
                }
            }
            first = false;
        }
    }
    return false;
}

static int make_families(struct instances *in) {
    uint32_t n = in->nsections, *root = malloc(n * sizeof *root);
    uint32_t *stack = malloc(((size_t)in->opts.plan->njobs + 1) * sizeof *stack), filled = 0;
    char *seen = malloc((size_t)in->opts.plan->njobs + 1);
    bool good = root && stack && seen;

    if (good)
        join(in, root);
    for (uint32_t i = 0; good && i < n; i++) {
        struct family *f;

        if (find_root(root, i) != i)
            continue;
        f = &in->families[in->nfamilies++];
        *f = (struct family){.members = in->members + filled, .lead = in->sections[i].job};
        for (uint32_t k = i; k < n; k++)
            if (find_root(root, k) == i) {
                in->sections[k].family = f;
                in->sections[k].member = f->nmembers;
                f->members[f->nmembers++] = k;
            }
        filled += f->nmembers;
    }
    for (uint32_t i = 0; good && i < in->nfamilies; i++)
        if (in->families[i].nmembers > 1)
            in->families[i].bounded = !waits_for_itself(in, &in->families[i], seen, stack);
    free(root);
    free(stack);
    free(seen);
    return good ? 0 : UV_ENOMEM;
}

struct instances *instances_new(const struct instances_opts *opts, bool *none) {
    const struct plan *plan = opts->plan;
    struct instances *in;
    uint32_t n = 0;

    for (uint32_t i = 0; i < plan->njobs; i++)
        n += job_has_items(&plan->jobs[i]);
    *none = n == 0;
    in = n > 0 ? calloc(1, sizeof *in) : NULL;
    if (!in)
        return NULL;
    in->opts = *opts;
    in->opts.width = NULL; /* the caller's, and needed no more than here */
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

static void release_def(struct instance *i) {
    arena_release(&i->arena);
    for (uint32_t k = 0; k < i->result.nattempts; k++)
        attempt_result_release(&i->result.attempts[k]);
    free(i->result.attempts);
    free(i->result.facts);
    i->result = (struct job_result){0};
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
    for (uint32_t i = 0; i < in->count; i++) {
        release_def(in->at[i]);
        free(in->at[i]);
    }
    for (uint32_t i = 0; i < in->nsections; i++)
        free(in->sections[i].due.list);
    free(in->at);
    free(in->unused);
    free(in->sections);
    free(in->families);
    free(in->members);
    free(in->work);
    free(in->by_job);
    free(in);
    return NULL;
}

/* --- numbers -------------------------------------------------------------- */

struct instance *instances_at(const struct instances *in, uint32_t id) {
    return in->at[id - in->opts.plan->njobs];
}

uint32_t instances_numbers(const struct instances *in) {
    return in->count;
}

/* Room in both tables for another number. */
static int reserve_number(struct instances *in) {
    uint32_t cap = in->cap ? in->cap * 2 : 64;
    struct instance **at;
    uint32_t *unused;

    if (in->count < in->cap)
        return 0;
    at = reallocarray(in->at, cap, sizeof(struct instance *));
    if (at)
        in->at = at;
    unused = reallocarray(in->unused, cap, sizeof *unused);
    if (unused)
        in->unused = unused;
    if (!at || !unused)
        return UV_ENOMEM;
    in->cap = cap;
    return 0;
}

/* One that is not in use, the latest that was; NULL when out of memory. */
static struct instance *new_instance(struct instances *in) {
    struct instance *i;

    if (in->nunused > 0) {
        i = in->at[in->unused[--in->nunused]];
    } else {
        if (reserve_number(in) < 0)
            return NULL;
        i = calloc(1, sizeof *i + in->opts.own_bytes);
        if (!i)
            return NULL;
        i->id = in->opts.plan->njobs + in->count;
        in->at[in->count++] = i;
    }
    i->used = true;
    return i;
}

static void put_back(struct instances *in, struct instance *i) {
    release_def(i);
    i->used = i->unstarted = false;
    i->kin = NULL;
    in->unused[in->nunused++] = i->id - in->opts.plan->njobs;
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

/* Another item for the family: 1, 0, or how it ended, as item_source.next(). */
static int make_kin(struct instances *in, struct family *f) {
    struct plan_item *item;
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
    f->begun = true;
    got = in->opts.source->next(in->opts.source_ctx, f->lead, &item);
    if (got != 1) {
        free(k);
        return got;
    }
    *k = (struct kin){.older = f->last, .item = item, .refs = f->nmembers};
    *(f->last ? &f->last->newer : &f->first) = k;
    f->last = k;
    f->nkin++;
    f->made++;
    for (uint32_t i = 0; i < f->nmembers; i++) {
        struct section *s = &in->sections[f->members[i]];

        k->pairs[i] = (struct pair){.left = s->npairs, .fare.cause = NO_JOB};
        if (s->npairs == 0 && !s->cursor)
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
    int got;

    if (s->npairs > 0)
        return s->due.count > 0 ? due_pop(&s->due) : NULL;
    if (!s->cursor && gives_up(in, s)) {
        f->given_up = true;
        end_family(in, f);
        queue_family(in, f);
    }
    if (!s->cursor && !f->ended && (s->closed || !f->bounded || f->nkin < KIN_MAX)) {
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
    if (s->npairs == 0)
        s->cursor = k->newer;
}

/* Makes an instance of an item. NULL when out of memory. */
static struct instance *make_instance(struct instances *in, struct section *s, struct kin *k) {
    const struct pair *pair = &k->pairs[s->member];
    struct instance *i = new_instance(in);

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
    put_back(in, i);
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

        for (uint32_t e = 0; other->npairs > 0 && e < job->nafter; e++) {
            if (pair_of(in, job, e) != s)
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
    put_back(in, i);
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
