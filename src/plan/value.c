/* SPDX-License-Identifier: MIT */
/* value: the text behind a key as a typed value. */
#include "plan/value.h"

#include <string.h>

#include "base/text.h"

/* --- the table of forms --- */

enum put { PUT_NOT, PUT_WHOLE, PUT_WORDS };

struct form {
    bool (*parse)(struct parse *p, void *out);
    size_t size;  /* of the typed value */
    enum put put; /* when variables are put in */
    bool lines;   /* may have several */
    bool empty;   /* may be empty */
};

static const struct form forms[VALUE_TYPES] = {
    [VALUE_TEXT] = {parse_text, sizeof(char *), PUT_WHOLE, true, false},
    [VALUE_FREE] = {parse_text, sizeof(char *), PUT_WHOLE, true, true},
    [VALUE_COMMAND] = {parse_command, sizeof(struct action_value), PUT_NOT, true, false},
    [VALUE_SCRIPT] = {parse_script, sizeof(char *), PUT_NOT, true, false},
    [VALUE_EXEC] = {parse_exec, sizeof(struct action_value), PUT_WORDS, true, false},
    [VALUE_SHELL] = {parse_shell, sizeof(char *), PUT_NOT, true, false},
    [VALUE_LINE] = {parse_text, sizeof(char *), PUT_WHOLE, false, false},
    [VALUE_PATH] = {parse_path_value, sizeof(char *), PUT_WHOLE, false, false},
    [VALUE_ENV_FILE] = {parse_env_file, sizeof(struct env_file *), PUT_WHOLE, false, false},
    [VALUE_STDIN] = {parse_stdin, sizeof(struct stream), PUT_WHOLE, true, false},
    [VALUE_STDOUT] = {parse_stdout, sizeof(struct stream), PUT_WHOLE, false, false},
    [VALUE_STDERR] = {parse_stderr, sizeof(struct stream), PUT_WHOLE, false, false},
    [VALUE_DURATION] = {parse_duration, sizeof(int64_t), PUT_WHOLE, false, false},
    [VALUE_COUNT] = {parse_count, sizeof(uint32_t), PUT_WHOLE, false, false},
    [VALUE_INTEGER] = {parse_signed, sizeof(int32_t), PUT_WHOLE, false, false},
    [VALUE_FACTOR] = {parse_factor, sizeof(double), PUT_WHOLE, false, false},
    [VALUE_SIZE] = {parse_size, sizeof(uint64_t), PUT_WHOLE, false, false},
    [VALUE_RATE] = {parse_rate, sizeof(struct text_rate), PUT_WHOLE, false, false},
    [VALUE_BOOL] = {parse_bool, sizeof(bool), PUT_WHOLE, false, false},
    [VALUE_ENUM] = {parse_enum, sizeof(int32_t), PUT_WHOLE, false, false},
    [VALUE_SIGNAL] = {parse_signal, sizeof(int), PUT_WHOLE, false, false},
    [VALUE_EXITS] = {parse_exits, sizeof(struct exit_set), PUT_WHOLE, true, false},
    [VALUE_NO_EXITS] = {parse_exits, sizeof(struct exit_set), PUT_WHOLE, true, true},
    [VALUE_RETRY_ON] = {parse_retry_on, sizeof(struct retry_on), PUT_WORDS, true, false},
    [VALUE_STATUSES] = {parse_statuses, sizeof(struct http_set), PUT_WHOLE, true, false},
    [VALUE_NAMES] = {parse_names, sizeof(struct names), PUT_WORDS, true, true},
    [VALUE_AFTER] = {parse_after, sizeof(struct names), PUT_WORDS, true, true},
    [VALUE_VARS] = {parse_vars, sizeof(char **), PUT_WORDS, true, true},
    [VALUE_TAGS] = {parse_tags, sizeof(struct names), PUT_WORDS, true, true},
    [VALUE_WORDS] = {parse_words, sizeof(struct names), PUT_WORDS, true, true},
    [VALUE_PAIRS] = {parse_pairs, sizeof(struct names), PUT_WORDS, true, true},
    [VALUE_NAME] = {parse_name, sizeof(char *), PUT_WHOLE, false, false},
    [VALUE_RANGE] = {parse_range, sizeof(struct text_range), PUT_WHOLE, false, false},
    [VALUE_LINES] = {parse_lines, sizeof(char *), PUT_WHOLE, false, false},
    [VALUE_URL] = {parse_http, sizeof(struct action_value), PUT_WHOLE, false, false},
    [VALUE_METHOD] = {parse_method, sizeof(char *), PUT_WHOLE, false, false},
    [VALUE_HEADER] = {parse_header, sizeof(char *), PUT_WHOLE, false, true},
    [VALUE_VAR] = {parse_var, sizeof(char *), PUT_WHOLE, false, false},
    [VALUE_TASK] = {parse_task, sizeof(struct action_value), PUT_WHOLE, true, false},
    [VALUE_PROBE] = {parse_probe, sizeof(struct action_value), PUT_WHOLE, false, false},
    [VALUE_READY] = {parse_ready, sizeof(struct ready_sign *), PUT_WHOLE, false, false},
    [VALUE_REPORTS] = {parse_reports, sizeof(struct reports), PUT_WORDS, true, true},
    [VALUE_INCLUDE] = {parse_path_value, sizeof(char *), PUT_WHOLE, false, false},
};

size_t value_size(enum value_type type) {
    return forms[type].size;
}

enum value_type value_type_of(const struct schema_key *row, const char *key, size_t n) {
    static const struct {
        const char *end;
        enum value_type type;
    } axes[] = {{".lines", VALUE_LINES}, {".glob", VALUE_LINE}, {".range", VALUE_RANGE}};

