/* SPDX-License-Identifier: MIT */
/* envfile: NAME=value lines. */
#include "plan/envfile.h"

#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "plan/schema.h"

/* What is wrong with a line that is not skipped, or NULL. */
static const char *line_fault(const char *s, size_t n, const char *equals) {
    if (memchr(s, '\0', n))
        return "a NUL byte cannot be in the environment";
    if (!equals || !text_var_valid(s, (size_t)(equals - s)))
        return "a line is NAME=value";
    if (n > PLAN_STRING_MAX)
        return "this is longer than the kernel takes (131071 bytes)";
    return NULL;
}

const struct env_var *envfile_parse(struct arena *arena, const char *bytes, size_t n,
                                    envfile_fault_cb fault, void *ctx) {
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
        const char *what = line_fault(s, len, equals);
        if (what) {
            fault(ctx, at, len, what);
            continue;
        }
        size_t name = (size_t)(equals - s);
        if (schema_env_own(s, name))
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
