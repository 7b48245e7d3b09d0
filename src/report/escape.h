/* SPDX-License-Identifier: MIT */
/* escape: foreign bytes as text of a report's own grammar. */
#ifndef MUSTER_REPORT_ESCAPE_H
#define MUSTER_REPORT_ESCAPE_H
#include <stddef.h>
#include <stdio.h>

enum escape {
    ESCAPE_XML,       /* text of XML; escape sequences of terminals go */
    ESCAPE_ATTRIBUTE, /* a quoted attribute of XML; they stay, visible */
    ESCAPE_HTML,      /* text and quoted attributes of HTML; the same */
    ESCAPE_MARKDOWN,  /* a cell or a paragraph of Markdown, in one line */
    ESCAPE_TAP,       /* a test's description, in one line */
    ESCAPE_COMMENT,   /* a line of a comment; quotes and all else stay as they are */
    ESCAPE_YAML,      /* inside single quotes, in one line */
    ESCAPE_LABEL,     /* a label's value of Prometheus */
    ESCAPE_TSV,       /* a column between tabs */
    ESCAPES,
};

/*
 * Writes n bytes. Whatever they are, the result is valid UTF-8 and none of it is
 * syntax: control characters, invalid UTF-8 and characters that reorder text
 * come out visible ("\x1b", "<U+202E>"), as in text_visible(); the rest that the
 * grammar knows is escaped as it wants. Of XML and HTML no line is a command to a
 * CI service, either ("::", "##["). Trouble shows in ferror().
 */
void escape_write(FILE *out, enum escape how, const char *s, size_t n);
/* The same with a string. */
void escape_text(FILE *out, enum escape how, const char *s);
#endif
