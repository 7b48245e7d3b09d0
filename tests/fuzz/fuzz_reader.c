/* SPDX-License-Identifier: MIT */
/* fuzz_reader: any bytes through the reader alone: every name and value is the source's own. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "plan/manifest.h"

static bool is_inside(const struct source *s, struct span span) {
    return span.at >= s->base && span.at - s->base <= s->len &&
           span.len <= s->len - (span.at - s->base);
}

/* Each piece of an unfolded value stands so in the source, and newlines between. */
static void check_text(const struct source *s, const struct text *t) {
    for (uint32_t i = 0; i < t->nsegments; i++) {
        uint32_t from = t->segments[i].offset;
        uint32_t to = i + 1 < t->nsegments ? t->segments[i + 1].offset - 1 : t->len;

        demand(from <= to && to <= t->len);
        demand(is_inside(s, (struct span){t->segments[i].at, to - from}));
        demand(!memcmp(t->bytes + from, s->bytes + (t->segments[i].at - s->base), to - from));
        demand(!memchr(t->bytes + from, '\n', to - from));
        demand(i + 1 == t->nsegments || t->bytes[to] == '\n');
    }
    for (uint32_t i = 0; i < t->len; i += t->len / 8 + 1) {
        struct span at = text_span(t, i, 1);

        demand(is_inside(s, at));
        demand(t->bytes[i] == '\n' || t->bytes[i] == s->bytes[at.at - s->base]);
    }
}

static void check_entry(const struct source *s, const struct entry *e, struct arena *arena) {
    struct text text = manifest_unfold(s, e, arena);
    struct span second = manifest_second_line(s, e);

    demand(e->key.len > 0 && is_inside(s, e->key) && is_inside(s, e->value));
    demand(s->bytes[e->key.at - s->base - (e->key.at > s->base)] == '\n' ||
           s->bytes[e->key.at - s->base - (e->key.at > s->base)] == '\r' || e->key.at == s->base);
    demand(!memchr(source_text(s, e->key), '=', e->key.len));
    demand(!memchr(source_text(s, e->value), '\n', e->value.len));
    demand(!second.at || is_inside(s, second));
    check_text(s, &text);
}

static void check(const uint8_t *data, size_t n, struct arena *arena) {
    struct sources sources;
    struct source *source;
    struct diag diag;
    struct manifest m;

    sources_init(&sources, arena);
    diag_init(&diag, arena, &sources);
    if (sources_add(&sources, "fuzz.ini", n ? (const char *)data : "", n, &source) == 0 &&
        manifest_parse(&m, source, arena, &diag) == 0) {
        uint32_t count = 0;

        demand(m.broken == (diag.errors > 0));
        for (uint32_t i = 0; i < m.nsections; i++) {
            const struct section *section = &m.sections[i];

            demand(section->entries == m.entries + count);
            demand(section->outside || is_inside(source, section->header));
            for (uint32_t k = 0; k < section->nentries; k++)
                check_entry(source, &section->entries[k], arena);
            count += section->nentries;
        }
        demand(count == m.nentries);
    }
    sources_release(&sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena arena;
    jmp_buf on_oom;

    arena_init(&arena, &on_oom);
    if (!setjmp(on_oom))
        check(data, n, &arena);
    arena_release(&arena);
    return 0;
}
