/* SPDX-License-Identifier: MIT */
/* sections: what each section and key of a manifest is, and whether it is there twice. */
#include <string.h>

#include "base/text.h"
#include "plan/loader.h"

#define SUGGESTIONS_MAX 50 /* among names of the user's own */

void sections_init(struct loader *l) {
    schema_index_init(&l->index, &l->scratch);
    for (size_t i = 0; i < SECTIONS; i++)
        map_init(&l->names[i], &l->scratch);
    map_init(&l->keys, &l->scratch);
    map_init(&l->axes, &l->scratch);
    for (size_t i = 0; i < SEEN_GROUPS; i++)
        l->seen[i] = arena_array(&l->scratch, struct seen, schema_key_count);
    /* Levels: all [muster] are one, all [defaults], all [vars], all [env]; then each section. */
    l->levels = SECTIONS;
}

const char *sections_nearest(struct loader *l, enum section_type type, const char *name, size_t n) {
    size_t count = 0;

    if (l->suggestions++ >= SUGGESTIONS_MAX)
        return NULL;
    /* Once all files are read no name is added any more. */
    if (!l->name_lists[type]) {
        const char **names = arena_array(&l->scratch, const char *, l->nsections + 1);
        for (size_t i = 0; i < l->nsections; i++) {
            const struct section *s = l->sections[i];
            if (section_is(s, type) && s->live)
                names[count++] =
                    arena_strndup(&l->scratch, source_text(s->source, s->name), s->name.len);
        }
        l->name_lists[type] = names;
    }
    return diag_nearest(name, n, l->name_lists[type]);
}

/* --- headers --- */

static int find_type(struct loader *l, const struct section *s) {
    const char *kinds[SECTIONS + 1] = {NULL};
    const char *kind = source_text(s->source, s->kind);

    for (int i = 0; i < SECTIONS; i++)
        kinds[i] = schema_sections[i].kind;
    int type = text_choose(kind, s->kind.len, kinds);
    if (type < 0 && !s->broken) {
        const char *near = diag_nearest(kind, s->kind.len, kinds);
        diag_error(l->diag, s->kind, "unknown section '%.*s'" DIAG_NEAR, (int)s->kind.len, kind,
                   DIAG_NEAR_ARGS(near));
    }
    return type;
}

/* The header as it stands, for messages. */
static const char *header_text(struct loader *l, const struct section *s) {
    return parse_clip(&l->scratch, source_text(s->source, s->header), s->header.len);
}

/* A key as it stands, for messages. */
static const char *key_text(struct loader *l, const struct section *s, const struct entry *e) {
    return parse_clip(&l->scratch, source_text(s->source, e->key), e->key.len);
}

static void report_duplicate(struct loader *l, const struct section *s,
                             const struct section *first) {
    diag_error(l->diag, s->header, "duplicate section '%s'", header_text(l, s));
    diag_note(l->diag, first->header, "the first one is here");
}

/* Checks a section that should have a name. Whether it is the first to bear it. */
static bool take_name(struct loader *l, const struct section *s) {
    const char *kind = schema_sections[s->type].kind;
    const char *name = source_text(s->source, s->name);

    if (!s->name.at) {
        if (!s->broken)
            diag_error(l->diag, s->header, "[%s] needs a name: [%s NAME]", kind, kind);
        return false;
    }
    if (!text_name_valid(name, s->name.len)) {
        const char *shown = parse_clip(&l->scratch, name, s->name.len);
        if (s->name.len > TEXT_NAME_MAX && !s->broken)
            diag_error(l->diag, s->name, "'%s' is too long a name (%u bytes, at most %d)", shown,
                       s->name.len, TEXT_NAME_MAX);
        else if (!s->broken)
            diag_error(l->diag, s->name,
                       "'%s' is not a name (letters, digits, '_', '.' and '-', the first none of "
                       "'.' and '-')",
                       shown);
        return false;
    }
    uint32_t first = map_add(&l->names[s->type], name, s->name.len, (uint32_t)l->nsections);
    if (first == MAP_NONE)
        return true;
    report_duplicate(l, s, l->sections[first]);
    return false;
}

/* Sets the section's type, reports what is wrong with its header. Whether it is live. */
static bool take_header(struct loader *l, struct section *s, struct file_sections *file) {
    s->type = (int8_t)find_type(l, s);
    if (s->type < 0)
        return false;
    const struct schema_section *kind = &schema_sections[s->type];
    bool counts = true;
    if (kind->named) {
        counts = take_name(l, s);
    } else if (s->name.at && !s->broken) {
        diag_error(l->diag, s->name, "[%s] takes no name", kind->kind);
    } else if (file->unnamed[s->type]) {
        report_duplicate(l, s, file->unnamed[s->type]);
    } else {
        file->unnamed[s->type] = s;
    }
    if (kind->later && counts)
        diag_error(l->diag, s->header, "'%s' is not supported yet", header_text(l, s));
    return counts;
}

