/* SPDX-License-Identifier: MIT */
/* load: from a manifest's bytes to a sealed plan, step by step. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/trace.h"
#include "plan/loader.h"
#include "plan/validate.h"

#define INCLUDE_DEPTH_MAX 64

/* --- files --- */

/* A file and those that led to it. */
struct file {
    const struct file *parent;
    const struct source *source;
    const char *real; /* its real path, NULL for standard input and bytes */
    unsigned depth;
};

static int take_source(struct loader *l, const struct file *file);

/* "a.ini includes b.ini includes a.ini", from the file that comes again on. */
static const char *loop_text(struct loader *l, const struct file *file, const struct file *first) {
    if (file == first)
        return file->source->name;
    return arena_printf(&l->scratch, "%s includes %s", loop_text(l, file->parent, first),
                        file->source->name);
}

/* Whether reading a file again would never end; reported then. */
static bool is_loop(struct loader *l, const struct file *parent, const char *real, const char *name,
                    struct span at) {
    for (const struct file *f = parent; f; f = f->parent)
        if (f->real && !strcmp(f->real, real)) {
            diag_error(l->diag, at, "include: loop: %s includes %s", loop_text(l, parent, f), name);
            return true;
        }
    if (parent->depth + 1 < INCLUDE_DEPTH_MAX)
        return false;
    diag_error(l->diag, at, "include: files lie more than %d deep in one another",
               INCLUDE_DEPTH_MAX);
    return true;
}

const char *load_file_name(struct loader *l, const struct source *by, const char *path) {
    size_t folder = strlen(by->folder);
    const char *slash = strrchr(by->name, '/');

    if (strncmp(path, by->folder, folder) || path[folder] != '/')
        return path;
    return arena_printf(&l->scratch, "%.*s%s", slash ? (int)(slash - by->name + 1) : 0, by->name,
                        path + folder + 1);
}

/* Reads what an `include` names. 0 also when it could not be had, which is reported. */
static int include(struct loader *l, const struct file *parent, struct section *s,
                   struct entry *e) {
    struct file file = {.parent = parent, .depth = parent->depth + 1};
    struct source *source;
    char real[PATH_MAX];

    value_parse(&l->values, s, e);
    if (!e->typed || e->reported)
        return 0;
    if (!l->look) {
        diag_error(l->diag, e->value, "include: a manifest from memory cannot include files");
        return 0;
    }
    const char *path = *(const char *const *)e->typed;
    const char *name = load_file_name(l, s->source, path);
    int err = realpath(path, real) ? 0 : -errno;
    if (!err && is_loop(l, parent, real, name, e->value))
        return 0;
    if (!err)
        err = sources_read(&l->plan->sources, path, name, &source);
    if (err == UV_ENOMEM)
        return err;
    if (err) {
        diag_error(l->diag, e->value, "include: '%s': %s", name, strerror(-err));
        return 0;
    }
    preflight_writable(l, source, e->value, "include: ");
    file.source = source;
    file.real = arena_strndup(&l->scratch, real, strlen(real));
    return take_source(l, &file);
}

/* Takes in the sections of a file, and at their places those of what it includes. */
static int take_source(struct loader *l, const struct file *file) {
    struct file_sections found = {0};
    struct manifest *m = arena_new(&l->scratch, struct manifest);
    int err = manifest_parse(m, file->source, &l->scratch, l->diag);

    if (err)
        return err;
    trace(TRACE_PLAN, "%s: %u sections, %u entries", file->source->name, m->nsections, m->nentries);
    l->broken |= m->broken;
    sections_expect(l, m->nsections);
    for (uint32_t i = 0; i < m->nsections; i++) {
        struct section *s = &m->sections[i];
        sections_take(l, s, &found);
        for (uint32_t k = 0; section_is(s, SECTION_MUSTER) && k < s->nentries; k++)
            if (s->entries[k].row && s->entries[k].row->type == VALUE_INCLUDE) {
                err = include(l, file, s, &s->entries[k]);
                if (err)
                    return err;
            }
    }
    return 0;
}

/* --- the whole --- */

/* The file's base name without .ini. */
static const char *default_name(struct arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t n = strlen(base);

    if (n > 4 && !strcmp(base + n - 4, ".ini"))
        n -= 4;
    return arena_strndup(arena, base, n);
}

