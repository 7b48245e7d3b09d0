/* SPDX-License-Identifier: MIT */
/* preflight: what can be known before anything runs: folders, files, programs. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/libcurl.h"
#include "base/words.h"
#include "plan/envfile.h"
#include "plan/loader.h"

#define ENVFILE_FAULTS_MAX 10            /* reported in one file */
#define LINES_LOOKED_AT    (16ULL << 20) /* bytes of a file of items: what is long streams */

/* How badly something is needed: a job before it may make it, or nobody does. */
enum need { NEED_NOTHING, NEED_WARNING, NEED_ERROR };

/* --- others may write --- */

void preflight_writable(struct loader *l, const struct source *source, struct span at,
                        const char *key) {
    struct stat folder;

    if (!S_ISREG(source->mode))
        return;
    if (source->mode & S_IWOTH)
        diag_warning(l->diag, at, "%s%s is writable by others (mode %04o)", key, source->name,
                     source->mode & 07777);
    else if (!stat(source->folder, &folder) && folder.st_mode & S_IWOTH &&
             !(folder.st_mode & S_ISVTX))
        diag_warning(l->diag, at, "%sthe folder of %s is writable by others (mode %04o)", key,
                     source->name, folder.st_mode & 07777);
}

/* --- entries --- */

/* Says what is amiss at a place in an entry's value, as an error or as a warning. */
__attribute__((format(printf, 5, 6))) static void complain_at(struct loader *l, struct entry *e,
                                                              struct span at, enum need need,
                                                              const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    const char *what = arena_vprintf(&l->scratch, fmt, args);
    va_end(args);
    if (need == NEED_ERROR)
        diag_error(l->diag, at, "%s: %s", e->row->name, what);
    else
        diag_warning(l->diag, at, "%s: %s (unless a job before makes it)", e->row->name, what);
}

/* The same of a path. */
static void complain(struct loader *l, struct entry *e, struct span at, enum need need,
                     const char *path, int err) {
    complain_at(l, e, at, need, "'%s': %s", path, strerror(err));
}

/* A folder must be there. Whether it is. */
static bool check_folder(struct loader *l, struct entry *e, struct span at, const char *path) {
    struct stat st;
    int err = stat(path, &st) ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;

    if (err)
        complain(l, e, at, e->need, path, err);
    return !err;
}

static void check_input(struct loader *l, struct entry *e, const char *path) {
    struct stat st;
    int err = stat(path, &st)                               ? errno
              : S_ISDIR(st.st_mode)                         ? EISDIR
              : faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) ? errno
                                                            : 0;

    if (err)
        complain(l, e, e->value, e->need, path, err);
}

static void check_output(struct loader *l, struct entry *e, struct span at, const char *path) {
    struct stat st;
    const char *slash = strrchr(path, '/');
    const char *folder =
        arena_printf(&l->scratch, "%.*s", slash == path ? 1 : (int)(slash - path), path);

    if (!stat(path, &st)) {
        if (S_ISDIR(st.st_mode))
            complain(l, e, at, NEED_ERROR, path, EISDIR);
        else if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
            complain(l, e, at, e->need, path, errno);
    } else if (check_folder(l, e, at, folder) &&
               faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS)) {
        complain(l, e, at, e->need, folder, errno);
    }
}

/* The env-files read so far, by their paths: each once, however many jobs name it. */
struct env_files {
    struct map paths;
    const struct env_var **list;
    size_t count, cap;
};

struct env_faults {
    struct loader *l;
    const struct source *source;
    unsigned count;
};

static void report_env_fault(void *ctx, size_t at, size_t n, const char *what) {
    struct env_faults *f = ctx;
    struct span span = {f->source->base + (uint32_t)at, (uint32_t)n};

    if (f->count < ENVFILE_FAULTS_MAX)
        diag_error(f->l->diag, span, "%s", what);
    else if (f->count == ENVFILE_FAULTS_MAX)
        diag_note(f->l->diag, span, "there are more from here on");
    f->count++;
}

