/* SPDX-License-Identifier: MIT */
/* definition: what a job is, as one number: its name and all that its keys come to. */
#include "store/definition.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "plan/schema.h"
#include "plan/value.h"

/* FNV-1a of 128 bits: of any text, in any order of calls, without memory. */
struct hash {
    unsigned __int128 value;
};

#define FNV_BASIS ((unsigned __int128)0x6c62272e07bb0142 << 64 | 0x62b821756295c58d)
#define FNV_PRIME ((unsigned __int128)0x0000000001000000 << 64 | 0x000000000000013b)

static void add(struct hash *h, const void *bytes, size_t n) {
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        h->value = (h->value ^ p[i]) * FNV_PRIME;
}

/* A text and its end; NULL is none, and no empty one. */
static void add_text(struct hash *h, const char *s) {
    if (s)
        add(h, s, strlen(s) + 1);
    add(h, s ? "s" : "n", 1);
}

/* The same of one that variables were put into. */
static void add_masked(struct hash *h, const char *s, const struct plan *plan) {
    size_t n;
    char *masked = plan->mask && s ? mask_text(plan->mask, s, strlen(s), &n) : NULL;

    add_text(h, plan->mask ? masked : s);
    free(masked);
}

static void add_headers(struct hash *h, const struct env_var *headers, const struct plan *plan) {
    for (; headers && headers->name; headers++) {
        add_text(h, headers->name);
        add_masked(h, headers->value, plan);
    }
    add(h, "h", 1);
}

static void add_words(struct hash *h, const char *const *words) {
    for (; words && *words; words++)
        add_text(h, *words);
    add(h, "w", 1);
}

/* Of secrets the names alone: from what is stored no value can be guessed and tried. */
static void add_vars(struct hash *h, const struct env_var *vars, const struct plan *plan) {
    for (; vars && vars->name; vars++) {
        add_text(h, vars->name);
        if (!plan_is_secret(plan, vars->name))
            add_text(h, vars->value);
    }
    add(h, "v", 1);
}

static void add_stream(struct hash *h, const struct stream *s) {
    add(h, &s->kind, sizeof s->kind);
    add_text(h, s->text);
}

static struct definition definition_of(const struct hash *h) {
    struct definition d;

    for (int i = 0; i < DEFINITION_BYTES; i++) /* the same on every machine */
        d.bytes[i] = (unsigned char)(h->value >> (8 * (DEFINITION_BYTES - 1 - i)));
    return d;
}

/* A value of job_settings, by its form. */
static void add_value(struct hash *h, const struct plan *plan, const struct schema_key *key,
                      const void *value) {
    const char *text;

    switch (key->type) {
    case VALUE_PATH:
    case VALUE_TEXT:
    case VALUE_FREE:
    case VALUE_LINE:
    case VALUE_NAME:
    case VALUE_METHOD:
    case VALUE_VAR:
    case VALUE_SCRIPT:
        memcpy(&text, value, sizeof text);
        add_text(h, text);
        break;
    case VALUE_READY: {
        const struct ready_sign *ready = *(const struct ready_sign *const *)value;

        add_text(h, ready ? ready->text : NULL);
        break;
    }
    case VALUE_SHELL:
        add_words(h, *(const char *const *const *)value);
        break;
    case VALUE_ENV_FILE: {
        const struct env_file *file = *(const struct env_file *const *)value;

        add_text(h, file ? file->path : NULL);
        add_vars(h, file ? file->vars : NULL, plan);
        break;
    }
    case VALUE_STDIN:
    case VALUE_STDOUT:
    case VALUE_STDERR:
        add_stream(h, value);
        break;
    case VALUE_DURATION:
    case VALUE_COUNT:
    case VALUE_INTEGER:
    case VALUE_FACTOR:
    case VALUE_SIZE:
    case VALUE_BOOL:
    case VALUE_ENUM:
    case VALUE_SIGNAL:
    case VALUE_EXITS:
    case VALUE_NO_EXITS:
    case VALUE_STATUSES:
    case VALUE_RETRY_ON: /* no pointers in them, and no gaps */
        add(h, value, value_size(key->type));
        break;
    default:
        assert(false); /* a form of value that job_settings never had */
    }
}

/* By the table of keys, so that a new one counts by itself. */
static struct definition of_settings(const struct plan *plan, const struct job_settings *set) {
    struct hash h = {FNV_BASIS};

    for (size_t i = 0; i < schema_key_count; i++) {
        const struct schema_key *key = &schema_keys[i];

        if (key->scope == SCOPE_JOB && key->placed)
            add_value(&h, plan, key, (const char *)set + key->offset);
    }
    add(&h, &set->automatic, sizeof set->automatic);
    add_headers(&h, set->http.headers, plan);
    return definition_of(&h);
}

void definer_init(struct definer *d, const struct plan *plan) {
    struct hash h = {FNV_BASIS};

    add_vars(&h, plan->vars, plan);
    add_vars(&h, plan->env, plan);
    *d = (struct definer){.plan = plan, .shared = definition_of(&h)};
}

/* Lines that are equal share a name: the index tells them apart. */
static void add_item(struct hash *h, const struct plan_item *item) {
    add(h, &item->index, sizeof item->index);
    for (uint32_t i = 0; i < item->nvalues; i++)
        add_text(h, item->values[i]);
    add(h, "i", 1);
}

struct definition definer_job(struct definer *d, const struct plan_job *j) {
    struct hash h = {FNV_BASIS};

    /* An item's own settings go with it, and the next one's may be in their place. */
    if (d->set != j->set || (j->item && j->items->templates)) {
        d->set = j->set;
        d->of_set = of_settings(d->plan, j->set);
    }
    add(&h, d->shared.bytes, DEFINITION_BYTES);
    add(&h, d->of_set.bytes, DEFINITION_BYTES);
    add_text(&h, j->name);
    add(&h, &j->action, sizeof j->action);
    add_masked(&h, j->command, d->plan);
    add_words(&h, j->argv);
    add_vars(&h, j->env, d->plan);
    for (uint32_t i = 0; i < j->nafter; i++)
        add_text(&h, d->plan->jobs[j->after[i]].name);
    for (uint32_t i = 0; j->set->shared && i < j->set->shared->count; i++)
        add_text(&h, d->plan->limits[j->set->shared->list[i]].name);
    if (j->item)
        add_item(&h, j->item);
    return definition_of(&h);
}
