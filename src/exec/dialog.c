/* SPDX-License-Identifier: MIT */
/* dialog: what muster and a persistent worker say to one another: a line of JSON each. */
#include "exec/dialog.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

#define SHOWN_MAX 60 /* bytes of a line in a message */

/* --- requests --------------------------------------------------------------- */

/*
 * Written by hand, of which there is little: a tree of jansson's for each request took
 * a third of all that muster does for a task.
 */
struct text {
    char *bytes;
    size_t n, cap;
    bool full; /* out of memory */
};

/* Makes room for n bytes more. False: out of memory. */
static bool grow(struct text *t, size_t n) {
    size_t cap = (t->n + n) * 2 + 256;
    char *more = t->full ? NULL : realloc(t->bytes, cap);

    t->full = !more;
    if (!more)
        return false;
    t->bytes = more;
    t->cap = cap;
    return true;
}

static inline void put(struct text *t, const char *bytes, size_t n) {
    if (n > t->cap - t->n && !grow(t, n))
        return;
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
}

static void put_text(struct text *t, const char *s) {
    put(t, s, strlen(s));
}

/* A character that has to be escaped; how many bytes that takes. */
static size_t write_escape(char escape[8], uint32_t c) {
    static const char from[] = "\n\t\"\\", to[] = "nt\"\\"; /* those that one meets */
    const char *at = c ? strchr(from, (int)c) : NULL;

    if (at)
        return (size_t)snprintf(escape, 8, "\\%c", to[at - from]);
    return (size_t)snprintf(escape, 8, "\\u%04x", (unsigned)c);
}

/* What stands between the quotes of a string of JSON. False: it is no UTF-8. */
static bool put_string(struct text *t, const char *s) {
    const char *from = s;
    char escape[8];
    uint32_t c;

    while ((c = (unsigned char)*s)) {
        if (c >= 0x80) {
            s += utf8_decode(s, SIZE_MAX, &c); /* its NUL ends it */
            if (c == UTF8_INVALID)
                return false;
        } else if (c >= ' ' && c != '"' && c != '\\') {
            s++;
        } else {
            put(t, from, (size_t)(s - from));
            put(t, escape, write_escape(escape, c));
            from = ++s;
        }
    }
    put(t, from, (size_t)(s - from));
    return true;
}

/* The same of a text whose fault is to be named. */
static bool put_value(struct text *t, const char *s, const char *name, int name_len, char **fault) {
    if (put_string(t, s))
        return true;
    if (asprintf(fault, "%.*s is not UTF-8, and a request is", name_len, name) < 0)
        *fault = NULL;
    return false;
}

static bool put_variables(struct text *t, char *const *env, char **fault) {
    for (size_t i = 0; env[i]; i++) {
        size_t n = (size_t)(strchr(env[i], '=') - env[i]);

        put_text(t, i ? ",\"" : "\"");
        put(t, env[i], n); /* whose form was checked */
        put_text(t, "\":\"");
        if (!put_value(t, env[i] + n + 1, env[i], (int)n, fault))
            return false;
        put_text(t, "\"");
    }
    return true;
}

char *dialog_request(uint64_t id, const char *task, char *const *env, size_t *n, char **fault) {
    static const char name[] = "the task";
    struct text line = {NULL, 0, 0, false};
    char head[48];

    *fault = NULL;
    snprintf(head, sizeof head, "{\"id\":%llu,\"task\":\"", (unsigned long long)id);
    put_text(&line, head);
    if (put_value(&line, task, name, (int)sizeof name - 1, fault)) {
        put_text(&line, "\",\"env\":{");
        if (put_variables(&line, env, fault)) {
            put_text(&line, "}}\n");
            *n = line.n;
            if (!line.full)
                return line.bytes;
        }
    }
    free(line.bytes);
    return NULL;
}

/* --- answers ---------------------------------------------------------------- */

/* What a line is that is neither answer nor greeting. */
__attribute__((format(printf, 2, 3))) static void refuse(struct dialog_line *line, const char *fmt,
                                                         ...) {
    va_list args;

    line->kind = DIALOG_RUBBISH;
    va_start(args, fmt);
    if (vasprintf(&line->fault, fmt, args) < 0)
        line->fault = NULL;
    va_end(args);
}

static void read_greeting(const json_t *protocol, struct dialog_line *line) {
    json_int_t version = json_integer_value(protocol);

    line->kind = DIALOG_GREETING;
    if (!json_is_integer(protocol))
        refuse(line, "a greeting whose 'protocol' is no number");
    else if (version != DIALOG_PROTOCOL)
        refuse(line, "a greeting in protocol %lld, where %d is spoken", (long long)version,
               DIALOG_PROTOCOL);
}

static void read_answer(const json_t *object, struct dialog_line *line) {
    const json_t *id = json_object_get(object, "id"), *status = json_object_get(object, "exit"),
                 *output = json_object_get(object, "output");

    line->kind = DIALOG_ANSWER;
    line->id = (uint64_t)json_integer_value(id);
    line->exit = (int)json_integer_value(status);
    if (!json_is_integer(id) || json_integer_value(id) < 0)
        refuse(line, "an answer without the 'id' of its request");
    else if (!json_is_integer(status) || json_integer_value(status) != (line->exit & 0xff))
        refuse(line, "an answer without an 'exit' from 0 to 255");
    else if (output && !json_is_null(output) && !json_is_string(output))
        refuse(line, "an answer whose 'output' is no text");
    if (line->kind != DIALOG_ANSWER || !json_is_string(output))
        return;
    line->output = json_string_value(output);
    line->output_len = json_string_length(output);
}

void dialog_read(const char *bytes, size_t n, struct dialog_line *line) {
    char shown[SHOWN_MAX * 4 + 1];
    json_t *object = json_loadb(bytes, n, JSON_ALLOW_NUL, NULL);

    *line = (struct dialog_line){.json = object};
    if (!json_is_object(object)) {
        text_visible(shown, sizeof shown, bytes, n < SHOWN_MAX ? n : SHOWN_MAX, NULL);
        refuse(line, "no JSON object: %s%s", shown, n > SHOWN_MAX ? "..." : "");
    } else if (json_object_get(object, "protocol") && !json_object_get(object, "id")) {
        read_greeting(json_object_get(object, "protocol"), line);
    } else {
        read_answer(object, line);
    }
}

void dialog_line_release(struct dialog_line *line) {
    free(line->fault);
    json_decref(line->json);
    *line = (struct dialog_line){.kind = DIALOG_RUBBISH};
}
