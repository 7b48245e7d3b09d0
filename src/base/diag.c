/* SPDX-License-Identifier: MIT */
/* diag: gathers what is wrong with a manifest and renders it with carets. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "base/text.h"
#include "base/utf8.h"

#define EXCERPT_COLUMNS 100U
#define CARET_COLUMN    50U /* where the caret stands in a line that is cut on both sides */
#define NEAREST_MAX     64U /* bytes; longer words get no suggestion */
#define ELLIPSIS        "..."
#define ELLIPSIS_WIDTH  3U

struct diag_item {
    struct diag_item *next;
    struct diag_item *notes, **last_note;
    struct span at;
    enum diag_severity severity;
    unsigned seq; /* order of coming */
    const char *text;
};

enum { STYLE_PLACE, STYLE_ERROR, STYLE_WARNING, STYLE_NOTE, STYLE_CARET, STYLE_END };
static const char *const styles[] = {
    [STYLE_PLACE] = "\033[1m", [STYLE_ERROR] = "\033[1;31m", [STYLE_WARNING] = "\033[1;35m",
    [STYLE_NOTE] = "\033[1m",  [STYLE_CARET] = "\033[1;31m", [STYLE_END] = "\033[0m",
};

void diag_init(struct diag *d, struct arena *arena, struct sources *sources) {
    *d = (struct diag){.arena = arena, .sources = sources};
    d->last = &d->first;
}

__attribute__((format(printf, 3, 0))) static struct diag_item *
new_item(struct diag *d, struct span at, const char *fmt, va_list args) {
    struct diag_item *item = arena_new(d->arena, struct diag_item);

    if (!item)
        return NULL;
    item->at = at;
    item->last_note = &item->notes;
    item->text = arena_vprintf(d->arena, fmt, args);
    return item->text ? item : NULL;
}

__attribute__((format(printf, 4, 0))) static void add_item(struct diag *d, struct span at,
                                                           enum diag_severity severity,
                                                           const char *fmt, va_list args) {
    struct diag_item *item = new_item(d, at, fmt, args);

    if (severity == DIAG_ERROR)
        d->errors++;
    else
        d->warnings++;
    if (!item)
        return;
    item->severity = severity;
    item->seq = d->errors + d->warnings;
    *d->last = item;
    d->last = &item->next;
    d->newest = item;
}

void diag_error(struct diag *d, struct span at, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    add_item(d, at, DIAG_ERROR, fmt, args);
    va_end(args);
}

void diag_warning(struct diag *d, struct span at, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    add_item(d, at, DIAG_WARNING, fmt, args);
    va_end(args);
}

void diag_note(struct diag *d, struct span at, const char *fmt, ...) {
    va_list args;

    if (!d->newest)
        return;
    va_start(args, fmt);
    struct diag_item *note = new_item(d, at, fmt, args);
    va_end(args);
    if (!note)
        return;
    *d->newest->last_note = note;
    d->newest->last_note = &note->next;
}

void diag_hide(struct diag *d, struct span at) {
    struct span *list = arena_grow(d->arena, d->hidden, d->nhidden, &d->hidden_cap, sizeof *list);

    if (!list)
        return;
    d->hidden = list;
    list[d->nhidden++] = at;
}

const char *diag_first(const struct diag *d) {
    return d->first ? d->first->text : NULL;
}

/* Where to write, and how. */
struct canvas {
    const struct diag *diag;
    FILE *out;
    bool color;
};

static void set_style(const struct canvas *c, int style) {
    if (c->color)
        fputs(styles[style], c->out);
}

static void put_visible(const struct canvas *c, const char *text) {
    size_t n = strlen(text);
    char *masked = NULL;

    if (c->diag->mask && !(masked = mask_text(c->diag->mask, text, n, &n)))
        return; /* out of memory: better nothing than too much */
    text_visible_write(c->out, masked ? masked : text, n, NULL);
    free(masked);
}

/* The columns that n bytes take in an excerpt. */
static size_t excerpt_width(const char *s, size_t n) {
    char cell[TEXT_VISIBLE_MAX];
    size_t width = 0;

    for (size_t i = 0; i < n;) {
        i += text_visible_step(s + i, n - i, "\t", cell);
        width += utf8_count(cell, strlen(cell));
    }
    return width;
}

