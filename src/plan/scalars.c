/* SPDX-License-Identifier: MIT */
/* scalars: values that are one thing: texts, streams, numbers, words, addresses. */
#include <regex.h>
#include <string.h>
#include <uv.h>

#include "base/text.h"
#include "plan/parse.h"

/* The whole value is wrong: "'30x' is not WHAT". */
static bool not_a(struct parse *p, const char *what) {
    return parse_fault(p, 0, p->n, "'%s' is not %s", parse_shown(p, p->s, p->n), what);
}

/* The form is right, the value is not: "'0' is out of range (1 to 64)". */
static bool out_of_range(struct parse *p, const char *range) {
    return parse_fault(p, 0, p->n, "'%s' is out of range (%s)", parse_shown(p, p->s, p->n), range);
}

/* --- texts and paths --- */

static const char *copy(struct parse *p, const char *s, size_t n) {
    return arena_strndup(p->v->arena, s, n);
}

bool parse_text(struct parse *p, void *out) {
    *(const char **)out = copy(p, p->s, p->n);
    return true;
}

bool parse_script(struct parse *p, void *out) {
    if (p->n > PLAN_STRING_MAX)
        return parse_fault(p, 0, p->n,
                           "%zu bytes are more than the kernel takes as one argument (%u)", p->n,
                           PLAN_STRING_MAX);
    parse_warn_of_references(p);
    *(const char **)out = copy(p, p->s, p->n);
    return true;
}

bool parse_command(struct parse *p, void *out) {
    struct action_value *action = out;

    *action = (struct action_value){.action = ACTION_COMMAND};
    return parse_script(p, &action->command);
}

bool parse_task(struct parse *p, void *out) {
    *(struct action_value *)out =
        (struct action_value){.action = ACTION_TASK, .command = copy(p, p->s, p->n)};
    return true;
}

bool parse_path_value(struct parse *p, void *out) {
    *(const char **)out = parse_path(p, p->s, p->n);
    return true;
}

bool parse_lines(struct parse *p, void *out) {
    if (p->n == 1 && *p->s == '-')
        return parse_text(p, out);
    return parse_path_value(p, out);
}

bool parse_env_file(struct parse *p, void *out) {
    struct env_file *file = arena_new(p->v->arena, struct env_file);

    file->path = parse_path(p, p->s, p->n);
    *(struct env_file **)out = file;
    return true;
}

/* --- streams --- */

/* A word, or a prefix with something behind it, that says what a stream is. */
struct stream_form {
    const char *word; /* ends in ":" where a path or text follows */
    enum stream_kind kind;
};

static bool parse_stream(struct parse *p, const struct stream_form *forms, struct stream *out,
                         const char *what) {
    for (const struct stream_form *f = forms; f->word; f++) {
        size_t n = strlen(f->word);
        bool more = f->word[n - 1] == ':';
        if (p->n < n || memcmp(p->s, f->word, n) || (!more && p->n > n))
            continue;
        out->kind = f->kind;
        out->text = NULL;
        if (f->kind == STREAM_TEXT) {
            bool lines = memchr(p->s + n, '\n', p->n - n);
            out->text =
                arena_printf(p->v->arena, "%.*s%s", (int)(p->n - n), p->s + n, lines ? "\n" : "");
        } else if (more && p->n == n) {
            return parse_fault(p, 0, p->n, "a path is missing behind '%s'", f->word);
        } else if (more) {
            out->text = parse_path(p, p->s + n, p->n - n);
        }
        return true;
    }
    return not_a(p, what);
}

bool parse_stdin(struct parse *p, void *out) {
    static const struct stream_form forms[] = {
        {"null", STREAM_NULL}, {"file:", STREAM_FILE}, {"text:", STREAM_TEXT}, {NULL, 0}};

    return parse_stream(p, forms, out, "a standard input (null, file:PATH or text:...)");
}

bool parse_stdout(struct parse *p, void *out) {
    static const struct stream_form forms[] = {{"capture", STREAM_CAPTURE},
                                               {"null", STREAM_NULL},
                                               {"file:", STREAM_FILE},
                                               {"append:", STREAM_APPEND},
                                               {NULL, 0}};

    return parse_stream(p, forms, out,
                        "a standard output (capture, file:PATH, append:PATH or null)");
}

