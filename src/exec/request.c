/* SPDX-License-Identifier: MIT */
/* request: attempts of `http` jobs. */
#include "exec/request.h"

#ifdef WITH_CURL
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mask.h"
#include "exec/capture.h"
#include "exec/environ.h"
#include "exec/fetch.h"
#include "exec/outfile.h"
#include "exec/reserve.h"
#include "exec/spawn.h"

/*
 * What it goes through: files are opened, if it has any (`opening`), the request
 * is made (`fetch`), and what is left of the body in memory goes to its file. A
 * turn of the pool may be under way for each of two things meanwhile: to write
 * out what has come (`spilling`), and to read on in the body that is sent
 * (`feeding`). When all of that is over, it has ended.
 */

#define BLOCK_BYTES (64U << 10) /* of a body that is sent, read at once */

struct request {
    struct errand errand;
    struct fetch *fetch;
    struct capture *sink; /* end.out's, or one for a file; NULL: the body is not wanted */
    bool to_file;         /* it is one for a file, and ours */
    size_t taken;         /* bytes that are in the sink already of what comes again */
    uv_work_t opening_work, spilling_work, feeding_work;
    bool opening, spilling, feeding;
    int body;            /* descriptor of the body's file, or -1 */
    uint64_t body_bytes; /* its size */
    uint64_t body_at;    /* how far it is read */
    char *block;         /* what was read last */
    size_t block_len, block_at;
    bool again;     /* it is wanted from the start: what is being read is not */
    int feed_error; /* UV_E…: it cannot be read on */
    char *user;     /* "name:password" */
    bool over;      /* the request is, or will not be made */
};

static struct request *request_of(struct errand *e) {
    return (struct request *)(void *)e;
}

/* --- the end -------------------------------------------------------------- */

/* A password is not left behind in memory that others get. */
static void forget_user(struct request *r) {
    if (r->user)
        explicit_bzero(r->user, strlen(r->user));
    free(r->user);
    r->user = NULL;
}

static void release(struct request *r) {
    struct attempt_end *end = &r->errand.end;
    int error = r->to_file ? capture_error(r->sink) : 0;

    if (error && end->outcome == OUTCOME_OK) {
        end->outcome = OUTCOME_HTTP;
        errand_explain(&r->errand, "stdout: %s: %s", r->errand.job->set->out.text,
                       strerrordesc_np(-error));
    }
    if (r->to_file)
        r->sink = capture_free(r->sink);
    if (end->out)
        end->out_bytes = capture_total(end->out);
    if (r->body >= 0)
        close(r->body);
    r->body = -1;
    free(r->block);
    r->block = NULL;
    forget_user(r);
}

static bool spill(struct request *r);

/* Whether it has ended, and is to be told. */
static void settle(struct request *r) {
    if (!r->over || r->opening || r->spilling || r->feeding)
        return;
    if (r->to_file && !r->errand.end.error && capture_unfiled(r->sink) && spill(r))
        return;
    while (r->sink && !r->to_file && !capture_end(r->sink))
        if (spill(r))
            return;
    release(r);
    errand_end(&r->errand);
}

/* --- the answer ------------------------------------------------------------- */

static void spill_work(uv_work_t *work) {
    capture_spill(((struct request *)work->data)->sink); /* an error stays in it */
}

static void spill_done(uv_work_t *work, int status) {
    struct request *r = work->data;

    (void)status;
    r->spilling = false;
    if (r->fetch)
        fetch_go_on(r->fetch);
    settle(r);
}

/* Has memory written out. False: it is done already. */
static bool spill(struct request *r) {
    r->spilling_work.data = r;
    if (reserve_queue_work(r->errand.env->loop, &r->spilling_work, spill_work, spill_done) == 0)
        return r->spilling = true;
    capture_spill(r->sink); /* better a loop that waits than lost output */
    return false;
}

static enum fetch_taken on_body(void *owner, const char *bytes, size_t n) {
    struct request *r = owner;
    size_t room;

    while (r->sink && r->taken < n) {
        char *to = r->spilling ? NULL : capture_room(r->sink, &room);

        if (!to && (r->spilling || spill(r)))
            return FETCH_AGAIN;
        if (!to)
            continue; /* spill() has made room by itself */
        if (room > n - r->taken)
            room = n - r->taken;
        memcpy(to, bytes + r->taken, room);
        capture_added(r->sink, room);
        r->taken += room;
    }
    r->taken = 0;
    if (r->to_file && !r->spilling) /* whoever reads the file is to see it come */
        spill(r);
    return FETCH_TAKEN;
}

