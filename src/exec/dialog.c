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

static bool is_utf8(const char *s) {
    for (size_t at = 0, n = strlen(s); at < n;) {
        uint32_t c;

        at += utf8_decode(s + at, n - at, &c);
        if (c == UTF8_INVALID)
            return false;
    }
    return true;
}

/* A string of JSON. NULL: out of memory, or it is none (*fault, which names it). */
static json_t *make_string(const char *s, const char *name, char **fault) {
    json_t *string = json_string(s);

    if (!string && !is_utf8(s) && asprintf(fault, "%s is not UTF-8, and a request is", name) < 0)
        *fault = NULL;
    return string;
}

static bool put_variables(json_t *object, char *const *env, char **fault) {
    for (; *env; env++) {
        char *name = strndup(*env, strcspn(*env, "="));
        json_t *value = name ? make_string(*env + strlen(name) + 1, name, fault) : NULL;
        bool put = value && json_object_set_new(object, name, value) == 0;

        free(name);
        if (!put)
            return false;
    }
    return true;
}

/* Room for a line; jansson writes into it piece by piece. */
struct text {
    char *bytes;
    size_t n, cap;
};

static int add_piece(const char *piece, size_t n, void *ctx) {
    struct text *t = ctx;

    if (n > t->cap - t->n) {
        size_t cap = (t->n + n) * 2 + 256;
        char *bytes = realloc(t->bytes, cap);

        if (!bytes)
            return -1;
        t->bytes = bytes;
        t->cap = cap;
    }
    memcpy(t->bytes + t->n, piece, n);
    t->n += n;
    return 0;
}

char *dialog_request(uint64_t id, const char *task, char *const *env, size_t *n, char **fault) {
    json_t *object = json_object(), *variables = json_object(), *text;
    struct text line = {NULL, 0, 0};
    bool good;

    *fault = NULL;
    text = make_string(task, "the task", fault);
    good = text && put_variables(variables, env, fault);
    /* All of them take what they are given, and accept NULL. */
    good = json_object_set_new(object, "id", json_integer((json_int_t)id)) == 0 && good;
    good = json_object_set_new(object, "task", text) == 0 && good;
    good = json_object_set_new(object, "env", variables) == 0 && good;
    good = good && json_dump_callback(object, add_piece, &line, JSON_COMPACT) == 0 &&
           add_piece("\n", 1, &line) == 0;
    json_decref(object);
    *n = line.n;
    if (good)
        return line.bytes;
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
    json_error_t error;
    json_t *object = json_loadb(bytes, n, JSON_ALLOW_NUL, &error);

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