bool parse_stderr(struct parse *p, void *out) {
    static const struct stream_form forms[] = {
        {"capture", STREAM_CAPTURE}, {"stdout", STREAM_STDOUT},  {"null", STREAM_NULL},
        {"file:", STREAM_FILE},      {"append:", STREAM_APPEND}, {NULL, 0}};

    return parse_stream(p, forms, out,
                        "a standard error (stdout, capture, file:PATH, append:PATH or null)");
}

/* --- numbers --- */

bool parse_duration(struct parse *p, void *out) {
    int64_t ns = 0;
    int err = text_duration(p->s, p->n, &ns);

    if (err == UV_ERANGE)
        return out_of_range(p, "at most 1000000000s");
    if (err)
        return not_a(p, "a duration (such as 250ms, 30s, 5m, 1h30m)");
    if (ns < (int64_t)p->row->min)
        return out_of_range(p, "more than 0");
    p->later = p->row->later && (ns || p->row->min > 0);
    *(int64_t *)out = ns;
    return true;
}

/* "0 to 40", or "1 or more" where the bound is only that of the type. */
static const char *range_words(struct parse *p) {
    if (p->row->max >= UINT32_MAX - 1)
        return arena_printf(p->v->scratch, "%.0f or more", p->row->min);
    return arena_printf(p->v->scratch, "%.0f to %.0f", p->row->min, p->row->max);
}

static bool parse_integer(struct parse *p, int64_t *value) {
    int err = text_int64(p->s, p->n, (int64_t)p->row->min, (int64_t)p->row->max, value);

    if (err == UV_ERANGE)
        return out_of_range(p, range_words(p));
    if (err)
        return not_a(p, arena_printf(p->v->scratch, "a number (%s)", range_words(p)));
    return true;
}

bool parse_count(struct parse *p, void *out) {
    int64_t value;

    if (!parse_integer(p, &value))
        return false;
    *(uint32_t *)out = (uint32_t)value;
    return true;
}

bool parse_signed(struct parse *p, void *out) {
    int64_t value;

    if (!parse_integer(p, &value))
        return false;
    *(int32_t *)out = (int32_t)value;
    return true;
}

bool parse_factor(struct parse *p, void *out) {
    int err = text_factor(p->s, p->n, p->row->min, p->row->max, out);

    if (err == UV_ERANGE)
        return out_of_range(p, range_words(p));
    return !err || not_a(p, arena_printf(p->v->scratch, "a number (%s, such as %s)", range_words(p),
                                         p->row->max > 1 ? "1.5" : "0.25"));
}

bool parse_size(struct parse *p, void *out) {
    int err = text_size(p->s, p->n, out);

    if (err == UV_ERANGE)
        return out_of_range(p, "at most 15E");
    if (err)
        return not_a(p, "a size (such as 512K, 64M, 2G)");
    return *(uint64_t *)out >= (uint64_t)p->row->min || out_of_range(p, "more than 0");
}

bool parse_rate(struct parse *p, void *out) {
    int err = text_rate(p->s, p->n, out);

    if (err == UV_ERANGE)
        return out_of_range(p, "1/h or more");
    return !err || not_a(p, "a rate (such as 10/s, 600/m, 1000/h)");
}

/* --- words --- */

bool parse_bool(struct parse *p, void *out) {
    if (text_bool(p->s, p->n, out))
        return not_a(p, "yes or no");
    p->later = p->row->later && *(bool *)out;
    return true;
}

bool parse_enum(struct parse *p, void *out) {
    const char *const *words = p->row->words;
    int i = text_choose(p->s, p->n, words);

    if (i >= 0) {
        /* With nothing but its default it is the key that is not supported. */
        p->later = p->row->words_now == 1 && i > 0;
        if (p->row->words_now > 1 && i >= p->row->words_now)
            return parse_fault(p, 0, p->n, "'%s' is not supported yet", words[i]);
        *(int32_t *)out = i;
        return true;
    }
    const char *all = words[0], *near = diag_nearest(p->s, p->n, words);
    for (i = 1; words[i]; i++)
        all = arena_printf(p->v->scratch, "%s%s%s", all, words[i + 1] ? ", " : " or ", words[i]);
    return parse_fault(p, 0, p->n, "'%s' is not %s" DIAG_NEAR, parse_shown(p, p->s, p->n), all,
                       DIAG_NEAR_ARGS(near));
}