static void on_done(void *owner, const struct fetch_result *f) {
    struct request *r = owner;
    struct attempt_end *end = &r->errand.end;
    struct attempt_http *http;
    size_t n;
    char *line = mask_text(r->errand.env->plan->mask, f->line, strlen(f->line), &n);

    r->fetch = NULL;
    r->over = true;
    http = line ? malloc(sizeof *http + n + 1) : NULL;
    if (http) {
        *http = (struct attempt_http){
            .status = f->status,
            .whole = !f->words,
            .lookup_ns = f->lookup_ns,
            .connect_ns = f->connect_ns,
            .tls_ns = f->tls_ns,
            .first_byte_ns = f->first_byte_ns,
            .sent = f->sent,
            .received = f->received,
            .redirects = f->redirects,
        };
        memcpy(http->line, line, n + 1);
    }
    free(line);
    free(end->http);
    end->http = http;
    end->outcome = OUTCOME_HTTP;
    end->retry_after_ns = f->retry_after_ns;
    if (!r->feeding && r->feed_error)
        errand_explain(&r->errand, "http.body-file: %s: %s", r->errand.job->set->http.body_file,
                       strerrordesc_np(-r->feed_error));
    else if (f->words)
        errand_explain(&r->errand, "%s: %s", f->status ? "no whole answer" : "no answer", f->words);
    else if (http_set_has(&r->errand.job->set->http.expect, f->status))
        end->outcome = OUTCOME_OK;
    else /* "HTTP/1.1 404 Not Found" */
        errand_explain(&r->errand, "HTTP %d%s", f->status,
                       strlen(f->line) > 12 ? f->line + 12 : "");
    settle(r);
}

/* --- a body that is sent ------------------------------------------------------ */

static void feed_work(uv_work_t *work) {
    struct request *r = work->data;
    ssize_t n;

    do
        n = pread(r->body, r->block, BLOCK_BYTES, (off_t)r->body_at);
    while (n < 0 && errno == EINTR);
    r->feed_error = n < 0 ? -errno : n == 0 ? UV_EIO : 0; /* 0: it became shorter */
    r->block_len = n > 0 ? (size_t)n : 0;
}

static bool feed(struct request *r);

static void feed_done(uv_work_t *work, int status) {
    struct request *r = work->data;

    (void)status;
    r->feeding = false;
    r->block_at = 0;
    if (r->again) {
        r->again = false;
        r->body_at = r->block_len = 0;
        r->feed_error = 0;
    } else {
        r->body_at += r->block_len;
    }
    if (r->fetch)
        fetch_go_on(r->fetch);
    settle(r);
}

/* Has the next block read. False: it cannot be, see feed_error. */
static bool feed(struct request *r) {
    int error;

    r->feeding_work.data = r;
    error = reserve_queue_work(r->errand.env->loop, &r->feeding_work, feed_work, feed_done);
    if (error) /* else it is the pool's */
        r->feed_error = error;
    return r->feeding = !error;
}

static size_t on_give(void *owner, char *to, size_t n) {
    struct request *r = owner;

    if (r->feeding)
        return FETCH_LATER;
    if (r->feed_error)
        return FETCH_BROKEN;
    if (r->block_at == r->block_len) {
        if (r->body_at == r->body_bytes)
            return 0;
        return feed(r) ? FETCH_LATER : FETCH_BROKEN;
    }
    if (n > r->block_len - r->block_at)
        n = r->block_len - r->block_at;
    memcpy(to, r->block + r->block_at, n);
    r->block_at += n;
    return n;
}

static void on_rewind(void *owner) {
    struct request *r = owner;

    if (r->feeding) { /* the pool has the rest */
        r->again = true;
        return;
    }
    r->body_at = 0;
    r->block_len = r->block_at = 0;
}

/* --- the beginning ------------------------------------------------------------ */

static const struct fetch_events fetch_events = {
    .body = on_body, .give = on_give, .rewind = on_rewind, .done = on_done};

/* Methods that a server wants a length from, even if there is nothing. */
static bool wants_body(const char *method) {
    static const char *const methods[] = {"POST", "PUT", "PATCH"};

    for (size_t i = 0; method && i < sizeof methods / sizeof *methods; i++)
        if (!strcmp(method, methods[i]))
            return true;
    return false;
}

