/* SPDX-License-Identifier: MIT */
/* manifest: one file as sections and entries, each with its places; knows no key. */
#include "plan/manifest.h"

#include <string.h>

#include "plan/lines.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static bool is_comment(char c) {
    return c == ';' || c == '#';
}

/* How many blanks n bytes begin with. */
static uint32_t count_blanks(const char *s, uint32_t n) {
    uint32_t i = 0;

    while (i < n && is_blank(s[i]))
        i++;
    return i;
}

/* n without the blanks at its end. */
static uint32_t trim_end(const char *s, uint32_t n) {
    while (n && is_blank(s[n - 1]))
        n--;
    return n;
}

/* What a file is read by. */
struct reader {
    struct manifest *m;
    const struct source *source;
    struct diag *diag;
    struct lines lines;
    struct section *section; /* the open one */
    struct entry *value;     /* what an indented line goes on with, or NULL */
    bool swallow;            /* indented lines belong to something that was reported */
};

static struct span place(const struct reader *r, uint32_t at, uint32_t len) {
    return (struct span){r->source->base + at, len};
}

/* --- headers --- */

/* Reports a header that is none. */
static void break_header(struct reader *r, struct span at, const char *what) {
    diag_error(r->diag, at, "%s", what);
    r->section->broken = true;
    r->m->broken = true;
}

static void open_section(struct reader *r, const struct line *line, bool accepted) {
    const char *s = r->source->bytes + line->at;
    const char *end = memchr(s, ']', line->len);
    uint32_t whole = trim_end(s, line->len);

    r->section = &r->m->sections[r->m->nsections++];
    *r->section = (struct section){.source = r->source,
                                   .header = place(r, line->at, whole),
                                   .entries = r->m->entries + r->m->nentries};
    r->value = NULL;
    r->swallow = false;
    if (!end) {
        r->swallow = true;
        break_header(r, r->section->header, "a section header ends with ']'");
        return;
    }
    uint32_t close = (uint32_t)(end - s);
    r->section->header.len = close + 1;
    uint32_t kind = 1;
    while (kind < close && !is_blank(s[kind]))
        kind++;
    uint32_t blanks = count_blanks(s + kind, close - kind);
    r->section->kind = place(r, line->at + 1, kind - 1);
    if (blanks)
        r->section->name = place(r, line->at + kind + blanks, close - kind - blanks);
    uint32_t behind = close + 1 + count_blanks(s + close + 1, line->len - close - 1);
    if (kind == 1)
        break_header(r, r->section->header, "a section header is [KIND] or [KIND NAME]");
    else if (blanks > 1 || (blanks && kind + blanks == close) || (blanks && s[kind] == '\t'))
        break_header(r, place(r, line->at + kind, blanks),
                     "a section header is [KIND] or [KIND NAME], with one blank between them");
    else if (behind < line->len)
        break_header(r, place(r, line->at + behind, whole - behind),
                     "nothing may stand behind ']', comments neither");
    else if (!accepted)
        break_header(r, r->section->header, "this is no section header");
}

/* --- entries --- */

/* Whether the text before = can be a key: no blanks or odd characters in it. */
static bool is_key(const char *s, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && !memchr("_.-", c, 3))
            return false;
    }
    return n > 0;
}

static void add_entry(struct reader *r, const struct line *line, bool accepted) {
    const char *s = r->source->bytes + line->at;
    const char *equals = memchr(s, '=', line->len);
    uint32_t name = equals ? trim_end(s, (uint32_t)(equals - s)) : 0;

    r->value = NULL;
    r->swallow = true;
    if (!equals || !is_key(s, name) || !accepted) {
        r->m->broken = true;
        if (lines_clean(s, line->len))
            diag_error(r->diag, place(r, line->at, equals && name ? name : trim_end(s, line->len)),
                       equals && name && accepted
                           ? "this is no key: keys have no blanks, only letters, digits and '-_.'"
                           : "a line is 'key = value', '[section]' or a comment");
        return;
    }
    uint32_t from = (uint32_t)(equals - s) + 1;
    from += count_blanks(s + from, line->len - from);
    uint32_t to = from < line->len ? from + trim_end(s + from, line->len - from) : from;
    struct entry *e = &r->m->entries[r->m->nentries++];
    *e = (struct entry){.key = place(r, line->at, name),
                        .value = place(r, line->at + from, to - from)};
    /* A value that is missing is missed right behind the "=". */
    if (from == to)
        e->value = place(r, line->at + (uint32_t)(equals - s) + 1, 0);
    r->section->nentries++;
    r->value = e;
}

static void add_indented(struct reader *r, const struct line *line, uint32_t blanks) {
    const char *s = r->source->bytes + line->at;

    if (r->value) {
        r->value->rest_end = line->at + line->len;
    } else if (!r->swallow && !is_comment(s[blanks])) {
        r->m->broken = true;
        r->swallow = true;
        diag_error(r->diag, place(r, line->at + blanks, trim_end(s, line->len) - blanks),
                   "indented line has no value above that it could continue; keys start in "
                   "column 1");
    }
}

/* Takes a line of any kind. `accepted` is what inih said of it, when it was asked. */
static void take_line(struct reader *r, const struct line *line, bool accepted) {
    const char *s = r->source->bytes + line->at;
    uint32_t blanks = count_blanks(s, line->len);

    if (blanks == line->len || is_comment(*s))
        return;
    if (blanks)
        add_indented(r, line, blanks);
    else if (*s == '[')
        open_section(r, line, accepted);
    else
        add_entry(r, line, accepted);
}