/* The columns [from, to) of a line; a tab is one blank, so that carets fit. */
static void put_columns(const struct canvas *c, const char *s, size_t n, size_t from, size_t to) {
    char cell[TEXT_VISIBLE_MAX];
    size_t column = 0, put = from;

    for (size_t i = 0; i < n && column < to;) {
        bool tab = s[i] == '\t';
        i += text_visible_step(s + i, n - i, "\t", cell);
        size_t width = utf8_count(cell, strlen(cell));
        if (column >= from && column + width <= to) {
            for (; put < column; put++)
                fputc(' ', c->out);
            fputs(tab ? " " : cell, c->out);
            put += width;
        }
        column += width;
    }
}

/* Marks what of a line, which begins at place `at`, stands in a hidden place. */
static void mark_hidden(const struct diag *d, uint32_t at, size_t n, unsigned char *marks) {
    for (size_t i = 0; i < d->nhidden; i++) {
        const struct span *h = &d->hidden[i];
        size_t from = h->at > at ? h->at - at : 0, to = h->at + h->len - at;

        if (h->at + h->len <= at || from >= n)
            continue;
        if (to > n)
            to = n;
        memset(marks + from, MASK_MORE, to - from);
        marks[from] = MASK_FIRST;
        if (to < n && marks[to] == MASK_MORE) /* the rest of a value that begins in it */
            marks[to] = MASK_FIRST;
    }
}

/*
 * The line of a place without what must not be seen, malloc'd; *text, *n become it,
 * and `at`, the marked place's two ends, are moved along. NULL: there is nothing
 * to mask, or no memory, and then there is no text.
 */
static char *mask_line(const struct diag *d, const struct location *l, const char **text, size_t *n,
                       size_t at[2]) {
    unsigned char *marks;
    char *masked = NULL;

    if (!d->mask && !d->nhidden)
        return NULL;
    marks = calloc(*n + 1, 1);
    if (marks && d->mask)
        mask_find(d->mask, *text, *n, marks);
    if (marks) {
        mark_hidden(d, l->source->base + (uint32_t)(*text - l->source->bytes), *n, marks);
        masked = mask_put(*text, *n, marks, n, at, 2);
    }
    free(marks);
    *text = masked ? masked : "";
    if (!masked)
        *n = at[0] = at[1] = 0;
    return masked;
}

static void put_excerpt(const struct canvas *c, const struct location *l, uint32_t len) {
    size_t rest = l->text_len - l->text_column;
    size_t n = l->text_len, at[2] = {l->text_column, l->text_column + (len < rest ? len : rest)};
    const char *text = l->text;
    char *masked = mask_line(c->diag, l, &text, &n, at);
    size_t total = excerpt_width(text, n);
    size_t start = excerpt_width(text, at[0]);
    size_t marked = excerpt_width(text + at[0], at[1] - at[0]);
    size_t from = 0, to = total;

    if (total > EXCERPT_COLUMNS) {
        from = start > CARET_COLUMN ? start - CARET_COLUMN : 0;
        if (from + EXCERPT_COLUMNS > total)
            from = total - EXCERPT_COLUMNS;
        to = from + EXCERPT_COLUMNS;
    }
    int digits = fprintf(c->out, "%5u", l->line);
    fputs(total ? " | " : " |", c->out);
    if (from)
        fputs(ELLIPSIS, c->out);
    put_columns(c, text, n, from + (from ? ELLIPSIS_WIDTH : 0),
                to - (to < total ? ELLIPSIS_WIDTH : 0));
    free(masked);
    if (to < total)
        fputs(ELLIPSIS, c->out);
    fprintf(c->out, "\n%*s | %*s", digits, "", (int)(start - from), "");
    set_style(c, STYLE_CARET);
    fputc('^', c->out);
    for (size_t i = start + 1; i < start + marked && i < to; i++)
        fputc('~', c->out);
    set_style(c, STYLE_END);
    fputc('\n', c->out);
}