    for (size_t i = 0; row->effect == EFFECT_AXIS && i < sizeof axes / sizeof *axes; i++) {
        size_t len = strlen(axes[i].end);
        if (n > strlen(row->name) + len && !memcmp(key + n - len, axes[i].end, len))
            return axes[i].type;
    }
    return row->type;
}

/* Takes the text of a value: one line of it where there may be no more. False after a fault. */
static bool take_text(struct parse *p, const struct section *s, const struct entry *e, bool lines,
                      bool empty) {
    struct entry one = *e;

    if (e->spoilt)
        return false;
    if (!lines) {
        struct span second = manifest_second_line(s->source, e);
        if (second.at) {
            diag_error(p->v->diag, second,
                       "indented line would continue '%.*s'; keys start in column 1", p->key_len,
                       p->key);
            return false;
        }
        one.rest_end = 0;
    }
    p->raw = manifest_unfold(s->source, &one, p->v->scratch);
    p->s = p->raw.bytes;
    p->n = p->raw.len;
    if (!p->n && !empty)
        return parse_fault_at(p, e->value, "the value is missing");
    return true;
}

static struct parse begin(struct values *v, const struct section *s, const struct entry *e) {
    return (struct parse){.v = v,
                          .row = e->row,
                          .section = s,
                          .folder = s->source->folder,
                          .key_at = e->key,
                          .key = source_text(s->source, e->key),
                          .key_len = (int)e->key.len};
}

void value_parse(struct values *v, const struct section *s, struct entry *e) {
    struct parse p = begin(v, s, e);
    const struct form *form = &forms[value_type_of(e->row, p.key, e->key.len)];
    /* Of the values of stdin only a text may have several lines. */
    bool lines = form->lines && (e->row->type != VALUE_STDIN || e->value.len == 0 ||
                                 !strncmp(source_text(s->source, e->value), "text:", 5));
    void *typed = arena_alloc(v->scratch, form->size);

    p.later = e->row->later && e->row->type != VALUE_BOOL && e->row->type != VALUE_DURATION;
    e->typed = NULL;
    if (!take_text(&p, s, e, lines, form->empty) ||
        (form->put == PUT_WHOLE && !parse_put_in_all(&p)) || !form->parse(&p, typed))
        return;
    if (p.later)
        diag_error(v->diag, e->key, "'%.*s' is not supported yet", p.key_len, p.key);
    else
        e->typed = typed;
}

/* Whether some of the names in n bytes are those of axes. */
static bool names_axis(const struct values *v, const char *s, size_t n) {
    struct piece piece;

    for (size_t at = 0; vars_next_piece(s, n, &at, &piece);)
        if (piece.reference && map_get(v->axes, piece.text, piece.text_len) != MAP_NONE)
            return true;
    return false;
}

struct plan_template *value_template(struct values *v, const struct section *s, struct entry *e) {
    struct parse p = begin(v, s, e);
    const struct form *form;

    if (!v->axes->count || !e->row || e->spoilt)
        return NULL;
    form = &forms[value_type_of(e->row, p.key, e->key.len)];
    p.raw = manifest_unfold(s->source, e, v->scratch);
    if (form->put == PUT_NOT || !memchr(p.raw.bytes, '{', p.raw.len) ||
        !names_axis(v, p.raw.bytes, p.raw.len))
        return NULL;
    struct plan_template *t = arena_new(v->arena, struct plan_template);
    *t = (struct plan_template){
        .row = e->row,
        .key = arena_strndup(v->arena, p.key, e->key.len),
        .text = arena_strndup(v->arena, p.raw.bytes, p.raw.len),
        .len = p.raw.len,
        .folder = s->source->folder,
    };
    if (e->row->effect == EFFECT_ENV || e->row->effect == EFFECT_HEADER)
        t->name = t->key + strlen(e->row->name);
    return t;
}

bool value_read(struct values *v, const struct plan_template *t, void *typed) {
    struct parse p = {.v = v,
                      .row = t->row,
                      .folder = t->folder,
                      .key = t->key,
                      .key_len = (int)strlen(t->key),
                      .raw = {.bytes = t->text, .len = t->len},
                      .s = t->text,
                      .n = t->len};
    const struct form *form = &forms[t->row->type];

    return (form->put != PUT_WHOLE || parse_put_in_all(&p)) && form->parse(&p, typed);
}

const void *value_parse_default(struct values *v, const struct schema_key *row) {
    struct parse p = {.v = v,
                      .row = row,
                      .silent = true,
                      .folder = "/",
                      .key = row->name,
                      .key_len = (int)strlen(row->name),
                      .s = row->value,
                      .n = strlen(row->value)};
    void *typed = arena_alloc(v->scratch, forms[row->type].size);

    p.raw = (struct text){.bytes = p.s, .len = (uint32_t)p.n};
    return p.n == 0 || forms[row->type].parse(&p, typed) ? typed : NULL;
}

bool value_text(struct values *v, const struct section *s, struct entry *e, struct text *text) {
    struct parse p = begin(v, s, e);

    if (!take_text(&p, s, e, true, true))
        return false;
    *text = p.raw;
    return true;
}

const char *value_env(struct values *v, const struct section *s, struct entry *e,
                      const char *name) {
    struct parse p = begin(v, s, e);

    if (!take_text(&p, s, e, true, true) || !parse_put_in_all(&p))
        return NULL;
    size_t whole = strlen(name) + 1 + p.n;
    if (whole > PLAN_STRING_MAX) {
        parse_fault(&p, 0, p.n, "with its name it is %zu bytes; the kernel takes at most %u", whole,
                    PLAN_STRING_MAX);
        return NULL;
    }
    return arena_strndup(v->arena, p.s, p.n);
}