/* --- keys --- */

static const char *const scope_places[SCOPES] = {
    [SCOPE_MUSTER] = "[muster]",
    [SCOPE_JOB] = "[job], [template] or [defaults]",
    [SCOPE_LIMIT] = "[limit]",
    [SCOPE_WORKER] = "[worker]",
};

/* A key that its section does not know. */
static void report_unknown(struct loader *l, const struct section *s, const struct entry *e) {
    const char *key = source_text(s->source, e->key);
    enum schema_scope scope = schema_scope((enum section_type)s->type);
    size_t tail;

    for (enum schema_scope other = 0; other < SCOPES; other++)
        if (schema_find(&l->index, other, key, e->key.len, &tail)) {
            diag_error(l->diag, e->key, "unknown key '%s' in %s; it belongs in %s",
                       key_text(l, s, e), header_text(l, s), scope_places[other]);
            return;
        }
    const char *near = schema_nearest(scope, key, e->key.len);
    diag_error(l->diag, e->key, "unknown key '%s' in %s" DIAG_NEAR, key_text(l, s, e),
               header_text(l, s), DIAG_NEAR_ARGS(near));
}

static void report_double(struct loader *l, const struct section *s, struct entry *e,
                          struct span first) {
    diag_error(l->diag, e->key, "duplicate key '%s'", key_text(l, s, e));
    diag_note(l->diag, first, "it is set here first");
    e->doubled = e->reported = true;
}

/* Notes an entry as the one of its name on its level; reports an earlier one. */
static void note_seen(struct loader *l, const struct section *s, struct seen *seen, uint32_t level,
                      struct entry *e) {
    if (seen->entry && seen->level == level)
        report_double(l, s, e, seen->entry->key);
    else
        *seen = (struct seen){level, e};
}

/* The same for keys that are no rows of the schema: variables, env.NAME, axes. */
static void note_name(struct loader *l, const struct section *s, uint32_t level, size_t n,
                      struct entry *e) {
    const char *key = source_text(s->source, e->key);
    const char *id;

    if (e->row && e->row->effect == EFFECT_HEADER) /* whose case means nothing */
        key = arena_lower(&l->scratch, key, n);
    id = arena_printf(&l->scratch, "%u %.*s", level, (int)n, key);
    uint32_t first = map_add(&l->keys, id, strlen(id), e->key.at);

    if (first != MAP_NONE)
        report_double(l, s, e, (struct span){first, e->key.len});
}

/* A job has one action: two on one level are an error, a stronger level's replaces it. */
static void note_action(struct loader *l, const struct section *s, struct seen *seen,
                        uint32_t level, struct entry *e) {
    if (!seen->entry || seen->level != level) {
        *seen = (struct seen){level, e};
        return;
    }
    if (seen->entry->row == e->row)
        return; /* a duplicate key, which was said */
    diag_error(l->diag, e->key, "'%s' is a second action in %s; a job has one", e->row->name,
               header_text(l, s));
    diag_note(l->diag, seen->entry->key, "the first one is here");
    e->reported = true;
}

/* A name of a variable behind "env." or in [env]. */
static void check_env_name(struct loader *l, const char *name, size_t n, struct span at,
                           struct entry *e) {
    if (!text_var_valid(name, n))
        diag_error(l->diag, at,
                   "'%.*s' is not the name of a variable (letters, digits and '_', no digit first)",
                   (int)n, name);
    else if (schema_env_own(name, n))
        diag_warning(l->diag, at, "'%.*s' is set by muster itself, whatever stands here", (int)n,
                     name);
    else
        return;
    e->reported = true;
}

