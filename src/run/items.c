/* SPDX-License-Identifier: MIT */
/* items: the items of a section, one after the other, from wherever their values come. */
#include "run/items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "run/globber.h"
#include "run/lines.h"

#define LOOKS_MAX 32768 /* values that items_next() looks at in a call: some milliseconds */

/* One axis as far as it has come. */
struct axis {
    const struct plan_axis *def;
    uint64_t next;     /* index of its next value, but for lines */
    const char *value; /* its value now, which may have no NUL behind it */
    size_t len;
    char number[TEXT_FORMAT_MAX]; /* that, of a range */
    struct lines_reader *lines;
    struct globber *glob;
};

struct items {
    struct items_opts opts;
    uint64_t index; /* of the next item */
    /*
     * The odometer: axis `turn` is about to get its next value, those before it
     * have theirs, those behind it begin anew after it.
     */
    uint32_t turn;
    uint32_t looks; /* that are left of LOOKS_MAX */
    bool ended;
    const char *fault;
    struct batch { /* the values of one, in one block, each with its NUL */
        char *bytes;
        size_t len, cap;
        uint32_t count;
    } batch;
    uint32_t naxes;
    struct axis axes[];
};

static int fail(struct items *s, int error, const char *fault) {
    s->fault = fault ? fault : strerror(-error);
    return error;
}

/* --- one axis --- */

static int next_line(struct items *s, struct axis *a) {
    int got = lines_take(a->lines, &a->value, &a->len);

    return got < 0 && got != UV_EOF ? fail(s, got, got == UV_ENOMEM ? NULL : lines_fault(a->lines))
                                    : got;
}

static int next_name(struct items *s, struct axis *a) {
    int got = globber_name(a->glob, a->next, &a->value);

    if (got == 1) {
        a->next++;
        a->len = strlen(a->value);
    }
    return got < 0 && got != UV_EOF ? fail(s, got, NULL) : got;
}

/* The next value of an axis: 1, 0: not known yet, UV_EOF or UV_E…. */
static int next_value(struct items *s, struct axis *a) {
    const struct plan_axis *def = a->def;

    switch (def->kind) {
    case AXIS_LINES:
        return next_line(s, a);
    case AXIS_GLOB:
        return next_name(s, a);
    case AXIS_RANGE:
        if (a->next > def->range.last)
            return UV_EOF;
        a->value = text_range_number(&def->range, a->next, a->number, sizeof a->number);
        break;
    default:
        if (a->next == def->nvalues)
            return UV_EOF;
        a->value = def->values[a->next];
    }
    a->next++;
    a->len = strlen(a->value);
    return 1;
}

static void rewind_axis(struct axis *a) {
    a->next = 0;
    if (a->lines)
        lines_rewind(a->lines);
}

/* --- combinations --- */

/* The next combination of values: as next_value(), or UV_EAGAIN. */
static int next_combination(struct items *s) {
    while (!s->ended) {
        int got;

        if (s->looks == 0)
            return UV_EAGAIN;
        s->looks--;
        got = next_value(s, &s->axes[s->turn]);
        if (got == 1) {
            if (++s->turn < s->naxes)
                continue;
            s->turn--; /* the last one varies fastest */
            return 1;
        }
        if (got != UV_EOF)
            return got;
        if (s->turn == 0) {
            s->ended = true;
        } else {
            rewind_axis(&s->axes[s->turn]);
            s->turn--;
        }
    }
    return UV_EOF;
}

static bool is_excluded(const struct items *s) {
    const struct plan_items *p = s->opts.axes;

    for (uint32_t i = 0; i < p->nexcluded; i++) {
        const char *const *values = p->excluded + (size_t)i * p->naxes;
        bool same = true;

        for (uint32_t k = 0; same && k < p->naxes; k++)
            same = !values[k] || text_is(s->axes[k].value, s->axes[k].len, values[k]);
        if (same)
            return true;
    }
    return false;
}

static int next_wanted(struct items *s) {
    int got;

    do
        got = next_combination(s);
    while (got == 1 && is_excluded(s));
    return got;
}

/* --- items --- */

/* An item with room for its values and their bytes; item->values are to be set. */
static struct plan_item *new_item(struct items *s, uint32_t nvalues, size_t bytes, char **text,
                                  const char ***values) {
    struct plan_item *item = malloc(sizeof *item + nvalues * sizeof *item->values + bytes);

    if (!item)
        return NULL;
    *values = (const char **)(item + 1);
    *text = (char *)(*values + nvalues);
    *item = (struct plan_item){
        .index = s->index++, .text = *text, .values = *values, .nvalues = nvalues};
    return item;
}

