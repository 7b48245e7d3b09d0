/* SPDX-License-Identifier: MIT */
/* templates: values of keys that differ from item to item, as axes stand in them. */
#include <string.h>
#include <strings.h>

#include "plan/loader.h"

#define SAMPLES_MAX 1000 /* items with which a value is tried */

/* --- entries --- */

/* Whether a key may say something else for each item. */
static bool may_differ(const struct schema_key *row) {
    return row->scope == SCOPE_JOB && !row->whole &&
           (row->placed || row->action || row->effect == EFFECT_ENV ||
            row->effect == EFFECT_HEADER);
}

/* The first name in a text that is an axis. */
static struct piece first_axis(const struct loader *l, const struct plan_template *t) {
    struct piece piece;

    for (size_t at = 0; vars_next_piece(t->text, t->len, &at, &piece);)
        if (piece.reference && map_get(&l->axes, piece.text, piece.text_len) != MAP_NONE)
            break;
    return piece;
}

/* Whether all names in a text are those of variables, or of a job's axes where it has some. */
static bool is_known(const struct loader *l, const struct plan_items *items,
                     const struct plan_template *t) {
    struct piece piece;

    for (size_t at = 0; vars_next_piece(t->text, t->len, &at, &piece);)
        if (piece.reference && !vars_get(&l->vars, piece.text, piece.text_len) &&
            !(items && axes_find(items, piece.text, piece.text_len)))
            return false;
    return true;
}

/* What is wrong with values is not told until values.diag is l->diag again. */
static void begin_quiet(struct loader *l, struct diag *quiet) {
    diag_init(quiet, &l->scratch, &l->plan->sources);
    l->values.diag = quiet;
}

bool templates_read_entry(struct loader *l, struct section *s, struct entry *e) {
    struct plan_template *t = value_template(&l->values, s, e);

    if (!t)
        return false;
    if (!may_differ(e->row)) {
        if (is_known(l, NULL, t))
            return false;
        struct piece axis = first_axis(l, t);
        diag_error(l->diag, e->value,
                   "%s: '{%.*s}' is an axis, and this is the same for all items of a job", t->key,
                   (int)axis.text_len, axis.text);
        e->reported = true;
        return true;
    }
    struct axial *axial = arena_new(&l->scratch, struct axial);
    struct diag quiet;
    axial->template = t;
    axial->section = s;
    if (is_known(l, NULL, t)) { /* what is wrong with that is told when a job needs it */
        begin_quiet(l, &quiet);
        layers_read_entry(l, s, e);
        l->values.diag = l->diag;
        axial->typed = e->typed;
    }
    e->typed = axial;
    e->axial = true;
    return true;
}

/* --- layers --- */

static size_t count_axials(struct entry *const *axials) {
    size_t n = 0;

    while (axials && axials[n])
        n++;
    return n;
}

/* A request has one body, in whichever form. */
static bool is_body(const struct schema_key *row) {
    return row->effect == EFFECT_BODY || row->effect == EFFECT_BODY_FILE;
}

/* Whether an entry says the same thing of a job as one that axes stand in: the stronger counts. */
static bool same_slot_as(const struct entry *axial, const struct section *s,
                         const struct entry *e) {
    const struct plan_template *t = ((const struct axial *)axial->typed)->template;

    if (axial->row != e->row)
        return (axial->row->action && e->row->action) || (is_body(axial->row) && is_body(e->row));
    if (strlen(t->key) != e->key.len)
        return !t->name;
    if (axial->row->effect == EFFECT_HEADER)
        return !strncasecmp(t->key, source_text(s->source, e->key), e->key.len);
    return !t->name || !memcmp(t->key, source_text(s->source, e->key), e->key.len);
}