/* The value of the variable that `http.user` names, of the job's own environment. 0 or UV_E…. */
static int find_user(struct request *r) {
    const struct errand *e = &r->errand;
    const char *name = e->job->set->http.user;
    size_t n = name ? strlen(name) : 0;
    char **env;

    if (!name)
        return 0;
    env = environ_make(e->env->environ, e->job, NULL, NULL, &e->attempt);
    for (char **v = env; v && *v; v++)
        if (!strncmp(*v, name, n) && (*v)[n] == '=' && !(r->user = strdup(*v + n + 1)))
            env = NULL;
    if (!env || r->user) {
        free(env);
        return env ? 0 : UV_ENOMEM;
    }
    free(env);
    r->errand.end.stage = SPAWN_REQUEST;
    errand_explain(&r->errand, "http.user: the variable '%s' is not set", name);
    return UV_ENOENT;
}

/* Values of items may have put in what the manifest was checked for. */
static int check_lines(struct request *r, const char *what, const char *text) {
    for (const char *c = text; *c; c++)
        if (*c == '\n' || *c == '\r') {
            r->errand.end.stage = SPAWN_REQUEST;
            errand_explain(&r->errand, "%s: more than one line", what);
            return UV_EINVAL;
        }
    return 0;
}

static int make_request(struct request *r) {
    const struct plan_job *job = r->errand.job;
    const struct job_http *http = &job->set->http;
    struct fetch_request q = {
        .url = job->command,
        .method = http->method,
        .headers = http->headers,
        .user = r->user,
        .ca_file = http->ca_file,
        .body = http->body,
        .body_bytes = FETCH_NO_BODY,
        .redirects_max = http->follow,
    };
    int error = check_lines(r, "http", job->command);

    for (const struct env_var *h = http->headers; !error && h && h->name; h++)
        error = check_lines(r, h->name, h->value);
    if (error)
        return error;
    if (r->body < 0 && !q.body && wants_body(q.method))
        q.body = "";
    if (r->body >= 0)
        q.body_bytes = r->body_bytes;
    else if (q.body)
        q.body_bytes = strlen(q.body);
    r->fetch = fetch_start(r->errand.env->probe.fetcher, &q, &fetch_events, r);
    return r->fetch ? 0 : UV_ENOMEM;
}

static int open_body(struct request *r, const char *path) {
    struct stat st;

    r->body = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (r->body < 0)
        return -errno;
    if (fstat(r->body, &st))
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? UV_EISDIR : UV_EINVAL;
    r->body_bytes = (uint64_t)st.st_size;
    r->block = malloc(BLOCK_BYTES);
    return r->block ? 0 : UV_ENOMEM;
}

static void open_work(uv_work_t *work) {
    struct request *r = work->data;
    struct attempt_end *end = &r->errand.end;
    const struct job_settings *set = r->errand.job->set;

    if (set->http.body_file && (end->error = open_body(r, set->http.body_file))) {
        end->stage = SPAWN_REQUEST;
        errand_explain(&r->errand, "http.body-file: %s: %s", set->http.body_file,
                       strerrordesc_np(-end->error));
    }
    if (spawn_is_shortage(end->error))
        end->stage = SPAWN_RESOURCES;
    if (!end->error && r->to_file)
        end->error = outfile_open(&r->errand, &set->out, SPAWN_STDOUT, r->sink);
}

static void open_done(uv_work_t *work, int status) {
    struct request *r = work->data;
    struct attempt_end *end = &r->errand.end;

    (void)status;
    r->opening = false;
    if (!end->error)
        end->error = r->errand.stopped ? UV_ECANCELED : make_request(r);
    if (end->error) {
        r->over = true;
        settle(r);
    } else {
        errand_begun(&r->errand);
    }
}

static int open_files(struct request *r) {
    int error;

    r->opening_work.data = r;
    error = reserve_queue_work(r->errand.env->loop, &r->opening_work, open_work, open_done);
    r->opening = !error;
    return error ? error : 1;
}

static int begin(struct errand *e) {
    struct request *r = request_of(e);
    const struct job_settings *set = e->job->set;
    int error;

    r->body = -1;
    r->to_file = outfile_wanted(&set->out);
    if ((r->to_file || set->out.kind == STREAM_CAPTURE) && !(r->sink = capture_new()))
        return UV_ENOMEM;
    if (!r->to_file)
        e->end.out = r->sink;
    error = e->end.out && e->env->plan->mask ? capture_mask(e->end.out, e->env->plan->mask) : 0;
    if (!error)
        error = find_user(r);
    if (!error)
        error = r->to_file || set->http.body_file ? open_files(r) : make_request(r);
    if (error < 0)
        release(r);
    return error;
}

static void stop(struct errand *e) {
    struct request *r = request_of(e);

    if (r->over || r->opening)
        return; /* settle() and open_done() see to it */
    fetch_cancel(r->fetch);
    r->fetch = NULL;
    r->over = true;
    settle(r);
}

const struct errand_way request_way = {
    .size = sizeof(struct request), .begin = begin, .stop = stop};
#endif
