/* SPDX-License-Identifier: MIT */
/* loader: what the steps from bytes to a plan hand on to one another. */
#ifndef MUSTER_PLAN_LOADER_H
#define MUSTER_PLAN_LOADER_H
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "plan/manifest.h"
#include "plan/plan.h"
#include "plan/schema.h"
#include "plan/value.h"
#include "plan/vars.h"

/* An entry in whose value axes stand. */
struct axial {
    struct section *section;
    const struct plan_template *template;
    void *typed; /* what it is to jobs without those axes; NULL: nothing to them */
};

/* An axis as some layer says it. */
struct axis_entry {
    const struct section *section;
    struct entry *entry;
    const char *name; /* NULL ends a list of them */
};

/* A job as far as some of its layers say. */
struct layers {
    struct job_settings set;
    const struct action_value *action; /* NULL: none */
    const struct env_var *env;
    const struct plan_items *items; /* set when all have spoken */
    const struct axis_entry *axes;  /* NULL: none */
    struct entry *const *axials; /* entries whose values axes stand in, NULL at the end; or NULL */
    struct entry *places[EFFECTS]; /* who has the last word on what; NULL: nobody set it */
    bool incomplete;               /* a template is missing, and what it says */
};

/* Of a job, until the plan is sealed. */
struct draft {
    struct section *section;
    const struct layers *below; /* all layers but that section; other jobs may share them */
    bool broken_axes;           /* it has some, but what they are was wrong */
};

/* An entry read with the values of one item of a job, for what must be there. */
struct sample {
    struct section *section;
    struct entry entry;
    uint32_t job;
};

/* Where a key was seen last, to find it set twice on one level. */
struct seen {
    uint32_t level;
    const struct entry *entry;
};
enum { SEEN_MUSTER, SEEN_DEFAULTS, SEEN_OTHERS, SEEN_GROUPS };

struct loader {
    jmp_buf oom;
    const struct plan_opts *opts;
    bool look; /* at other files than the manifest: includes, programs, folders */
    struct plan *plan;
    struct arena scratch;
    struct diag *diag; /* in the plan's arena */
    struct schema_index index;
    struct vars vars;
    struct values values;
    struct map axes;           /* the names of all axes */
    struct section **sections; /* of all files, in the order in which they are read in */
    size_t nsections, sections_cap;
    struct map names[SECTIONS];     /* of the named sections: job's index, else index in sections */
    struct map keys;                /* of keys that are names: see sections.c */
    struct seen *seen[SEEN_GROUPS]; /* a row each of schema_keys */
    struct seen actions[SEEN_GROUPS];
    uint32_t levels;
    const char *const *shell;                 /* [muster] shell */
    struct entry *shell_entry, *report_entry; /* [muster] shell, report */
    bool broken;          /* bytes or lines were reported: what is missing may be in them */
    struct draft *drafts; /* one per job */
    struct sample *samples;
    size_t nsamples, samples_cap;
    bool limits_named;                   /* some `limits` was read */
    const struct limit_set **limit_sets; /* all different ones */
    size_t nlimit_sets, limit_sets_cap;
    struct plan_limit *limits;               /* the plan's */
    struct plan_worker *workers;             /* the same */
    struct map limit_lists;                  /* of each its place among them, by its indexes */
    unsigned suggestions;                    /* made so far: each looks at all names */
    const char *const *name_lists[SECTIONS]; /* of the named sections, made for the first one */
};

static inline bool section_is(const struct section *s, enum section_type type) {
    return s->type == (int)type;
}

/* Whether an entry stands in this section, not in what it builds upon. */
static inline bool section_has(const struct section *s, const struct entry *e) {
    return e >= s->entries && e < s->entries + s->nentries;
}

/* --- sections.c: what each section and key is --- */

