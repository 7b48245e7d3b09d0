/* SPDX-License-Identifier: MIT */
/* limit: what the parts of the program of that name share. */
#ifndef MUSTER_BENCH_LIMIT_H
#define MUSTER_BENCH_LIMIT_H

/* Says what went wrong, with errno, and ends the program. */
_Noreturn void limit_die(const char *what);
/* A decimal number, at least `least`; ends the program when it is none. */
unsigned limit_number(const char *text, unsigned least);

/* One verb each: its arguments behind the verb, NULL at the end. */
int limit_spawn(char **argv);
int limit_mixed(char **argv);
int limit_churn(char **argv);
int limit_parse(char **argv);
int limit_copy(char **argv);
int limit_talk(char **argv);
#endif
