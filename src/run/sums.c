/* SPDX-License-Identifier: MIT */
/* sums: the outputs of all jobs that are numbers, added up by their names. */
#include "run/sums.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/map.h"
#include "base/text.h"
#include "exec/facts.h"

/* How many digits s begins with. */
static size_t digits(const char *s) {
    return strspn(s, "0123456789");
}

/* -12, 0.5, 1e6: a number as JSON has them, but for zeros before it. */
static bool is_number(const char *s) {
    size_t n = digits(s += *s == '-');

    if (!n)
        return false;
    s += n;
    if (*s == '.' && !(n = digits(s + 1)))
        return false;
    if (*s == '.')
        s += n + 1;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        n = digits(s);
        if (!n)
            return false;
        s += n;
    }
    return !*s;
}

static void add(struct run_sum *sum, const char *text) {
    int64_t number;

    /* No locale has a say in it: of the locale only the characters are set. */
    sum->value += strtod(text, NULL);
    sum->whole = sum->whole && text_int64(text, strlen(text), INT64_MIN, INT64_MAX, &number) == 0 &&
                 !__builtin_add_overflow(sum->number, number, &sum->number);
}

static int add_fact(struct run_sums *sums, struct map *names, size_t *cap,
                    const struct env_var *fact) {
    size_t len = strlen(fact->name);
    uint32_t at = map_get(names, fact->name, len);

    if (!is_number(fact->value) || !isfinite(strtod(fact->value, NULL)))
        return 0;
    if (at == MAP_NONE) {
        struct run_sum *list =
            arena_grow(&sums->arena, sums->list, sums->count, cap, sizeof *sums->list);

        if (!list || !map_reserve(names, 1))
            return UV_ENOMEM;
        sums->list = list;
        at = (uint32_t)sums->count++;
        sums->list[at] =
            (struct run_sum){.name = arena_strndup(&sums->arena, fact->name, len), .whole = true};
        if (!sums->list[at].name)
            return UV_ENOMEM;
        map_add(names, sums->list[at].name, len, at);
    }
    add(&sums->list[at], fact->value);
    return 0;
}

/* Of a job; what is masked is no number. */
static int add_facts(struct run_sums *sums, struct map *names, size_t *cap,
                     const struct run_result *run, const struct job_info *job) {
    const struct facts *facts = job->result->facts;
    struct facts *seen = NULL;
    int error = 0;
    bool masked;

    if (run->plan->secrets && !(seen = facts_masked(facts, run->plan, job->def->name, &masked)))
        return UV_ENOMEM;
    for (size_t i = 0; i < facts->count && !error; i++) {
        const struct env_var fact = {facts->vars[i].name, (seen ? seen : facts)->vars[i].value};

        error = add_fact(sums, names, cap, &fact);
    }
    free(seen);
    return error;
}

int run_sums_init(struct run_sums *sums, const struct run_result *run) {
    struct result_walk walk;
    const struct job_info *job;
    struct map names;
    size_t cap = 0;
    int error = 0;

    *sums = (struct run_sums){.count = 0};
    arena_init(&sums->arena, NULL);
    map_init(&names, &sums->arena);
    result_begin(&walk, run);
    while (!error && (job = result_next(&walk)))
        if (job->result->facts)
            error = add_facts(sums, &names, &cap, run, job);
    return error ? error : walk.error;
}

void run_sums_release(struct run_sums *sums) {
    arena_release(&sums->arena);
}

struct facts *run_sums_facts(const struct run_result *run) {
    struct facts *facts = NULL;
    struct env_var *vars = NULL;
    struct run_sums sums;

    if (!run_sums_init(&sums, run) && (vars = calloc(sums.count + 1, sizeof *vars))) {
        size_t i = 0;

        for (; i < sums.count; i++) {
            const struct run_sum *sum = &sums.list[i];

            vars[i].name = sum->name;
            vars[i].value = sum->whole ? arena_printf(&sums.arena, "%" PRId64, sum->number)
                                       : arena_printf(&sums.arena, "%.17g", sum->value);
            if (!vars[i].value)
                break;
        }
        if (i == sums.count)
            facts = facts_new(vars, i);
    }
    free(vars);
    run_sums_release(&sums);
    return facts;
}