void templates_apply(struct loader *l, struct layers *layers, const struct section *s) {
    size_t n = count_axials(layers->axials), kept = 0;
    struct entry **axials;
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->nentries; i++)
        count += s->entries[i].axial;
    if (!n && !count)
        return;
    axials = arena_array(&l->scratch, struct entry *, n + count + 1);
    for (size_t i = 0; i < n; i++) {
        bool replaced = false;
        for (uint32_t k = 0; k < s->nentries && !replaced; k++)
            replaced = s->entries[k].row && s->entries[k].typed &&
                       same_slot_as(layers->axials[i], s, &s->entries[k]);
        if (!replaced)
            axials[kept++] = layers->axials[i];
    }
    for (uint32_t i = 0; i < s->nentries; i++)
        if (s->entries[i].axial)
            axials[kept++] = &s->entries[i];
    layers->axials = axials;
}

/* --- their values --- */

/* Whether a text names one of the job's axes; *known: and no other whose values are not known. */
static bool names_own(const struct plan_items *items, const struct plan_template *t, bool *known) {
    struct piece piece;
    bool any = false;

    *known = true;
    for (size_t at = 0; vars_next_piece(t->text, t->len, &at, &piece);) {
        const struct plan_axis *axis =
            piece.reference ? axes_find(items, piece.text, piece.text_len) : NULL;
        any = any || axis;
        *known = *known && (!axis || axis->kind == AXIS_LIST || axis->kind == AXIS_RANGE);
    }
    return any;
}

/* The number of values of an axis that are known, at most SAMPLES_MAX. */
static uint32_t count_values(const struct plan_axis *axis) {
    uint64_t n = axis->kind == AXIS_LIST    ? axis->nvalues
                 : axis->kind == AXIS_RANGE ? axis->range.last + (axis->range.last < UINT64_MAX)
                                            : 0;

    return n < SAMPLES_MAX ? (uint32_t)n : SAMPLES_MAX;
}

/* Reads an entry with these values of axes; NULL after a fault, which is reported. */
static void *read_with(struct loader *l, const struct entry *e, const struct env_var *values) {
    struct axial *axial = e->typed;
    struct entry one = *e;

    one.axial = false;
    one.typed = NULL;
    l->vars.axes = values;
    layers_read_entry(l, axial->section, &one);
    l->vars.axes = NULL;
    return one.typed;
}

/* Sets the n-th of the values that are known of each axis; one that has fewer begins anew. */
static void set_values(struct loader *l, const struct plan_items *items, struct env_var *values,
                       uint32_t n) {
    for (uint32_t i = 0; i < items->naxes; i++) {
        const struct plan_axis *axis = &items->axes[i];
        uint32_t count = count_values(axis);
        char number[TEXT_FORMAT_MAX];
        values[i].value = "";
        if (count && axis->kind == AXIS_LIST)
            values[i].value = axis->values[n % count];
        else if (count)
            values[i].value =
                arena_printf(&l->scratch, "%s",
                             text_range_number(&axis->range, n % count, number, sizeof number));
    }
}

/* Says with which value the text did not do. */
static void note_value(struct loader *l, const struct plan_items *items, const struct entry *e,
                       const struct env_var *values) {
    struct piece name = first_axis(l, ((const struct axial *)e->typed)->template);
    const struct plan_axis *axis = axes_find(items, name.text, name.text_len);

    if (axis) {
        const char *value = values[axis - items->axes].value;
        diag_note(l->diag, axis->at, "with %s = '%s'", axis->name,
                  parse_clip(&l->scratch, value, strlen(value)));
    }
}

/* Reads a text with values of which each axis has each once, as far as they are known. */
static void try_values(struct loader *l, const struct plan_items *items, struct env_var *values,
                       struct entry *e) {
    uint32_t most = 0;

    for (uint32_t i = 0; i < items->naxes; i++)
        if (count_values(&items->axes[i]) > most)
            most = count_values(&items->axes[i]);
    for (uint32_t n = 0; n < most && !e->reported; n++) {
        set_values(l, items, values, n);
        void *typed = read_with(l, e, values);
        e->reported = !typed;
        if (!typed) {
            note_value(l, items, e, values);
        } else if (e->row->placed) {
            l->samples = arena_grow(&l->scratch, l->samples, l->nsamples, &l->samples_cap,
                                    sizeof *l->samples);
            struct sample *sample = &l->samples[l->nsamples++];
            *sample = (struct sample){((struct axial *)e->typed)->section, *e, l->plan->njobs};
            sample->entry.typed = typed;
            sample->entry.axial = false;
        }
    }
}