static void read_env_file(struct loader *l, struct env_files *files, const struct section *s,
                          struct entry *e) {
    struct env_file *file = *(struct env_file *const *)e->typed;
    struct source *source;

    uint32_t i = map_get(&files->paths, file->path, strlen(file->path));
    if (i != MAP_NONE) {
        file->vars = files->list[i];
        return;
    }
    int err = sources_read(&l->plan->sources, file->path, load_file_name(l, s->source, file->path),
                           &source);
    if (err == UV_ENOMEM)
        longjmp(l->oom, 1);
    if (err) {
        complain(l, e, e->value, e->need, file->path, -err);
        return;
    }
    preflight_writable(l, source, e->value, "env-file: ");
    struct env_faults faults = {l, source, 0};
    file->vars = envfile_parse(&l->plan->arena, &envfile_variables, source->bytes, source->len,
                               report_env_fault, &faults);
    files->list =
        arena_grow(&l->scratch, files->list, files->count, &files->cap, sizeof *files->list);
    files->list[files->count] = file->vars;
    map_add(&files->paths, file->path, strlen(file->path), (uint32_t)files->count++);
}

/* Where the first NUL is among the first bytes, or -1. */
static int64_t find_nul(int fd, int64_t bytes) {
    char block[1 << 16];
    int64_t at = 0;
    ssize_t n;

    while (at < bytes && (n = pread(fd, block, sizeof block, at)) > 0) {
        const char *nul = memchr(block, 0, (size_t)n);

        if (nul)
            return at + (nul - block);
        at += n;
    }
    return -1;
}

/* Of the place of a byte, "LINE:COLUMN" in bytes. */
static const char *show_place(struct loader *l, int fd, int64_t place) {
    char block[1 << 16];
    long long line = 1, begun = 0, at = 0;
    ssize_t n;

    while (at < place && (n = pread(fd, block, sizeof block, at)) > 0) {
        size_t end = place - at < n ? (size_t)(place - at) : (size_t)n;

        for (const char *p = block; (p = memchr(p, '\n', end - (size_t)(p - block))); p++) {
            line++;
            begun = at + (p - block) + 1;
        }
        at += n;
    }
    return arena_printf(&l->scratch, "%lld:%lld", line, (long long)place - begun + 1);
}

/* The place of a byte that no item may have, or NULL: there is none in the first
 * LINES_LOOKED_AT. Lines are counted only then: millions of them take their time. */
static const char *find_fault(struct loader *l, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int64_t nul = fd < 0 ? -1 : find_nul(fd, LINES_LOOKED_AT);
    const char *place = nul < 0 ? NULL : show_place(l, fd, nul);

    if (fd >= 0)
        close(fd);
    return place;
}

/* The file of an axis, each once. `files` are the places of those that were looked at. */
static void check_lines(struct loader *l, struct map *files, const struct plan_job *job,
                        const struct plan_axis *axis) {
    const char *place = arena_printf(&l->scratch, "%x", axis->at.at), *nul;
    struct stat st;
    int err;

    if (axis->kind != AXIS_LINES || !strcmp(axis->source, "-") ||
        map_add(files, place, strlen(place), 0) != MAP_NONE)
        return;
    err = stat(axis->source, &st)                               ? errno
          : S_ISDIR(st.st_mode)                                 ? EISDIR
          : faccessat(AT_FDCWD, axis->source, R_OK, AT_EACCESS) ? errno
                                                                : 0;
    if (err && job->nafter)
        diag_warning(l->diag, axis->at, "each.%s.lines: '%s': %s (unless a job before makes it)",
                     axis->name, axis->source, strerror(err));
    else if (err)
        diag_error(l->diag, axis->at, "each.%s.lines: '%s': %s", axis->name, axis->source,
                   strerror(err));
    else if (S_ISREG(st.st_mode) && (nul = find_fault(l, axis->source)))
        diag_error(l->diag, axis->at, "each.%s.lines: '%s:%s' is a NUL; no item can have one",
                   axis->name, axis->source, nul);
}

