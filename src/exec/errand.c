/* SPDX-License-Identifier: MIT */
/* errand: an attempt that needs no process of its own, and is made on the main loop. */
#include "exec/errand.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mask.h"

void errand_explain(struct errand *e, const char *fmt, ...) {
    char *words;
    va_list args;
    size_t n;

    free(e->end.detail);
    e->end.detail = NULL;
    va_start(args, fmt);
    if (vasprintf(&words, fmt, args) < 0)
        words = NULL;
    va_end(args);
    if (words && e->env->plan->mask) {
        e->end.detail = mask_text(e->env->plan->mask, words, strlen(words), &n);
        free(words);
    } else {
        e->end.detail = words;
    }
}

void errand_begun(struct errand *e) {
    e->env->begun(e);
}

void errand_end(struct errand *e) {
    int64_t now = clock_ns();

    if (!e->end.start_ns) /* it never began */
        e->end.start_ns = now;
    e->end.wall_ns = now - e->end.start_ns;
    if (e->end.error && !e->end.stage)
        e->end.stage = SPAWN_RESOURCES;
    e->env->ended(e);
}
