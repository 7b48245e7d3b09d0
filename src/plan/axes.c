/* SPDX-License-Identifier: MIT */
/* axes: jobs that are made of items: their axes, and values that differ from item to item. */
#include <string.h>
#include <strings.h>

#include "plan/loader.h"

#define SAMPLES_MAX 1000 /* items with which a value is tried */

/* --- entries in whose values axes stand --- */

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

/* Whether all names in a text are those of variables. */
static bool is_declared(const struct loader *l, const struct plan_template *t) {
    struct piece piece;

    for (size_t at = 0; vars_next_piece(t->text, t->len, &at, &piece);)
        if (piece.reference && !vars_get(&l->vars, piece.text, piece.text_len))
            return false;
    return true;
}

/* What is wrong with values is not told until values.diag is l->diag again. */
static void begin_quiet(struct loader *l, struct diag *quiet) {
    diag_init(quiet, &l->scratch, &l->plan->sources);
    l->values.diag = quiet;
}

bool axes_read_entry(struct loader *l, struct section *s, struct entry *e) {
    struct plan_template *t = value_template(&l->values, s, e);

    if (!t)
        return false;
    if (!may_differ(e->row)) {
        if (is_declared(l, t))
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
    if (is_declared(l, t)) { /* what is wrong with that is told when a job needs it */
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

static size_t count_axes(const struct axis_entry *axes) {
    size_t n = 0;

    while (axes && axes[n].name)
        n++;
    return n;
}

static size_t count_axials(struct entry *const *axials) {
    size_t n = 0;

    while (axials && axials[n])
        n++;
    return n;
}

/* What a section says of axes, by their names: a stronger one's stands in the place of a weaker's.
 */
static void apply_axes(struct loader *l, struct layers *layers, const struct section *s,
                       uint32_t count) {
    size_t n = count_axes(layers->axes);
    struct axis_entry *axes = arena_array(&l->scratch, struct axis_entry, n + count + 1);

    if (n)
        memcpy(axes, layers->axes, n * sizeof *axes);
    for (uint32_t i = 0; i < s->nentries; i++) {
        struct entry *e = &s->entries[i];
        if (!e->row || e->row->effect != EFFECT_AXIS || e->reported)
            continue;
        size_t skip = strlen(e->row->name), k = 0;
        const char *tail = source_text(s->source, e->key) + skip;
        size_t len = sections_axis_name(tail, e->key.len - skip);
        while (k < n && (strlen(axes[k].name) != len || memcmp(axes[k].name, tail, len) != 0))
            k++;
        axes[k] = (struct axis_entry){s, e, arena_strndup(&l->plan->arena, tail, len)};
        n += k == n;
    }
    layers->axes = axes;
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

static void apply_axials(struct loader *l, struct layers *layers, const struct section *s,
                         uint32_t count) {
    size_t n = count_axials(layers->axials), kept = 0;
    struct entry **axials;

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

void axes_apply(struct loader *l, struct layers *layers, const struct section *s) {
    uint32_t axes = 0, axials = 0;

    for (uint32_t i = 0; i < s->nentries; i++) {
        const struct entry *e = &s->entries[i];
        axes += e->row && e->row->effect == EFFECT_AXIS;
        axials += e->axial;
    }
    if (axes)
        apply_axes(l, layers, s, axes);
    apply_axials(l, layers, s, axials);
}

/* --- the axes of a job --- */

static const char *keep(struct loader *l, const char *s, size_t n) {
    return arena_strndup(&l->plan->arena, s, n);
}

/* The values of a list, none of which may be there twice. */
static void take_list(struct loader *l, struct axis_entry *from, struct plan_axis *axis) {
    const struct names *names = from->entry->typed;
    const char **values = arena_array(&l->plan->arena, const char *, names->count);
    unsigned doubles = 0;
    struct map seen;

    map_init(&seen, &l->scratch);
    for (uint32_t i = 0; i < names->count; i++) {
        const struct name *name = &names->list[i];
        values[i] = keep(l, name->text, name->len);
        if (map_add(&seen, values[i], name->len, i) == MAP_NONE || from->entry->reported ||
            doubles++ >= PARSE_FAULTS_MAX)
            continue;
        diag_error(l->diag, name->at, "each.%s: '%s' is there twice", axis->name,
                   parse_clip(&l->scratch, name->text, name->len));
    }
    from->entry->reported = from->entry->reported || doubles;
    axis->kind = AXIS_LIST;
    axis->values = values;
    axis->nvalues = names->count;
}

static struct plan_axis take_axis(struct loader *l, const struct axis_entry *from) {
    const struct entry *e = from->entry;
    struct plan_axis axis = {.name = from->name, .at = e->value};

    switch (value_type_of(e->row, source_text(from->section->source, e->key), e->key.len)) {
    case VALUE_RANGE:
        axis.kind = AXIS_RANGE;
        axis.range = *(const struct text_range *)e->typed;
        break;
    case VALUE_LINES:
        axis.kind = AXIS_LINES;
        axis.source = *(const char *const *)e->typed;
        break;
    case VALUE_LINE:
        axis.kind = AXIS_GLOB;
        axis.source = *(const char *const *)e->typed;
        axis.folder = from->section->source->folder;
        break;
    default:
        take_list(l, &(struct axis_entry){from->section, from->entry, from->name}, &axis);
    }
    return axis;
}

/* Whether a text is a number of a range, as its items have it. */
static bool in_range(const struct text_range *range, const char *s, size_t n) {
    char text[TEXT_FORMAT_MAX];
    int64_t value;
    uint64_t away;

    if (text_int64(s, n, INT64_MIN, INT64_MAX, &value))
        return false;
    away = range->down ? (uint64_t)range->from - (uint64_t)value
                       : (uint64_t)value - (uint64_t)range->from;
    if (away % range->step || away / range->step > range->last)
        return false;
    text_range_number(range, away / range->step, text, sizeof text);
    return strlen(text) == n && !memcmp(text, s, n);
}

/* Whether an axis may have a value: false only where its values are known. */
static bool may_have(const struct plan_axis *axis, const char *s, size_t n) {
    if (axis->kind == AXIS_RANGE)
        return in_range(&axis->range, s, n);
    if (axis->kind != AXIS_LIST)
        return true;
    for (uint32_t i = 0; i < axis->nvalues; i++)
        if (strlen(axis->values[i]) == n && !memcmp(axis->values[i], s, n))
            return true;
    return false;
}

/* Whether a text can be values of the axes from one on. A comma may be a value's own, so each of
 * them is tried as the one behind the first. */
static bool may_have_from(const struct plan_items *items, uint32_t axis, const char *s, size_t n) {
    if (axis + 1 == items->naxes)
        return may_have(&items->axes[axis], s, n);
    for (size_t at = 0; at < n; at++)
        if (s[at] == ',' && may_have(&items->axes[axis], s, at) &&
            may_have_from(items, axis + 1, s + at + 1, n - at - 1))
            return true;
    return false;
}

/* How many there can be at most. */
static uint64_t count_batches(const struct plan_items *items) {
    const struct plan_axis *axis = &items->axes[0];

    if (axis->kind == AXIS_LIST)
        return axis->nvalues / items->batch + (axis->nvalues % items->batch > 0);
    return axis->kind == AXIS_RANGE ? axis->range.last / items->batch + 1 : UINT64_MAX;
}

bool axes_may_have(const struct plan_items *items, const char *item, size_t n) {
    uint64_t index, most;

    if (items->batch) {
        most = count_batches(items);
        return most && n > 1 && *item == '#' && !text_uint64(item + 1, n - 1, 0, most - 1, &index);
    }
    return may_have_from(items, 0, item, n);
}

/* The axis that a NAME= begins with, or NULL; *n is the name's length. */
static const struct plan_axis *find_axis(const struct plan_items *items, const char *s,
                                         const char *end, uint32_t *index) {
    const char *equals = memchr(s, '=', (size_t)(end - s));

    for (uint32_t i = 0; equals && i < items->naxes; i++)
        if (strlen(items->axes[i].name) == (size_t)(equals - s) &&
            !memcmp(items->axes[i].name, s, (size_t)(equals - s))) {
            *index = i;
            return &items->axes[i];
        }
    return NULL;
}

/* "NAME=VALUE,NAME=VALUE" into a place for each axis. False after a fault. */
static bool take_exclusion(struct loader *l, const struct plan_items *items,
                           const struct name *word, const char **values) {
    const char *s = word->text, *end = s + word->len;

    while (s < end) {
        uint32_t i = 0, other;
        const struct plan_axis *axis = find_axis(items, s, end, &i);
        const char *value, *stop;
        if (!axis) {
            size_t n = strcspn(s, "=,");
            diag_error(l->diag, word->at, "each.exclude: '%s' is not one of the axes",
                       parse_clip(&l->scratch, s, n));
            return false;
        }
        value = s + strlen(axis->name) + 1;
        /* A comma is the value's own unless an axis is named behind it. */
        for (stop = value; stop < end; stop++)
            if (*stop == ',' && find_axis(items, stop + 1, end, &other))
                break;
        if (values[i] || !may_have(axis, value, (size_t)(stop - value))) {
            diag_error(l->diag, word->at,
                       values[i] ? "each.exclude: '%s' is there twice"
                                 : "each.exclude: axis '%s' has no value '%s'",
                       axis->name, parse_clip(&l->scratch, value, (size_t)(stop - value)));
            return false;
        }
        values[i] = keep(l, value, (size_t)(stop - value));
        s = stop < end ? stop + 1 : stop;
    }
    return true;
}

static void take_exclusions(struct loader *l, struct plan_items *items, struct entry *e) {
    const struct names *names = e->typed;
    const char **list =
        arena_array(&l->plan->arena, const char *, (size_t)names->count * items->naxes);

    for (uint32_t i = 0; i < names->count && !e->reported; i++)
        e->reported = !take_exclusion(l, items, &names->list[i], list + (size_t)i * items->naxes);
    items->excluded = list;
    items->nexcluded = names->count;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_axis(const struct plan_axis *a, const struct plan_axis *b) {
    if (strcmp(a->name, b->name) != 0 || a->kind != b->kind || a->nvalues != b->nvalues ||
        !same_text(a->source, b->source) || !same_text(a->folder, b->folder) ||
        a->range.from != b->range.from || a->range.step != b->range.step ||
        a->range.last != b->range.last || a->range.down != b->range.down ||
        a->range.width != b->range.width)
        return false;
    for (uint32_t i = 0; i < a->nvalues; i++)
        if (strcmp(a->values[i], b->values[i]) != 0)
            return false;
    return true;
}

bool axes_same(const struct plan_items *a, const struct plan_items *b) {
    if (a->naxes != b->naxes || a->nexcluded != b->nexcluded || a->batch != b->batch)
        return false;
    for (uint32_t i = 0; i < a->naxes; i++)
        if (!same_axis(&a->axes[i], &b->axes[i]))
            return false;
    for (size_t i = 0; i < (size_t)a->nexcluded * a->naxes; i++)
        if (!same_text(a->excluded[i], b->excluded[i]))
            return false;
    return true;
}

/* --- values that differ --- */

/* Whether a text names one of the job's axes; *known: and no other whose values are not known. */
static bool names_own(const struct plan_items *items, const struct plan_template *t, bool *known) {
    struct piece piece;
    bool any = false;

    *known = true;
    for (size_t at = 0; vars_next_piece(t->text, t->len, &at, &piece);)
        for (uint32_t i = 0; piece.reference && i < items->naxes; i++) {
            const struct plan_axis *axis = &items->axes[i];
            if (strlen(axis->name) != piece.text_len ||
                memcmp(axis->name, piece.text, piece.text_len) != 0)
                continue;
            any = true;
            *known = *known && (axis->kind == AXIS_LIST || axis->kind == AXIS_RANGE);
        }
    return any;
}

/* Whether all names in a text are those of variables or of the job's axes. */
static bool is_known(const struct loader *l, const struct plan_items *items,
                     const struct plan_template *t) {
    struct piece piece;

    for (size_t at = 0; vars_next_piece(t->text, t->len, &at, &piece);) {
        bool known = !piece.reference || vars_get(&l->vars, piece.text, piece.text_len);
        for (uint32_t i = 0; i < items->naxes && !known; i++)
            known = strlen(items->axes[i].name) == piece.text_len &&
                    !memcmp(items->axes[i].name, piece.text, piece.text_len);
        if (!known)
            return false;
    }
    return true;
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
    struct piece axis = first_axis(l, ((const struct axial *)e->typed)->template);

    for (uint32_t i = 0; i < items->naxes; i++)
        if (strlen(items->axes[i].name) == axis.text_len &&
            !memcmp(items->axes[i].name, axis.text, axis.text_len))
            diag_note(l->diag, items->axes[i].at, "with %s = '%s'", items->axes[i].name,
                      parse_clip(&l->scratch, values[i].value, strlen(values[i].value)));
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

static void take_templates(struct loader *l, struct layers *layers, struct plan_items *items) {
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

/* A key that only items have any use for. */
static void refuse_without_axes(struct loader *l, const struct entry *e, const struct section *own,
                                const char *name) {
    if (e && e >= own->entries && e < own->entries + own->nentries && !e->reported)
        diag_error(l->diag, e->key, "%s: job '%s' has no axis (each.NAME)", e->row->name, name);
}

void axes_build(struct loader *l, struct layers *layers, const char *name,
                const struct section *own) {
    size_t n = count_axes(layers->axes);
    struct plan_axis *axes = arena_array(&l->plan->arena, struct plan_axis, n);
    struct plan_items *items = arena_new(&l->plan->arena, struct plan_items);
    struct entry *batch = layers->places[EFFECT_BATCH], *exclude = layers->places[EFFECT_EXCLUDE];

    *items = (struct plan_items){.section = name, .axes = axes, .naxes = (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        if (!layers->axes[i].entry->typed) {
            l->drafts[l->plan->njobs].broken_axes = true; /* what is wrong with it was said */
            return;
        }
        axes[i] = take_axis(l, &layers->axes[i]);
    }
    if (n && batch && batch->typed)
        items->batch = *(const uint32_t *)batch->typed;
    if (n && exclude && exclude->typed)
        take_exclusions(l, items, exclude);
    if (n > 1 && items->batch && !batch->reported) {
        diag_error(l->diag, batch->key, "batch: job '%s' has %zu axes; a batch is of one", name, n);
        batch->reported = true;
    }
    take_templates(l, layers, items);
    if (n) {
        layers->items = items;
        return;
    }
    refuse_without_axes(l, batch, own, name);
    refuse_without_axes(l, exclude, own, name);
}
