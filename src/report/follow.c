/* SPDX-License-Identifier: MIT */
/*
 * follow: what running jobs write, as it comes: whole lines for people, files for
 * later. The bytes stay in the captures, so that a slow reader costs no memory.
 */
#include "report/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/text.h"
#include "exec/capture.h"
#include "report/escape.h"
#include "report/sink.h"
#include "report/tail.h"

#define BLOCK    (1U << 20) /* a longer line comes in pieces */
#define MARK_MAX 128U

struct follow {
    struct follow *next;
    struct follow_stream stream;
    uint64_t shown, logged; /* bytes */
    bool made;              /* its log file is there */
    char file[FOLLOW_FILE_MAX];
};

static bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("._-", c));
}

void follow_file_name(const char *job, uint32_t attempt, bool is_err, char buf[FOLLOW_FILE_MAX]) {
    size_t len = 0;
    const char *c = job;

    for (; *c; c++) {
        size_t wants = is_plain(*c) ? 1 : 3;

        if (len + wants > FOLLOW_NAME_MAX)
            break;
        if (wants == 1)
            buf[len] = *c;
        else
            snprintf(buf + len, 4, "%%%02X", (unsigned char)*c);
        len += wants;
    }
    if (*c)
        len += (size_t)snprintf(buf + len, FOLLOW_FILE_MAX - len, "-%016" PRIx64, text_hash(job));
    snprintf(buf + len, FOLLOW_FILE_MAX - len, ".%" PRIu32 ".%slog", attempt, is_err ? "err." : "");
}

static void note(struct follows *f, int error) {
    if (f->error == 0)
        f->error = error;
}

static struct follow **bucket_of(struct follows *f, const struct capture *c) {
    return &f->buckets[((uintptr_t)c >> 6) % (sizeof f->buckets / sizeof *f->buckets)];
}

/* A file with this name in the folder, new whatever was there. */
static int make_file(int dir, const char *name) {
    int fd;

    if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        return -errno;
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : fd;
}

/* When the file's name was given to it, by the file system's own clock. */
static bool made_since(int dir, const char *name, struct timespec since) {
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (st.st_ctim.tv_sec > since.tv_sec ||
            (st.st_ctim.tv_sec == since.tv_sec && st.st_ctim.tv_nsec >= since.tv_nsec));
}

/* The first log file of a name stays: others that have the same get their number with it. */
static void tell_apart(const struct follows *f, struct follow *s) {
    const struct follow_stream *stream = &s->stream;
    char *name;

    if (!stream->item || !made_since(f->log_dir, s->file, f->since) ||
        asprintf(&name, "%s#%" PRIu64, stream->job, stream->index) < 0)
        return;
    follow_file_name(name, stream->attempt, stream->is_err, s->file);
    free(name);
}

int follows_init(struct follows *f, int log_dir, follow_line_cb line, void *ctx) {
    int fd, error = UV_ENOMEM;
    struct stat st;

    *f = (struct follows){.log_dir = log_dir, .line = line, .ctx = ctx};
    if (log_dir < 0 && !line)
        return 0;
    f->block = malloc(BLOCK);
    if (f->block && log_dir >= 0) {
        fd = make_file(log_dir, "index.tsv");
        f->index = fd < 0 ? NULL : fdopen(fd, "w");
        error = fd < 0 ? fd : UV_ENOMEM;
    }
    if (!f->block || (log_dir >= 0 && !f->index)) {
        free(f->block);
        if (log_dir >= 0)
            close(log_dir);
        return error;
    }
    if (f->index && fstat(fileno(f->index), &st) == 0)
        f->since = st.st_ctim;
    if (f->index)
        fprintf(f->index, "FILE\tJOB\tATTEMPT\tSTREAM\tBYTES\n");
    return 0;
}

void follows_add(struct follows *f, const struct follow_stream *stream) {
    struct follow *s = calloc(1, sizeof *s);
    struct follow **bucket = bucket_of(f, stream->capture);

    if (!s) {
        capture_free(stream->capture);
        free(stream->job);
        note(f, UV_ENOMEM);
        return;
    }
    s->stream = *stream;
    follow_file_name(stream->job, stream->attempt, stream->is_err, s->file);
    s->next = *bucket;
    *bucket = s;
    f->count++;
}