/* One of a combination: its text is "v1,v2", and behind that its values again when several. */
static struct plan_item *make_single(struct items *s) {
    size_t bytes = 0;
    struct plan_item *item;
    const char **values;
    char *text, *to;

    for (uint32_t i = 0; i < s->naxes; i++)
        bytes += s->axes[i].len + 1;
    item = new_item(s, s->naxes, s->naxes > 1 ? 2 * bytes : bytes, &text, &values);
    if (!item)
        return NULL;
    to = text;
    for (uint32_t i = 0; i < s->naxes; i++) {
        if (i > 0)
            *to++ = ',';
        memcpy(to, s->axes[i].value, s->axes[i].len);
        to += s->axes[i].len;
    }
    *to++ = '\0';
    values[0] = text;
    for (uint32_t i = 0; s->naxes > 1 && i < s->naxes; i++) {
        values[i] = memcpy(to, s->axes[i].value, s->axes[i].len);
        to += s->axes[i].len;
        *to++ = '\0';
    }
    return item;
}

/* One of the values that were gathered. */
static struct plan_item *make_batch(struct items *s) {
    struct batch *b = &s->batch;
    const char **values;
    char name[32], *text;
    size_t n = (size_t)snprintf(name, sizeof name, "#%llu", (unsigned long long)s->index) + 1;
    struct plan_item *item = new_item(s, b->count, n + b->len, &text, &values);

    if (!item)
        return NULL;
    memcpy(text, name, n);
    text = memcpy(text + n, b->bytes, b->len);
    for (uint32_t i = 0; i < b->count; i++) {
        values[i] = text;
        text += strlen(text) + 1;
    }
    b->count = 0;
    b->len = 0;
    return item;
}

static int add_to_batch(struct batch *b, const struct axis *a) {
    char *bytes = mem_grow(b->bytes, b->len + a->len, &b->cap, 1);

    if (!bytes)
        return UV_ENOMEM;
    b->bytes = bytes;
    memcpy(bytes + b->len, a->value, a->len);
    b->len += a->len;
    bytes[b->len++] = '\0';
    b->count++;
    return 0;
}

/* Gathers a whole batch, or the rest: as next_value(). */
static int next_batch(struct items *s) {
    while (s->batch.count < s->opts.axes->batch) {
        int got = next_wanted(s);

        if (got == UV_EOF && s->batch.count > 0)
            return 1;
        if (got != 1)
            return got;
        got = add_to_batch(&s->batch, &s->axes[0]);
        if (got < 0)
            return fail(s, got, NULL);
    }
    return 1;
}

int items_next(struct items *s, struct plan_item **item) {
    int got;

    s->looks = LOOKS_MAX;
    got = s->opts.axes->batch ? next_batch(s) : next_wanted(s);
    if (got != 1)
        return got;
    *item = s->opts.axes->batch ? make_batch(s) : make_single(s);
    return *item ? 1 : fail(s, UV_ENOMEM, NULL);
}

const char *items_fault(const struct items *s) {
    return s->fault;
}

bool items_are_followed(const struct items *s) {
    for (uint32_t i = 0; i < s->naxes; i++)
        if (s->axes[i].lines && lines_are_followed(s->axes[i].lines))
            return true;
    return false;
}

struct items *items_open(const struct items_opts *opts) {
    uint32_t n = opts->axes->naxes;
    struct items *s = calloc(1, sizeof *s + n * sizeof *s->axes);

    if (!s)
        return NULL;
    s->opts = *opts;
    s->naxes = n;
    for (uint32_t i = 0; i < n; i++) {
        struct axis *a = &s->axes[i];
        const struct lines_opts lines = {
            .loop = opts->loop,
            .path = opts->axes->axes[i].source,
            .again = i > 0,
            .news = opts->news,
            .ctx = opts->ctx,
        };
        const struct globber_opts glob = {
            .loop = opts->loop,
            .pattern = opts->axes->axes[i].source,
            .folder = opts->axes->axes[i].folder,
            .news = opts->news,
            .ctx = opts->ctx,
        };

        a->def = &opts->axes->axes[i];
        if (a->def->kind == AXIS_LINES)
            a->lines = lines_open(&lines);
        else if (a->def->kind == AXIS_GLOB)
            a->glob = globber_open(&glob);
        if ((a->def->kind == AXIS_LINES && !a->lines) || (a->def->kind == AXIS_GLOB && !a->glob)) {
            items_close(s);
            return NULL;
        }
    }
    return s;
}

void items_close(struct items *s) {
    if (!s)
        return;
    for (uint32_t i = 0; i < s->naxes; i++) {
        lines_close(s->axes[i].lines);
        globber_close(s->axes[i].glob);
    }
    free(s->batch.bytes);
    free(s);
}