/* A name of a header, RFC 9110's token, and not one by which a request ends. */
static void check_header_name(struct loader *l, const char *name, size_t n, struct span at,
                              struct entry *e) {
    static const char *const own[] = {"content-length", "transfer-encoding", NULL};
    const char *lower = arena_lower(&l->scratch, name, n);

    if (strspn(lower, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") < n)
        diag_error(l->diag, at, "'%.*s' is not the name of a header", (int)n, name);
    else if (text_choose(lower, n, own) >= 0)
        diag_error(l->diag, at, "'%.*s' is set by muster itself", (int)n, name);
    else
        return;
    e->reported = true;
}

size_t sections_axis_name(const char *tail, size_t n) {
    static const char *const endings[] = {".lines", ".glob", ".range", NULL};
    const char *dot = memchr(tail, '.', n);

    return dot && text_choose(dot, n - (size_t)(dot - tail), endings) >= 0 ? (size_t)(dot - tail)
                                                                           : n;
}

/* The name of an axis: a variable of each item. */
static void check_axis_name(struct loader *l, const char *name, size_t n, struct span at,
                            struct entry *e) {
    const char *fault = vars_name_fault(name, n);

    if (!fault) {
        map_add(&l->axes, name, n, 0);
        return;
    }
    if (!text_var_valid(name, n))
        diag_error(l->diag, at,
                   "'%.*s' is not the name of an axis, or of one with .lines, "
                   ".glob or .range",
                   (int)at.len, name);
    else
        diag_error(l->diag, at, "'%.*s' %s", (int)n, name, fault);
    e->reported = true;
}

/* What follows the dot of a key like env.NAME. */
static void check_tail(struct loader *l, const struct section *s, struct entry *e, size_t tail,
                       uint32_t level) {
    const char *key = source_text(s->source, e->key), *name = key + tail;
    size_t n = e->key.len - tail, whole = e->key.len;
    struct span at = {e->key.at + (uint32_t)tail, (uint32_t)n};

    if (!n) {
        diag_error(l->diag, e->key, "a name is missing behind '%s'", e->row->name);
        e->reported = true;
        return;
    }
    if (e->row->effect == EFFECT_ENV) {
        check_env_name(l, name, n, at, e);
    } else if (e->row->effect == EFFECT_HEADER) {
        check_header_name(l, name, n, at, e);
    } else if (e->row->effect == EFFECT_AXIS) {
        whole = tail + (n = sections_axis_name(name, n));
        check_axis_name(l, name, n, at, e);
    }
    note_name(l, s, level, whole, e);
}

static void take_key(struct loader *l, struct section *s, struct entry *e, uint32_t level) {
    const char *key = source_text(s->source, e->key);
    enum schema_scope scope = schema_scope((enum section_type)s->type);
    size_t tail;

    if (scope == SCOPE_NAMES) {
        const char *fault = section_is(s, SECTION_VARS) ? vars_name_fault(key, e->key.len) : NULL;
        if (fault) {
            diag_error(l->diag, e->key, "'%s' %s", key_text(l, s, e), fault);
            e->reported = true;
        } else if (section_is(s, SECTION_ENV)) {
            check_env_name(l, key, e->key.len, e->key, e);
        }
        note_name(l, s, level, e->key.len, e);
        return;
    }
    e->row = schema_find(&l->index, scope, key, e->key.len, &tail);
    if (!e->row) {
        report_unknown(l, s, e);
        return;
    }
    int group = section_is(s, SECTION_MUSTER)     ? SEEN_MUSTER
                : section_is(s, SECTION_DEFAULTS) ? SEEN_DEFAULTS
                                                  : SEEN_OTHERS;
    if (section_is(s, SECTION_TEMPLATE) && e->row->effect == EFFECT_USE) {
        diag_error(l->diag, e->key, "a template cannot use templates");
        e->reported = true;
    }
    if (tail < e->key.len || e->row->name[strlen(e->row->name) - 1] == '.') {
        check_tail(l, s, e, tail, level);
        return;
    }
    /* Each file may include another. */
    if (e->row->type == VALUE_INCLUDE)
        level = l->levels;
    note_seen(l, s, &l->seen[group][e->row - schema_keys], level, e);
    if (e->row->action)
        note_action(l, s, &l->actions[group], level, e);
}

void sections_expect(struct loader *l, uint32_t n) {
    map_reserve(&l->names[SECTION_JOB], n); /* most are jobs */
    if (l->sections)
        return;
    l->sections = arena_array(&l->scratch, struct section *, n);
    l->sections_cap = n;
}

void sections_take(struct loader *l, struct section *s, struct file_sections *file) {
    if (s->outside) {
        s->type = -1;
        for (uint32_t i = 0; i < s->nentries; i++)
            diag_error(l->diag, s->entries[i].key, "key '%.*s' is outside any section",
                       (int)s->entries[i].key.len, source_text(s->source, s->entries[i].key));
        return;
    }
    s->live = take_header(l, s, file);
    l->sections = arena_grow(&l->scratch, l->sections, l->nsections, &l->sections_cap,
                             sizeof(struct section *));
    l->sections[l->nsections++] = s;
    uint32_t level = ++l->levels;
    if (s->type >= 0 && !schema_sections[s->type].named)
        level = (uint32_t)s->type;
    for (uint32_t i = 0; s->type >= 0 && i < s->nentries; i++)
        take_key(l, s, &s->entries[i], level);
}