/* What the command line says over the manifest's head. */
static void apply_options(struct loader *l) {
    const struct plan_opts *opts = l->opts;
    struct plan *plan = l->plan;

    if (opts->io_limit)
        plan->io_limit = opts->io_limit;
    if (opts->cpu_workers)
        plan->cpu_workers = opts->cpu_workers;
    if (!plan->cpu_workers)
        plan->cpu_workers = opts->cpus ? opts->cpus : 1;
}

/* All steps behind the reading of the first file. 0, UV_EINVAL, or UV_ENOMEM. */
static int build_from(struct loader *l, struct source *source) {
    struct plan *plan = l->plan;
    struct file file = {.source = source};

    plan->name = default_name(&plan->arena, l->opts->path);
    plan->max_retries = COUNT_UNLIMITED;
    sections_init(l);
    for (const char *const *d = l->opts->defines; d && *d; d++)
        vars_define(&l->vars, *d);
    if (l->look && strcmp(l->opts->path, "-")) {
        char real[PATH_MAX];
        if (realpath(l->opts->path, real))
            file.real = arena_strndup(&l->scratch, real, strlen(real));
    }
    int err = take_source(l, &file);
    if (err)
        return err;
    layers_build(l);
    apply_options(l);
    validate_jobs(l);
    if (l->look)
        preflight_check(l);
    select_jobs(l);
    secrets_gather(l);
    return l->diag->errors ? UV_EINVAL : 0;
}

static int read_first(struct loader *l, const char *bytes, size_t n, struct source **source) {
    const char *path = l->opts->path;

    if (bytes)
        return sources_add(&l->plan->sources, path, bytes, n, source);
    int err = sources_read(&l->plan->sources, path, strcmp(path, "-") ? path : "<stdin>", source);
    if (err && err != UV_ENOMEM)
        diag_error(l->diag, (struct span){0, 0}, "%s: %s", strcmp(path, "-") ? path : "<stdin>",
                   strerror(-err));
    return err;
}

/* All of it. Jumps to l->oom when memory is out. 0 or UV_EINVAL. */
static int build(struct loader *l, const char *bytes, size_t n) {
    struct plan *plan = l->plan;
    const char *path = l->opts->path;
    struct source *source;

    l->diag = arena_new(&plan->arena, struct diag);
    diag_init(l->diag, &plan->arena, &plan->sources);
    vars_init(&l->vars, &plan->arena, &l->scratch, l->diag);
    l->values = (struct values){
        .arena = &plan->arena,
        .scratch = &l->scratch,
        .diag = l->diag,
        .vars = &l->vars,
        .axes = &l->axes,
    };
    plan->path = arena_strndup(&plan->arena, path, strlen(path));
    int err = read_first(l, bytes, n, &source);
    if (!err) {
        if (!bytes)
            preflight_writable(l, source, (struct span){0, 0}, "");
        err = build_from(l, source);
    }
    if (err == UV_ENOMEM)
        longjmp(l->oom, 1);
    return err ? UV_EINVAL : 0;
}

static int load(const struct plan_opts *opts, const char *bytes, size_t n, struct plan **out,
                struct diag **diag) {
    struct loader *l = calloc(1, sizeof *l);
    struct plan *plan = calloc(1, sizeof *plan);

    *out = NULL;
    *diag = NULL;
    if (!l || !plan) {
        free(l);
        free(plan);
        return UV_ENOMEM;
    }
    l->plan = plan;
    l->opts = opts;
    l->look = !bytes;
    arena_init(&plan->arena, &l->oom);
    arena_init(&l->scratch, &l->oom);
    sources_init(&plan->sources, &plan->arena);
    if (setjmp(l->oom)) {
        arena_release(&l->scratch);
        l->plan = plan_free(l->plan);
        free(l);
        return UV_ENOMEM;
    }
    int err = build(l, bytes, n);
    /* Nobody is there to jump to from here on. */
    l->plan->arena.on_oom = NULL;
    arena_release(&l->scratch);
    trace(TRACE_PLAN, "%s: %u errors, %u warnings", opts->path, l->diag->errors, l->diag->warnings);
    *out = l->plan;
    *diag = l->diag;
    free(l);
    return err;
}

int plan_load(const struct plan_opts *opts, struct plan **out, struct diag **diag) {
    return load(opts, NULL, 0, out, diag);
}

int plan_load_bytes(const struct plan_opts *opts, const char *bytes, size_t n, struct plan **out,
                    struct diag **diag) {
    return load(opts, bytes, n, out, diag);
}