/* Where the unnamed sections of one file stand, to find them twice. */
struct file_sections {
    const struct section *unnamed[SECTIONS];
};
void sections_init(struct loader *l);
/* There will be n sections of a file: room for them at once, where doubling would leave as much. */
void sections_expect(struct loader *l, uint32_t n);
/* Takes in a section: its kind and name, its keys' rows; reports what is unknown or double. */
void sections_take(struct loader *l, struct section *s, struct file_sections *file);
/* Of what stands behind `each.`: how many bytes are the axis's name, without the form. */
size_t sections_axis_name(const char *tail, size_t n);
/* The name of a named section type nearest to a word, or NULL. */
const char *sections_nearest(struct loader *l, enum section_type type, const char *name, size_t n);

/* --- load.c --- */

/* The name of a file for messages, as seen from where muster was called. */
const char *load_file_name(struct loader *l, const struct source *by, const char *path);

/* --- layers.c: from values to jobs --- */

/* Reads the value of one entry. */
void layers_read_entry(struct loader *l, struct section *s, struct entry *e);
/* Puts the typed value of a row into layers. `name`: of a header. */
void layers_apply_entry(struct loader *l, struct layers *layers, const struct schema_key *row,
                        const char *name, const void *typed);
/* Reads all values, then puts each job together from its layers. */
void layers_build(struct loader *l);
/* What a job is before any section speaks. */
struct layers *layers_built_in(struct loader *l);
/* Writes the built-in defaults of a scope's keys to where their offsets lead from `base`. */
void layers_preset(struct loader *l, enum schema_scope scope, void *base);
/* The entry that has the last word on something for a job, or NULL. */
struct entry *layers_place(const struct loader *l, uint32_t job, enum schema_effect effect);

/* --- shared.c: the limits that jobs share --- */

/* Makes the plan's limits of their sections, and sets of those that `limits` keys name. */
void shared_build(struct loader *l);
/* The set of another one (NULL: none) and one limit more. */
const struct limit_set *shared_with(struct loader *l, const struct limit_set *set, uint32_t limit);

/* --- workers.c: persistent workers and their tasks --- */

/* Makes the plan's workers of their sections, each with its limit; there is room for these. */
void workers_build(struct loader *l);
/* Gives a task its worker and the worker's limit, as far as they are there. */
void workers_apply(struct loader *l, struct layers *layers);
/* How many processes each may have, once the run's head is known. */
void workers_settle(struct loader *l);
/* Reports what a job's keys that have to do with tasks say amiss. */
void workers_check(struct loader *l, uint32_t job);

/* --- secrets.c: what must not be seen --- */

/* Gathers the names and values of all secrets, and sees to it that nothing that is in
 * the plan to be shown shows one. The last step: files have been read. */
void secrets_gather(struct loader *l);

/* --- templates.c: values that differ from item to item --- */

/* Sees to an entry in whose value axes stand. False: there are none in it. */
bool templates_read_entry(struct loader *l, struct section *s, struct entry *e);
/* What a section says in such values goes over what weaker ones say. */
void templates_apply(struct loader *l, struct layers *layers, const struct section *s);
/* Those of a job, once its axes are known; reports what is wrong with them. */
void templates_take(struct loader *l, struct layers *layers, struct plan_items *items);

/* --- axes.c: jobs that are made of items --- */

/* What a section says of axes goes over what weaker ones say. */
void axes_apply(struct loader *l, struct layers *layers, const struct section *s);
/* Sets a job's items, and what depends on them, once all its layers have spoken; reports what
 * is wrong with them. */
void axes_build(struct loader *l, struct layers *layers, const char *name,
                const struct section *own);
/* The axis of that name, or NULL. */
const struct plan_axis *axes_find(const struct plan_items *items, const char *name, size_t n);
/* Whether two jobs have the same axes, exclusions and batches. */
bool axes_same(const struct plan_items *a, const struct plan_items *b);
/* Whether an item of that name can be one of a job's: false only where its values are known. */
bool axes_may_have(const struct plan_items *items, const char *item, size_t n);

/* --- preflight.c: what can be known before anything runs --- */

/* Looks whether the folders, files and programs of all jobs are there. */
void preflight_check(struct loader *l);
/* A warning when others may write to a file that was read, or to its folder. */
void preflight_writable(struct loader *l, const struct source *source, struct span at,
                        const char *key);
#endif
