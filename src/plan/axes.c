/* SPDX-License-Identifier: MIT */
/* axes: jobs that are made of items: their axes. */
#include <string.h>

#include "plan/loader.h"

/* --- layers --- */

static size_t count_axes(const struct axis_entry *axes) {
    size_t n = 0;

    while (axes && axes[n].name)
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
        while (k < n && !text_is(tail, len, axes[k].name))
            k++;
        axes[k] = (struct axis_entry){s, e, arena_strndup(&l->plan->arena, tail, len)};
        n += k == n;
    }
    layers->axes = axes;
}

void axes_apply(struct loader *l, struct layers *layers, const struct section *s) {
    uint32_t axes = 0;

    for (uint32_t i = 0; i < s->nentries; i++)
        axes += s->entries[i].row && s->entries[i].row->effect == EFFECT_AXIS;
    if (axes)
        apply_axes(l, layers, s, axes);
    templates_apply(l, layers, s);
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
    return text_is(s, n, text);
}

/* Whether an axis may have a value: false only where its values are known. */
static bool may_have(const struct plan_axis *axis, const char *s, size_t n) {
    if (axis->kind == AXIS_RANGE)
        return in_range(&axis->range, s, n);
    if (axis->kind != AXIS_LIST)
        return true;
    for (uint32_t i = 0; i < axis->nvalues; i++)
        if (text_is(s, n, axis->values[i]))
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

const struct plan_axis *axes_find(const struct plan_items *items, const char *name, size_t n) {
    for (uint32_t i = 0; i < items->naxes; i++)
        if (text_is(name, n, items->axes[i].name))
            return &items->axes[i];
    return NULL;
}

/* The axis that a NAME= begins with, or NULL. */
static const struct plan_axis *find_named(const struct plan_items *items, const char *s,
                                          const char *end) {
    const char *equals = memchr(s, '=', (size_t)(end - s));

    return equals ? axes_find(items, s, (size_t)(equals - s)) : NULL;
}

/* "NAME=VALUE,NAME=VALUE" into a place for each axis. False after a fault. */
static bool take_exclusion(struct loader *l, const struct plan_items *items,
                           const struct name *word, const char **values) {
    const char *s = word->text, *end = s + word->len;

    while (s < end) {
        const struct plan_axis *axis = find_named(items, s, end);
        const char *value, *stop;
        if (!axis) {
            size_t n = strcspn(s, "=,");
            diag_error(l->diag, word->at, "each.exclude: '%s' is not one of the axes",
                       parse_clip(&l->scratch, s, n));
            return false;
        }
        const char **slot = &values[axis - items->axes];
        value = s + strlen(axis->name) + 1;
        /* A comma is the value's own unless an axis is named behind it. */
        for (stop = value; stop < end; stop++)
            if (*stop == ',' && find_named(items, stop + 1, end))
                break;
        if (*slot || !may_have(axis, value, (size_t)(stop - value))) {
            diag_error(l->diag, word->at,
                       *slot ? "each.exclude: '%s' is there twice"
                             : "each.exclude: axis '%s' has no value '%s'",
                       axis->name, parse_clip(&l->scratch, value, (size_t)(stop - value)));
            return false;
        }
        *slot = keep(l, value, (size_t)(stop - value));
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

/* Whether a list has the numbers of a range, as its items have them. */
static bool same_numbers(const struct plan_axis *list, const struct text_range *range) {
    char text[TEXT_FORMAT_MAX];

    if (!list->nvalues || range->last != list->nvalues - 1)
        return false;
    for (uint32_t i = 0; i < list->nvalues; i++)
        if (strcmp(list->values[i], text_range_number(range, i, text, sizeof text)) != 0)
            return false;
    return true;
}

static bool same_axis(const struct plan_axis *a, const struct plan_axis *b) {
    if (a->kind == AXIS_LIST && b->kind == AXIS_RANGE)
        return !strcmp(a->name, b->name) && same_numbers(a, &b->range);
    if (a->kind == AXIS_RANGE && b->kind == AXIS_LIST)
        return !strcmp(a->name, b->name) && same_numbers(b, &a->range);
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

/* A key that only items have any use for. */
static void refuse_without_axes(struct loader *l, const struct entry *e, const struct section *own,
                                const char *name) {
    if (e && section_has(own, e) && !e->reported)
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
    templates_take(l, layers, items);
    if (n) {
        layers->items = items;
        return;
    }
    refuse_without_axes(l, batch, own, name);
    refuse_without_axes(l, exclude, own, name);
}