/* The words of a batch's exec: each {NAME} is one of its own, and stands for all values. */
static void check_batch(struct loader *l, const struct plan_items *items, struct entry *e,
                        const char *const *argv) {
    for (size_t i = 0; argv && argv[i]; i++)
        if (strchr(argv[i], ITEM_MARK) && strcmp(argv[i], (char[]){ITEM_MARK, 0}) != 0) {
            diag_error(
                l->diag, e->value,
                "exec: in a batch '{%s}' stands for several values, so it is a word of its own",
                items->axes[0].name);
            e->reported = true;
            return;
        }
}

/* What stands in for an action that is none without values: of its kind, no more. */
static const struct action_value *stand_in(struct loader *l, const struct plan_template *t) {
    static const struct {
        const char *prefix;
        enum target_kind kind;
    } kinds[] = {{"tcp:", TARGET_TCP},
                 {"unix:", TARGET_UNIX},
                 {"file:", TARGET_FILE},
                 {"http", TARGET_HTTP}};
    struct action_value *action = arena_new(&l->plan->arena, struct action_value);
    struct target *target;

    action->command = arena_strndup(&l->plan->arena, t->text, t->len);
    action->action = t->row->type == VALUE_URL ? ACTION_HTTP : ACTION_WAIT;
    if (action->action == ACTION_HTTP)
        return action;
    action->target = target = arena_new(&l->plan->arena, struct target);
    target->kind = TARGET_ANY;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(action->command, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            target->kind = kinds[i].kind;
    return action;
}

/* What can be known of a value that differs; the action as it stands there. */
static void check_template(struct loader *l, const struct plan_items *items, struct entry *e,
                           struct layers *layers, bool known) {
    struct env_var *values = arena_array(&l->scratch, struct env_var, items->naxes + 1);
    bool exec = e->row->type == VALUE_EXEC;
    struct diag quiet;

    for (uint32_t i = 0; i < items->naxes; i++) {
        const char *name = items->axes[i].name;
        values[i] = (struct env_var){name, arena_printf(&l->scratch, "{%s}", name)};
    }
    if (!is_known(l, items, ((struct axial *)e->typed)->template)) {
        read_with(l, e, values); /* which says what is not declared */
        e->reported = true;
        return;
    }
    if (items->batch && !exec) {
        diag_error(l->diag, e->value, "%.*s: in a batch '{%s}' has no one value", (int)e->key.len,
                   ((struct axial *)e->typed)->template->key, items->axes[0].name);
        e->reported = true;
        return;
    }
    /* As it is written most of it can be judged; what is not a text only with values. */
    begin_quiet(l, &quiet);
    if (exec)
        l->values.diag = l->diag;
    const struct action_value *action = read_with(l, e, values);
    l->values.diag = l->diag;
    if (e->row->action && !action && !exec)
        layers->action = stand_in(l, ((struct axial *)e->typed)->template);
    else if (e->row->action && action)
        layers->action = action;
    e->reported = exec && !action;
    if (items->batch && action) {
        values[0].value = (char[]){ITEM_MARK, 0};
        action = read_with(l, e, values);
        check_batch(l, items, e, action ? action->argv : NULL);
    } else if (known && e->row->placed) {
        try_values(l, items, values, e);
    }
}

void templates_take(struct loader *l, struct layers *layers, struct plan_items *items) {
    size_t n = 0, most = count_axials(layers->axials);
    const struct plan_template **list =
        arena_array(&l->plan->arena, const struct plan_template *, most + 1);

    for (size_t i = 0; i < most; i++) {
        struct entry *e = layers->axials[i];
        const struct axial *axial = e->typed;
        bool known;
        if (e->reported)
            continue;
        if (names_own(items, axial->template, &known)) {
            list[n++] = axial->template;
            check_template(l, items, e, layers, known);
        } else if (axial->typed) {
            layers_apply_entry(l, layers, e->row, axial->template->name, axial->typed);
        } else {
            read_with(l, e, NULL); /* which says what is wrong: there is no such variable, … */
            e->reported = true;
        }
    }
    items->templates = n ? list : NULL;
}
