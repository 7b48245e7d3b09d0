/* SPDX-License-Identifier: MIT */
/* lines: the bytes of a manifest checked, and its lines judged by inih. */
#include "plan/lines.h"

#include <ini.h>
#include <string.h>
#include <uv.h>

#include "base/utf8.h"

#define BAD_BYTES_MAX 10 /* reported in one file */

/* --- bytes --- */

/* What is wrong with the character at the start of n bytes, or NULL; *len is its length. */
static const char *character_fault(const char *s, size_t n, size_t *len) {
    unsigned char c = (unsigned char)*s;
    uint32_t code;

    *len = 1;
    if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t')
        return NULL;
    if (c == '\r')
        return n > 1 && s[1] == '\n' ? NULL : "a carriage return without a line feed";
    if (c == 0)
        return "a NUL byte";
    if (c < 0x80)
        return "a control character";
    *len = utf8_decode(s, n, &code);
    if (code == UTF8_INVALID)
        return "not UTF-8";
    return code < 0xa0 ? "a control character" : NULL;
}

/* How many plain characters n bytes begin with: mostly all that there are. */
static size_t count_plain(const char *s, size_t n) {
    size_t i = 0;

    while (i < n && ((s[i] >= 0x20 && s[i] < 0x7f) || s[i] == '\n'))
        i++;
    return i;
}

bool lines_clean(const char *s, size_t n) {
    size_t len;

    for (size_t i = 0; (i += count_plain(s + i, n - i)) < n; i += len)
        if (character_fault(s + i, n - i, &len))
            return false;
    return true;
}

bool lines_check(const struct source *source, struct diag *diag) {
    const char *s = source->bytes;
    unsigned bad = 0;
    size_t len;

    if (source->len >= 2 && (!memcmp(s, "\xff\xfe", 2) || !memcmp(s, "\xfe\xff", 2))) {
        diag_error(diag, (struct span){source->base, 0}, "this is UTF-16; a manifest is UTF-8");
        return false;
    }
    for (size_t i = 0; (i += count_plain(s + i, source->len - i)) < source->len; i += len) {
        const char *fault = character_fault(s + i, source->len - i, &len);
        if (!fault)
            continue;
        struct span at = {source->base + (uint32_t)i, (uint32_t)len};
        if (bad++ == BAD_BYTES_MAX) {
            diag_note(diag, at, "there are more from here on");
            break;
        }
        if (s[i] && s[i] != '\r')
            diag_error(diag, at, "'%.*s' is %s", (int)len, s + i, fault);
        else
            diag_error(diag, at, "%s", fault);
    }
    return !bad;
}

/* --- lines --- */

bool lines_next(const struct source *source, uint32_t *at, struct line *line) {
    if (*at >= source->len)
        return false;
    const char *s = source->bytes + *at;
    const char *end = memchr(s, '\n', source->len - *at);
    uint32_t len = end ? (uint32_t)(end - s) : source->len - *at;
    *line = (struct line){.at = *at, .len = len};
    *at += len + !!end;
    if (end && len && s[len - 1] == '\r')
        line->len--;
    return true;
}

bool lines_is_candidate(const struct source *source, const struct line *line) {
    char c = source->bytes[line->at];

    return line->len && c != ' ' && c != '\t' && c != ';' && c != '#';
}

static void count_candidates(struct lines *lines, const struct source *source) {
    struct line line;

    *lines = (struct lines){0};
    for (uint32_t at = 0; lines_next(source, &at, &line);)
        if (lines_is_candidate(source, &line)) {
            lines->count++;
            lines->headers += source->bytes[line.at] == '[';
        }
}

/* --- inih --- */

/*
 * inih sees each line alone, and cut to fit its buffer: how long that is, and
 * whether it knows inline comments or lines that go on, depends on its build.
 * So it only says which lines are pairs and which are headers; names and
 * values are taken from the source. A header is followed by a pair of our own,
 * whose handler call tells what inih took for the section.
 */
struct feed {
    const struct source *source;
    struct lines *lines;
    struct line line;  /* the candidate that is being judged */
    uint32_t at;       /* where the one after it is looked for */
    uint32_t next;     /* that one's index */
    bool header_probe; /* hand over PROBE next */
};

#define PROBE          "_=_"
#define SECTION_PREFIX 32U /* bytes of a section's name that every build keeps */

/* Puts n bytes of s into `room`, cut in the middle. How many were put. */
static size_t put_cut(char *to, size_t room, const char *s, size_t n) {
    if (n <= room) {
        memcpy(to, s, n);
        return n;
    }
    size_t tail = room / 2, head = room - tail;
    memcpy(to, s, head);
    memcpy(to + head, s + n - tail, tail);
    return room;
}

static char *hand_over(char *buf, int size, void *ctx) {
    struct feed *f = ctx;

    if (size < (int)sizeof PROBE + 2 || (!f->header_probe && f->next == f->lines->count))
        return NULL;
    /* inih wants three more than the line has: for CR, LF and NUL. */
    size_t room = (size_t)size - 3, n;
    if (f->header_probe) {
        f->header_probe = false;
        n = put_cut(buf, room, PROBE, sizeof PROBE - 1);
    } else {
        const struct line *line = &f->line;
        do
            lines_next(f->source, &f->at, &f->line);
        while (!lines_is_candidate(f->source, line));
        f->next++;
        const char *s = f->source->bytes + line->at;
        const char *equals = memchr(s, '=', line->len);
        f->header_probe = *s == '[';
        if (f->header_probe || !equals)
            n = put_cut(buf, room, s, line->len);
        else /* what makes it a pair is to the left */
            n = put_cut(buf, room, s, (size_t)(equals - s) + 1);
    }
    buf[n] = '\n';
    buf[n + 1] = '\0';
    return buf;
}

static int take(void *ctx, const char *section, const char *name, const char *value) {
    struct feed *f = ctx;

    (void)name;
    (void)value;
    /* The first build that hands over a line nobody gave it would be a surprise. */
    if (!f->next)
        return 1;
    const struct line *line = &f->line;
    bool *accepted = &f->lines->accepted[f->next - 1];
    const char *s = f->source->bytes + line->at;
    if (*s != '[') {
        *accepted = true;
    } else {
        size_t n = strlen(section);
        if (n > SECTION_PREFIX)
            n = SECTION_PREFIX;
        if (n > line->len - 1)
            n = line->len - 1;
        *accepted = n && !memcmp(s + 1, section, n);
    }
    return 1;
}

int lines_read(struct lines *lines, const struct source *source, struct arena *arena) {
    struct feed feed = {.source = source, .lines = lines};

    count_candidates(lines, source);
    lines->accepted = arena_array(arena, bool, lines->count);
    /* A build that stops at its first error is set on again behind it. */
    for (uint32_t before = UINT32_MAX; feed.next < lines->count && feed.next != before;) {
        before = feed.next;
        feed.header_probe = false;
        if (ini_parse_stream(hand_over, &feed, take, &feed) == -2)
            return UV_ENOMEM;
    }
    return 0;
}
