/* SPDX-License-Identifier: MIT */
/* ci: what a CI service makes of lines in its log, and how jobs are kept from speaking so. */
#ifndef MUSTER_REPORT_CI_H
#define MUSTER_REPORT_CI_H
#include <stdbool.h>
#include <stddef.h>

enum ci_kind { CI_NONE, CI_GITHUB, CI_GITLAB };

/* The service that this process runs under, by its environment. */
enum ci_kind ci_detect(void);

#define CI_TEXT_MAX 1024 /* bytes that hold any of these texts but its header */

/*
 * On GitHub nothing that is written may be a command but what is written by these:
 * all stands between two marks that nobody can guess. One thread at a time.
 */
struct ci {
    enum ci_kind kind;
    char token[33]; /* by which commands are let through again; "": they are now */
    unsigned sections;
};

/* Each writes into buf (CI_TEXT_MAX bytes and those of the header) what is to be written then,
 * and returns its length; 0: nothing. */

/* Before anything else: commands are stopped. Again: nothing. */
size_t ci_stop(struct ci *ci, char *buf);
/* Lets commands through again, at the very end. */
size_t ci_resume(struct ci *ci, char *buf);
/* A group that is folded begins, under a header of one line (visible, without line end). */
size_t ci_group_begin(struct ci *ci, const char *header, char *buf, size_t size);
size_t ci_group_end(struct ci *ci, char *buf);
#endif