/* What stands before the first header goes into a section of its own. */
static void open_outside(struct reader *r) {
    r->section = &r->m->sections[r->m->nsections++];
    *r->section = (struct section){.source = r->source, .outside = true, .entries = r->m->entries};
}

int manifest_parse(struct manifest *m, const struct source *source, struct arena *arena,
                   struct diag *diag) {
    struct reader r = {.m = m, .source = source, .diag = diag};
    bool clean = lines_check(source, diag);
    struct line line;

    *m = (struct manifest){.source = source, .broken = !clean};
    int err = lines_read(&r.lines, source, arena);
    if (err)
        return err;
    m->sections = arena_array(arena, struct section, r.lines.headers + 1);
    m->entries = arena_array(arena, struct entry, r.lines.count - r.lines.headers);
    open_outside(&r);
    const bool *accepted = r.lines.accepted;
    for (uint32_t at = 0; lines_next(source, &at, &line);)
        take_line(&r, &line, lines_is_candidate(source, &line) && *accepted++);
    for (uint32_t i = 0; !clean && i < m->nentries; i++) {
        struct entry *e = &m->entries[i];
        uint32_t stop = e->rest_end ? e->rest_end + source->base : e->value.at + e->value.len;
        e->spoilt = !lines_clean(source_text(source, e->key), stop - e->key.at);
    }
    return 0;
}

/* --- values of several lines --- */

/* The next line of an entry's further lines, comments in column 1 left out. */
static bool next_further(const struct source *source, const struct entry *e, uint32_t *at,
                         struct line *line) {
    while (*at < e->rest_end && lines_next(source, at, line))
        if (!line->len || !is_comment(source->bytes[line->at]))
            return true;
    return false;
}

/* Where the further lines begin: behind the line that the value began on. */
static uint32_t further_start(const struct source *source, const struct entry *e) {
    uint32_t start = e->value.at + e->value.len - source->base;
    const char *end = memchr(source->bytes + start, '\n', source->len - start);

    return end ? (uint32_t)(end - source->bytes) + 1 : source->len;
}

/* The blanks that all further lines with text begin with; *bytes is what unfolding takes. */
static uint32_t common_blanks(const struct source *source, const struct entry *e, size_t *bytes,
                              uint32_t *lines) {
    const char *common = NULL;
    uint32_t n = 0;
    struct line line;

    *bytes = *lines = 0;
    for (uint32_t at = further_start(source, e); next_further(source, e, &at, &line);) {
        const char *s = source->bytes + line.at;
        uint32_t blanks = count_blanks(s, line.len);
        *bytes += line.len + 1;
        ++*lines;
        if (blanks == line.len)
            continue;
        if (!common) {
            common = s;
            n = blanks;
        }
        uint32_t same = 0;
        while (same < n && same < blanks && s[same] == common[same])
            same++;
        n = same;
    }
    return n;
}

struct text manifest_unfold(const struct source *source, const struct entry *e,
                            struct arena *arena) {
    struct text t = {source_text(source, e->value), e->value.len, e->value.at, NULL, 0};
    size_t bytes;
    uint32_t lines;
    struct line line;

    if (!e->rest_end)
        return t;
    uint32_t common = common_blanks(source, e, &bytes, &lines);
    char *joined = arena_alloc(arena, t.len + bytes);
    struct segment *segments = arena_array(arena, struct segment, lines + 1);
    uint32_t len = 0;
    if (t.len) {
        memcpy(joined, t.bytes, t.len);
        segments[t.nsegments++] = (struct segment){0, t.at};
        len = t.len;
    }
    for (uint32_t at = further_start(source, e); next_further(source, e, &at, &line);) {
        uint32_t cut = count_blanks(source->bytes + line.at, line.len);
        if (cut > common)
            cut = common;
        if (t.nsegments)
            joined[len++] = '\n';
        segments[t.nsegments++] = (struct segment){len, source->base + line.at + cut};
        memcpy(joined + len, source->bytes + line.at + cut, line.len - cut);
        len += line.len - cut;
    }
    t.bytes = joined;
    t.len = len;
    t.segments = segments;
    return t;
}

struct span manifest_second_line(const struct source *source, const struct entry *e) {
    struct line line;

    if (!e->rest_end)
        return (struct span){0, 0};
    for (uint32_t at = further_start(source, e); next_further(source, e, &at, &line);) {
        const char *s = source->bytes + line.at;
        uint32_t blanks = count_blanks(s, line.len);
        if (blanks < line.len && !is_comment(s[blanks]))
            return (struct span){source->base + line.at + blanks, trim_end(s, line.len) - blanks};
    }
    return (struct span){0, 0};
}

struct span text_span(const struct text *t, size_t offset, size_t n) {
    if (!t->segments)
        return (struct span){t->at + (uint32_t)offset, (uint32_t)n};
    uint32_t low = 0, high = t->nsegments;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (t->segments[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    uint32_t in = (uint32_t)offset - t->segments[low].offset;
    size_t end = low + 1 < t->nsegments ? t->segments[low + 1].offset - 1 : t->len;
    if (offset + n > end)
        n = end > offset ? end - offset : 0;
    return (struct span){t->segments[low].at + in, (uint32_t)n};
}