/* One message, `kind` being "error" and so on, `style` that word's. */
static void put_item(const struct canvas *c, const struct diag_item *item, const char *kind,
                     int style) {
    struct location l = {.source = NULL};

    set_style(c, STYLE_PLACE);
    if (item->at.at) {
        l = sources_locate(c->diag->sources, item->at.at);
        put_visible(c, l.source->name);
        fprintf(c->out, ":%u:%u: ", l.line, l.column);
    } else {
        fputs("muster: ", c->out);
    }
    set_style(c, STYLE_END);
    /* Without a place an error needs no word for it: "muster: x.ini: No such file". */
    if (item->at.at || style != STYLE_ERROR) {
        set_style(c, style);
        fprintf(c->out, "%s: ", kind);
        set_style(c, STYLE_END);
    }
    put_visible(c, item->text);
    fputc('\n', c->out);
    if (item->at.at)
        put_excerpt(c, &l, item->at.len);
    for (const struct diag_item *note = item->notes; note; note = note->next)
        put_item(c, note, "note", STYLE_NOTE);
}

static int compare_items(const void *a, const void *b) {
    const struct diag_item *x = *(const struct diag_item *const *)a;
    const struct diag_item *y = *(const struct diag_item *const *)b;

    if (x->at.at != y->at.at)
        return x->at.at < y->at.at ? -1 : 1;
    return x->seq < y->seq ? -1 : 1;
}

/* The items in file order: messages without a place first, equals as they came. */
static const struct diag_item **sorted_items(const struct diag *d, size_t *n) {
    *n = 0;
    for (const struct diag_item *i = d->first; i; i = i->next)
        ++*n;
    const struct diag_item **items = malloc(*n * sizeof *items + 1);
    if (!items)
        return NULL;
    size_t k = 0;
    for (const struct diag_item *i = d->first; i; i = i->next)
        items[k++] = i;
    qsort(items, *n, sizeof *items, compare_items);
    return items;
}

static void render(const struct diag *d, const char *name, FILE *out, int color) {
    struct canvas canvas = {d, out, color};
    size_t n;
    const struct diag_item **items = sorted_items(d, &n);
    const struct diag_item *next = d->first;

    for (size_t i = 0; i < n; i++) {
        const struct diag_item *item = items ? items[i] : next;
        if (item->severity == DIAG_ERROR)
            put_item(&canvas, item, "error", STYLE_ERROR);
        else
            put_item(&canvas, item, "warning", STYLE_WARNING);
        next = next->next;
    }
    free(items);
    if (d->errors) {
        fputs("muster: ", out);
        put_visible(&canvas, name);
        fprintf(out, ": %u error%s, nothing was run\n", d->errors, d->errors == 1 ? "" : "s");
    }
}

static ssize_t pass_on(void *out, const char *bytes, size_t n) {
    return (ssize_t)fwrite(bytes, 1, n, out);
}

void diag_render(const struct diag *d, const char *name, FILE *out, int color) {
    char block[4096];
    /* Standard error has no buffer: without one each word would be a system call.
     * Not open_memstream(), which drops words in silence when memory is short. */
    FILE *buffered = fopencookie(out, "w", (cookie_io_functions_t){.write = pass_on});

    if (buffered)
        setvbuf(buffered, block, _IOFBF, sizeof block);
    render(d, name, buffered ? buffered : out, color);
    if (buffered)
        fclose(buffered);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/*
 * Edits (insert, delete, replace, swap neighbours) from a to b, or more than
 * `most`. Both at most NEAREST_MAX bytes.
 */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb, size_t most) {
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= nb; j++)
        above[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t best = row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
            best = least(best, row[j]);
        }
        if (best > most)
            return most + 1;
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[nb];
}

const char *diag_nearest(const char *word, size_t n, const char *const *words) {
    const char *nearest = NULL;
    size_t most = n / 3;

    if (n > NEAREST_MAX)
        return NULL;
    for (; *words && most; words++) {
        size_t len = strlen(*words);
        if (len > NEAREST_MAX || (len > n ? len - n : n - len) > most)
            continue;
        size_t distance = edit_distance(word, n, *words, len, most);
        if (distance > most)
            continue;
        nearest = *words;
        /* Later words must be nearer. */
        most = distance ? distance - 1 : 0;
    }
    return nearest;
}