bool parse_signal(struct parse *p, void *out) {
    return !text_signal(p->s, p->n, out) || not_a(p, "a signal (such as TERM, INT, HUP, 15)");
}

bool parse_name(struct parse *p, void *out) {
    if (!text_name_valid(p->s, p->n))
        return not_a(p, "a name (letters, digits, '_', '.' and '-')");
    return parse_text(p, out);
}

bool parse_range(struct parse *p, void *out) {
    struct text_fault fault;

    return !text_range(p->s, p->n, out, &fault) ||
           not_a(p, "a range (such as 1..100 or 1..100..5)");
}

/* --- addresses --- */

/* It never is in a message as it stands: there may be a password in it. */
bool parse_http(struct parse *p, void *out) {
    *(struct action_value *)out =
        (struct action_value){.action = ACTION_HTTP, .command = copy(p, p->s, p->n)};
    return target_is_url(p->s, p->n) || not_a(p, "a URL (http://HOST/... or https://HOST/...)");
}

/* Letters alone: all methods that there are. */
bool parse_method(struct parse *p, void *out) {
    for (size_t i = 0; i < p->n; i++)
        if (p->s[i] < 'A' || p->s[i] > 'Z')
            return not_a(p, "a method (such as GET, HEAD, POST, PUT, DELETE)");
    return parse_text(p, out);
}

/* A line, whatever variables stand for: with another it would be another header. */
bool parse_header(struct parse *p, void *out) {
    for (size_t i = 0; i < p->n; i++)
        if (((unsigned char)p->s[i] < ' ' && p->s[i] != '\t') || p->s[i] == 0x7f)
            return parse_fault(p, 0, p->n, "a header is one line, without control characters");
    return parse_text(p, out);
}

bool parse_var(struct parse *p, void *out) {
    if (!text_var_valid(p->s, p->n))
        return not_a(p, "the name of a variable (letters, digits and '_', no digit first)");
    return parse_text(p, out);
}

bool parse_probe(struct parse *p, void *out) {
    struct target *target = arena_new(p->v->arena, struct target);

    *(struct action_value *)out = (struct action_value){
        .action = ACTION_WAIT, .command = copy(p, p->s, p->n), .target = target};
    return target_parse(target, p->v->arena, p->folder, p->s, p->n) ||
           not_a(p, "something to wait for (tcp:HOST:PORT, unix:PATH, file:PATH or a URL)");
}

static bool has_prefix(const char *s, size_t n, const char *prefix) {
    size_t len = strlen(prefix);

    return n > len && !memcmp(s, prefix, len);
}

/* A regular expression for lines of output. */
static bool parse_line(struct parse *p, struct ready_sign *ready) {
    const size_t from = strlen("line:");
    regex_t regex;
    char why[128];
    int error;

    ready->regex = copy(p, p->s + from, p->n - from);
    error = regcomp(&regex, ready->regex, REG_EXTENDED | REG_NOSUB);
    if (!error) {
        regfree(&regex);
        return true;
    }
    regerror(error, NULL, why, sizeof why);
    return parse_fault(p, from, p->n - from, "'%s' is not a regular expression (%s)",
                       parse_shown(p, ready->regex, p->n - from), why);
}

bool parse_ready(struct parse *p, void *out) {
    struct ready_sign *ready = arena_new(p->v->arena, struct ready_sign);

    *(const struct ready_sign **)out = ready;
    ready->text = copy(p, p->s, p->n);
    if (target_parse(&ready->target, p->v->arena, p->folder, p->s, p->n)) {
        ready->kind = READY_TARGET;
        return true;
    }
    if (has_prefix(p->s, p->n, "line:")) {
        ready->kind = READY_LINE;
        return parse_line(p, ready);
    }
    if (has_prefix(p->s, p->n, "delay:") && !text_duration(p->s + 6, p->n - 6, &ready->delay_ns)) {
        ready->kind = READY_DELAY;
        return true;
    }
    return not_a(p, "a sign of readiness (tcp:HOST:PORT, unix:PATH, file:PATH, a URL, line:REGEX "
                    "or delay:2s)");
}