static void check_entry(struct loader *l, struct env_files *files, const struct section *s,
                        struct entry *e) {
    const struct stream *stream = e->typed;

    switch (e->row->effect) {
    case EFFECT_DIR:
        /* What is looked for in it is not missed a second time. */
        e->reported = !check_folder(l, e, e->value, *(const char *const *)e->typed);
        break;
    case EFFECT_ENV_FILE:
        read_env_file(l, files, s, e);
        break;
    case EFFECT_CA_FILE:
    case EFFECT_BODY_FILE:
        check_input(l, e, *(const char *const *)e->typed);
        break;
    case EFFECT_STDIN:
        if (stream->kind == STREAM_FILE)
            check_input(l, e, stream->text);
        break;
    case EFFECT_STDOUT:
    case EFFECT_STDERR:
        if (stream->kind == STREAM_FILE || stream->kind == STREAM_APPEND)
            check_output(l, e, e->value, stream->text);
        break;
    default:
        break;
    }
}

/* --- programs --- */

/* What a name was found to be; the same for all jobs that search alike. */
struct program {
    const char *path; /* NULL: not found */
    int error;
};

struct programs {
    struct map searches;
    struct program *list;
    size_t count, cap;
    struct { /* the search before: most jobs look for the same in the same places */
        const char *name, *path, *dir;
        struct program found;
    } last;
};

static struct program search_program(struct loader *l, struct programs *p, const char *name,
                                     const char *path, const char *dir) {
    const char *search = arena_printf(&l->scratch, "%s\n%s\n%s", name, dir, path ? path : "");
    uint32_t i = map_get(&p->searches, search, strlen(search));

    if (i != MAP_NONE)
        return p->list[i];
    struct program found = {0};
    found.path = plan_find_program(&l->plan->arena, name, path, dir, &found.error);
    p->list = arena_grow(&l->scratch, p->list, p->count, &p->cap, sizeof *p->list);
    p->list[p->count] = found;
    map_add(&p->searches, search, strlen(search), (uint32_t)p->count++);
    return found;
}

static struct program find_program(struct loader *l, struct programs *p, const struct plan_job *job,
                                   const char *name) {
    const char *path = strchr(name, '/') ? NULL : plan_job_path(l->plan, job);

    /* The folder counts for a name with a slash, and for a relative PATH. */
    if (!p->last.name || p->last.path != path || p->last.dir != job->set->dir ||
        strcmp(p->last.name, name)) {
        p->last.found = search_program(l, p, name, path, job->set->dir);
        p->last.name = name;
        p->last.path = path;
        p->last.dir = job->set->dir;
    }
    return p->last.found;
}

/* The word of a command that names the program, quotes and all. */
static struct span program_span(struct loader *l, const struct entry *e) {
    const struct source *source = sources_locate(&l->plan->sources, e->value.at).source;
    struct text text = manifest_unfold(source, e, &l->scratch);
    struct words words;
    struct word word;

    words_init(&words, WORDS_SHELL, text.bytes, text.len, NULL);
    words_next(&words, &word);
    return text_span(&text, word.at, word.len);
}

static void check_program(struct loader *l, struct programs *p, uint32_t index) {
    struct plan_job *job = &l->plan->jobs[index];
    bool exec = job->action == ACTION_EXEC;
    const struct entry *dir = layers_place(l, index, EFFECT_DIR);
    struct entry *e = layers_place(l, index, exec ? EFFECT_ACTION : EFFECT_SHELL);
    const char *const *words = exec ? job->argv : job->set->shell;

    if (!job_has_process(job) || (dir && (dir->reported || dir->axial) && **words != '/'))
        return;
    if (e && e->axial && strchr(*words, '{')) /* each item may have its own */
        return;
    if (!e)
        e = l->shell_entry;
    struct program program = find_program(l, p, job, *words);
    enum need need = job->nafter ? NEED_WARNING : NEED_ERROR;
    job->program = program.path;
    if (program.path || (e && e->reported))
        return;
    const char *why = strerror(-program.error);
    if (!e)
        diag_error(l->diag, l->drafts[index].section->header, "the shell '%s': %s", *words, why);
    else if (program.error == UV_ENOENT && !strchr(*words, '/'))
        complain_at(l, e, program_span(l, e), need, "no program '%s' in PATH", *words);
    else
        complain_at(l, e, program_span(l, e), need, "'%s': %s", *words, why);
    if (e)
        e->reported = true;
}