/* The log file, to be written at its end. UV_EMFILE: perhaps later. */
static int open_log(struct follows *f, struct follow *s) {
    int fd;

    if (!s->made) {
        tell_apart(f, s);
        fd = make_file(f->log_dir, s->file);
        s->made = fd >= 0;
        return fd;
    }
    fd = openat(f->log_dir, s->file, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Writes what has come to the log file. */
static void log_step(struct follows *f, struct follow *s, bool last) {
    long n = capture_follow(s->stream.capture, s->logged, f->block, BLOCK);
    int fd, error = 0;

    if (n == 0 && s->made && !(last && capture_error(s->stream.capture)))
        return;
    fd = open_log(f, s);
    if (fd < 0) {
        if (last || (fd != UV_EMFILE && fd != UV_ENFILE))
            note(f, fd);
        return;
    }
    while (n > 0 && !error) {
        error = sink_write_all(fd, f->block, (size_t)n);
        s->logged += (uint64_t)n;
        n = capture_follow(s->stream.capture, s->logged, f->block, BLOCK);
    }
    if (n < 0)
        note(f, (int)n);
    if (!error && last && capture_error(s->stream.capture)) {
        char mark[TAIL_LOST_MAX];

        error = sink_write_all(fd, mark, tail_lost(capture_error(s->stream.capture), '\0', mark));
    }
    if (close(fd) < 0 && !error)
        error = -errno;
    if (error)
        note(f, error);
}

/* Shows the whole lines among n bytes. How many bytes these are. */
static size_t show_lines(struct follows *f, const struct follow *s, size_t n) {
    size_t at = 0;
    char *end;

    while ((end = memchr(f->block + at, '\n', n - at))) {
        f->line(f->ctx, &s->stream, f->block + at, (size_t)(end - f->block) - at);
        at = (size_t)(end - f->block) + 1;
    }
    return at;
}

/* Shows a line that is none: what there is of it, and why it ends there. */
static void show_part(struct follows *f, const struct follow *s, size_t n, const char *mark) {
    size_t len = strlen(mark);

    memmove(f->block + n, mark, len);
    f->line(f->ctx, &s->stream, f->block, n + len);
}

/* Reads what there is from `at` on, wherever it is, at most n bytes. How many, or UV_E…. */
static long read_block(struct follows *f, struct follow *s, uint64_t at, size_t n) {
    size_t done = 0;
    long got = 1;

    while (done < n && got > 0) {
        got = capture_follow(s->stream.capture, at + done, f->block + done, n - done);
        done += got > 0 ? (size_t)got : 0;
    }
    return got < 0 && done == 0 ? got : (long)done;
}

static void line_step(struct follows *f, struct follow *s, bool last) {
    size_t room = BLOCK - MARK_MAX; /* a mark goes behind it */
    int error = last ? capture_error(s->stream.capture) : 0;
    char mark[TAIL_LOST_MAX];

    for (;;) {
        long n = read_block(f, s, s->shown, room);
        size_t used;

        if (n <= 0)
            break;
        used = show_lines(f, s, (size_t)n);
        if (used == 0 && (size_t)n == room) {
            show_part(f, s, (size_t)n, " [line goes on]");
            used = (size_t)n;
        } else if (used == 0 && last) {
            show_part(f, s, (size_t)n, " [no newline]");
            used = (size_t)n;
        } else if (used == 0) {
            break; /* the rest of the line will come */
        }
        s->shown += used;
    }
    if (error) {
        mark[tail_lost(error, '\n', mark) - 1] = '\0'; /* a newline comes by itself */
        show_part(f, s, 0, mark);
    }
}

static void step(struct follows *f, struct follow *s, bool last) {
    if (f->log_dir >= 0)
        log_step(f, s, last);
    if (f->line)
        line_step(f, s, last);
}

void follows_step(struct follows *f) {
    for (size_t i = 0; f->count > 0 && i < sizeof f->buckets / sizeof *f->buckets; i++)
        for (struct follow *s = f->buckets[i]; s; s = s->next)
            step(f, s, false);
}

static struct follow *follow_free(struct follow *s) {
    struct follow *next = s->next;

    capture_free(s->stream.capture);
    free(s->stream.job);
    free(s);
    return next;
}

void follows_end(struct follows *f, const struct capture *capture) {
    struct follow **at = bucket_of(f, capture), *s;

    while (*at && (*at)->stream.capture != capture)
        at = &(*at)->next;
    s = *at;
    if (!s)
        return;
    step(f, s, true);
    if (f->index) {
        fprintf(f->index, "%s\t", s->file);
        escape_text(f->index, ESCAPE_TSV, s->stream.job);
        fprintf(f->index, "\t%" PRIu32 "\t%s\t%" PRIu64 "\n", s->stream.attempt,
                s->stream.is_err ? "stderr" : "stdout", s->logged);
    }
    *at = follow_free(s);
    f->count--;
}

int follows_release(struct follows *f) {
    for (size_t i = 0; i < sizeof f->buckets / sizeof *f->buckets; i++)
        while (f->buckets[i])
            f->buckets[i] = follow_free(f->buckets[i]);
    if (f->index) {
        bool failed = ferror(f->index);

        if (fclose(f->index) != 0 || failed)
            note(f, UV_ENOSPC); /* or the like: stdio forgets which */
    }
    if (f->log_dir >= 0)
        close(f->log_dir);
    free(f->block);
    f->log_dir = -1;
    f->index = NULL;
    f->block = NULL;
    f->count = 0;
    return f->error;
}
