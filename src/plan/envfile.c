/* SPDX-License-Identifier: MIT */
/* envfile: NAME=value lines. */
#include "plan/envfile.h"

#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "plan/schema.h"
#include "plan/vars.h"

static const char *any_name(const char *name, size_t n) {
    return text_var_valid(name, n) ? NULL : "a line is NAME=value";
}

static const char *name_of_output(const char *name, size_t n) {
    return text_var_valid(name, n) ? vars_name_fault(name, n) : "a line is name=value";
}

const struct envfile_rules envfile_variables = {
    .line_max = PLAN_STRING_MAX,
    .too_long = "this is longer than the kernel takes (131071 bytes)",
    .name_fault = any_name,
    .skip_own = true,
};
/* Behind MUSTER_OUT_ and a job's name it still fits into what the kernel takes. */
const struct envfile_rules envfile_outputs = {
    .line_max = 64U << 10,
    .too_long = "a line has at most 64 KiB",
    .name_fault = name_of_output,
};

/* What is wrong with a line that is not skipped, or NULL. */
static const char *line_fault(const struct envfile_rules *rules, const char *s, size_t n,
                              const char *equals) {
    if (memchr(s, '\0', n))
        return "a NUL byte cannot be in the environment";
    if (n > rules->line_max)
        return rules->too_long;
    return rules->name_fault(s, equals ? (size_t)(equals - s) : 0);
}

const struct env_var *envfile_parse(struct arena *arena, const struct envfile_rules *rules,
                                    const char *bytes, size_t n, envfile_fault_cb fault,
                                    void *ctx) {
    struct env_var *env = NULL;
    struct map names;
    size_t count = 0, cap = 0;

    map_init(&names, arena);
    for (size_t at = 0, next; at < n; at = next) {
        const char *s = bytes + at, *end = memchr(s, '\n', n - at);
        size_t len = end ? (size_t)(end - s) : n - at;
        next = at + len + 1;
        if (*s == '#' || strspn(s, " \t") >= len)
            continue;
        const char *equals = memchr(s, '=', len);
        const char *what = line_fault(rules, s, len, equals);
        if (what) {
            fault(ctx, at, len, what);
            continue;
        }
        size_t name = (size_t)(equals - s);
        if (rules->skip_own && schema_env_own(s, name))
            continue;
        uint32_t i = map_get(&names, s, name);
        if (i == MAP_NONE) {
            /* One more than there are: the NULL name at the end. */
            struct env_var *bigger =
                arena_grow(arena, env, count ? count + 1 : 0, &cap, sizeof *env);
            if (!bigger)
                return NULL;
            env = bigger;
            i = (uint32_t)count++;
            map_add(&names, s, name, i);
            env[i].name = arena_strndup(arena, s, name);
        }
        env[i].value = arena_strndup(arena, equals + 1, len - name - 1);
        if (!env[i].name || !env[i].value)
            return NULL;
    }
    return env ? env : arena_new(arena, struct env_var);
}