/* --- libcurl --- */

/* What of a job has a URL, or EFFECT_NONE. */
static enum schema_effect url_of(const struct plan_job *job) {
    const struct ready_sign *ready = job->set->service ? job->set->ready : NULL;

    if (job->action == ACTION_HTTP ||
        (job->action == ACTION_WAIT &&
         (job->target->kind == TARGET_HTTP || job->target->kind == TARGET_ANY)))
        return EFFECT_ACTION;
    if (ready && ready->kind == READY_TARGET && ready->target.kind == TARGET_HTTP)
        return EFFECT_READY;
    return EFFECT_NONE;
}

static void check_libcurl(struct loader *l, uint32_t index) {
    enum schema_effect effect = url_of(&l->plan->jobs[index]);
    struct entry *e = effect ? layers_place(l, index, effect) : NULL;
    const char *why;

    if (!e || e->reported || libcurl_load(&why))
        return;
    diag_error(l->diag, e->value, "%s: a URL needs libcurl: %s", e->row->name, why);
    e->reported = true; /* once, when it is shared */
}

/* --- all --- */

static void note_needs(struct loader *l) {
    static const unsigned char looked_at[] = {EFFECT_DIR,      EFFECT_ENV_FILE, EFFECT_STDIN,
                                              EFFECT_STDOUT,   EFFECT_STDERR,   EFFECT_CA_FILE,
                                              EFFECT_BODY_FILE};

    for (uint32_t i = 0; i < l->plan->njobs; i++) {
        uint8_t need = l->plan->jobs[i].nafter ? NEED_WARNING : NEED_ERROR;
        for (size_t k = 0; k < sizeof looked_at; k++) {
            struct entry *e = layers_place(l, i, looked_at[k]);
            if (looked_at[k] == EFFECT_BODY_FILE && !l->plan->jobs[i].set->http.body_file)
                continue;
            if (e && e->typed && e->need < need)
                e->need = need;
        }
    }
    for (size_t i = 0; i < l->nsamples; i++)
        l->samples[i].entry.need =
            l->plan->jobs[l->samples[i].job].nafter ? NEED_WARNING : NEED_ERROR;
}

void preflight_check(struct loader *l) {
    struct programs programs = {0};
    struct env_files files = {0};
    struct map lines;

    map_init(&programs.searches, &l->scratch);
    map_init(&files.paths, &l->scratch);
    note_needs(l);
    for (size_t i = 0; i < l->nsections; i++)
        for (uint32_t k = 0; k < l->sections[i]->nentries; k++)
            if (l->sections[i]->entries[k].need && !l->sections[i]->entries[k].axial)
                check_entry(l, &files, l->sections[i], &l->sections[i]->entries[k]);
    for (size_t i = 0; i < l->nsamples; i++)
        check_entry(l, &files, l->samples[i].section, &l->samples[i].entry);
    map_init(&lines, &l->scratch);
    for (uint32_t i = 0; l->axes.count && i < l->plan->njobs; i++)
        for (uint32_t k = 0; l->plan->jobs[i].items && k < l->plan->jobs[i].items->naxes; k++)
            check_lines(l, &lines, &l->plan->jobs[i], &l->plan->jobs[i].items->axes[k]);
    /* What is an error for one job is not to be a mere warning because of another. */
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < l->plan->njobs; i++)
            if (!l->plan->jobs[i].nafter == !pass)
                check_program(l, &programs, i);
    for (uint32_t i = 0; i < l->plan->njobs; i++)
        check_libcurl(l, i);
    /* Reports come after all jobs, any of which may make their folders. */
    if (!l->report_entry)
        return;
    const struct reports *reports = l->report_entry->typed;
    l->report_entry->need = NEED_WARNING;
    for (size_t i = 0; i < reports->count; i++)
        if (reports->list[i].file)
            check_output(l, l->report_entry, reports->at[i], reports->list[i].file);
}
