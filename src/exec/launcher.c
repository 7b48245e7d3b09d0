/* SPDX-License-Identifier: MIT */
/* launcher: a small process that starts jobs in muster's stead, as muster's children. */
#include "exec/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/trace.h"

/* What stands before the strings of a request. The pipes' write ends come with
 * it by SCM_RIGHTS: standard output's first. */
struct request {
    uint32_t bytes; /* of the strings */
    uint32_t argc, envc;
    int32_t nice;
    uint64_t mark;
    uint8_t kinds[3]; /* enum stream_kind of 0, 1, 2 */
};

struct reply {
    int32_t error; /* 0 or UV_E… */
    int32_t stage;
    int32_t pid; /* running, or a zombie after an error, or 0 */
    int64_t start_ns;
};

/* --- both sides --------------------------------------------------------- */

/* All n bytes, or UV_EPIPE. */
static int read_all(int fd, void *to, size_t n) {
    for (char *p = to; n > 0;) {
        ssize_t got = recv(fd, p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return UV_EPIPE;
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

static int write_all(int fd, const void *from, size_t n) {
    for (const char *p = from; n > 0;) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return UV_EPIPE;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* --- the launcher's side ------------------------------------------------ */

#define RIGHTS_MAX 2

/* As buf_fits(), by mappings: forked beside other threads, this process may find
 * the heap locked for good. glibc's malloc sees to that, a sanitizer's does not. */
static bool map_fits(char **map, size_t *cap, size_t n) {
    void *bigger;

    if (n <= *cap)
        return true;
    n += n / 2;
    bigger = *map ? mremap(*map, *cap, n, MREMAP_MAYMOVE)
                  : mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bigger == MAP_FAILED)
        return false;
    *map = bigger;
    *cap = n;
    return true;
}

/* The head of a request and the descriptors that come with it. */
static int receive_head(int fd, struct request *r, int fds[RIGHTS_MAX]) {
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
    } control;
    struct iovec iov = {r, sizeof *r};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    ssize_t n;

    fds[0] = fds[1] = -1;
    do
        n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return UV_EPIPE;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    return read_all(fd, (char *)r + n, sizeof *r - (size_t)n);
}

static char *take_string(char **at) {
    char *s = *at;

    *at += strlen(s) + 1;
    return s;
}

/* Starts what a request asks for. The lists of pointers stand behind the
 * strings in the same buffer. */
static struct reply obey(struct spawner *spawner, const struct request *r, int fds[RIGHTS_MAX],
                         char **list, char *at, pid_t parent) {
    struct spawn_opts o = {
        .nice = r->nice, .mark = r->mark, .parent = parent, .out_fd = -1, .err_fd = -1};
    struct stream *const streams[3] = {&o.in, &o.out, &o.err};
    struct reply reply = {0};
    enum spawn_stage stage;
    pid_t pid;
    int next = 0;

    o.program = take_string(&at);
    o.dir = take_string(&at);
    for (int i = 0; i < 3; i++)
        *streams[i] = (struct stream){(enum stream_kind)r->kinds[i], take_string(&at)};
    for (uint32_t i = 0; i < r->argc + r->envc + 2; i++) {
        bool end = i == r->argc || i == r->argc + r->envc + 1;

        list[i] = end ? NULL : take_string(&at);
    }
    o.argv = (const char *const *)list;
    o.envp = list + r->argc + 1;
    if (o.out.kind == STREAM_CAPTURE)
        o.out_fd = fds[next++];
    if (o.err.kind == STREAM_CAPTURE)
        o.err_fd = fds[next];
    reply.error = spawn_start(spawner, &o, &pid, &reply.start_ns, &stage);
    reply.stage = (int32_t)stage;
    reply.pid = pid;
    return reply;
}

/* Serves requests until muster closes the socket. */
static void serve(int fd, const struct spawn_setup *setup, pid_t parent) {
    struct spawner spawner;
    struct request r;
    char *buf = NULL;
    size_t cap = 0;
    int fds[RIGHTS_MAX];

    if (spawner_init(&spawner, setup))
        return;
    while (receive_head(fd, &r, fds) == 0) {
        struct reply reply = {.error = UV_ENOMEM, .stage = SPAWN_RESOURCES};
        size_t strings = (r.bytes + sizeof(char *) - 1) / sizeof(char *) * sizeof(char *);

        if (!map_fits(&buf, &cap, strings + (r.argc + r.envc + 2) * sizeof(char *)))
            return; /* muster forks another */
        if (read_all(fd, buf, r.bytes))
            return;
        reply = obey(&spawner, &r, fds, (char **)(void *)(buf + strings), buf, parent);
        for (int i = 0; i < RIGHTS_MAX; i++)
            if (fds[i] >= 0)
                close(fds[i]);
        if (write_all(fd, &reply, sizeof reply))
            return;
    }
}

static void close_range_of(unsigned first, unsigned last) {
    if (first <= last)
        syscall(SYS_close_range, first, last, 0);
}

/* Closes all but 0 to 2 and two more. */
static void close_others(int one, int other) {
    unsigned low = (unsigned)(one < other ? one : other);
    unsigned high = (unsigned)(one < other ? other : one);

    close_range_of(3, low - 1);
    close_range_of(low + 1, high - 1);
    close_range_of(high + 1, ~0U);
}

/* A fresh process: keeps two descriptors and 0 to 2 on /dev/null, so that it
 * holds nothing of muster's open. */
static void become_launcher(int fd, const struct spawn_setup *setup, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "muster-launch");
    if (getppid() != parent)
        return;
    for (int i = 0; i < 3; i++) /* main() has seen to it that no other is below 3 */
        if (dup2(setup->devnull, i) < 0)
            return;
    close_others(fd, setup->devnull);
    serve(fd, setup, parent);
}

/* --- muster's side ------------------------------------------------------ */

static bool buf_fits(char **buf, size_t *cap, size_t n) {
    char *bigger;

    if (n <= *cap)
        return true;
    bigger = realloc(*buf, n + n / 2);
    if (!bigger)
        return false;
    *buf = bigger;
    *cap = n + n / 2;
    return true;
}

int launcher_open(struct launcher *l, const struct spawn_setup *setup) {
    pid_t self = getpid();
    int pair[2], error;

    *l = (struct launcher){.pid = -1, .socket = -1, .setup = setup, .buf = l->buf, .cap = l->cap};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return -errno;
    l->pid = fork();
    if (l->pid == 0) {
        become_launcher(pair[1], setup, self);
        _exit(0);
    }
    error = -errno; /* of fork, if it failed */
    close(pair[1]);
    if (l->pid < 0) {
        close(pair[0]);
        return error;
    }
    l->socket = pair[0];
    return 0;
}

static void hang_up(struct launcher *l) {
    if (l->socket < 0)
        return;
    shutdown(l->socket, SHUT_RDWR); /* also for copies in a launcher forked later */
    close(l->socket);
    l->socket = -1;
    while (waitpid(l->pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
}

void launcher_close(struct launcher *l) {
    hang_up(l);
    free(l->buf);
    l->buf = NULL;
    l->cap = 0;
}

static char *put_string(char *to, const char *s) {
    return stpcpy(to, s ? s : "") + 1;
}

static size_t string_bytes(const char *s) {
    return s ? strlen(s) + 1 : 1;
}

/* Builds a request, head and strings, in the launcher's buffer. Its size, 0
 * when out of memory. */
static size_t pack(struct launcher *l, const struct spawn_opts *o) {
    const struct stream *const streams[3] = {&o->in, &o->out, &o->err};
    struct request r = {.nice = o->nice, .mark = o->mark};
    size_t n = string_bytes(o->program) + string_bytes(o->dir);
    char *at;

    for (int i = 0; i < 3; i++) {
        r.kinds[i] = (uint8_t)streams[i]->kind;
        n += string_bytes(streams[i]->text);
    }
    for (; o->argv[r.argc]; r.argc++)
        n += strlen(o->argv[r.argc]) + 1;
    for (; o->envp[r.envc]; r.envc++)
        n += strlen(o->envp[r.envc]) + 1;
    if (n > UINT32_MAX / 2 || !buf_fits(&l->buf, &l->cap, sizeof r + n))
        return 0;
    r.bytes = (uint32_t)n;
    memcpy(l->buf, &r, sizeof r);
    at = put_string(put_string(l->buf + sizeof r, o->program), o->dir);
    for (int i = 0; i < 3; i++)
        at = put_string(at, streams[i]->text);
    for (uint32_t i = 0; i < r.argc; i++)
        at = put_string(at, o->argv[i]);
    for (uint32_t i = 0; i < r.envc; i++)
        at = put_string(at, o->envp[i]);
    return sizeof r + n;
}

/* Sends the first bytes together with the write ends, then the rest. */
static int send_request(struct launcher *l, size_t n, const int *fds, size_t nfds) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
    } control = {0};
    struct iovec iov = {l->buf, n};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t done;

    if (nfds) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, nfds * sizeof(int));
    }
    do
        done = sendmsg(l->socket, &msg, MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return errno == ETOOMANYREFS ? UV_EMFILE : UV_EPIPE;
    return write_all(l->socket, l->buf + done, n - (size_t)done);
}

/* One request and its reply. UV_EPIPE: the launcher is dead. */
static int ask(struct launcher *l, const struct spawn_opts *o, const int *fds, size_t nfds,
               struct reply *reply) {
    size_t n = pack(l, o);
    int error;

    *reply = (struct reply){.stage = SPAWN_RESOURCES};
    if (!n)
        return UV_ENOMEM;
    if (l->socket < 0 && (error = launcher_open(l, l->setup)))
        return error;
    error = send_request(l, n, fds, nfds);
    if (!error)
        error = read_all(l->socket, reply, sizeof *reply);
    if (error == UV_EPIPE) {
        trace(TRACE_EXEC, "launcher %d is dead", (int)l->pid);
        hang_up(l);
        reply->stage = SPAWN_LOST;
    }
    return error ? error : reply->error;
}

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int launcher_start(struct launcher *l, const struct spawn_opts *opts, struct launched *out,
                   enum spawn_stage *stage, char **detail) {
    int outs[2] = {-1, -1}, errs[2] = {-1, -1}, fds[RIGHTS_MAX], error = 0;
    const char *fault;
    struct reply reply = {0};
    size_t nfds = 0;

    *out = (struct launched){.pid = -1, .pidfd = -1, .out = -1, .err = -1};
    *stage = SPAWN_RESOURCES;
    *detail = NULL;
    if (opts->out.kind == STREAM_CAPTURE && pipe2(outs, O_CLOEXEC))
        error = -errno;
    else if (opts->err.kind == STREAM_CAPTURE && pipe2(errs, O_CLOEXEC))
        error = -errno;
    if (!error) {
        if (outs[1] >= 0)
            fds[nfds++] = outs[1];
        if (errs[1] >= 0)
            fds[nfds++] = errs[1];
        error = ask(l, opts, fds, nfds, &reply);
        *stage = (enum spawn_stage)reply.stage;
    }
    close_fd(&outs[1]);
    close_fd(&errs[1]);
    if (!error) {
        *out = (struct launched){.pid = reply.pid,
                                 .pidfd = (int)syscall(SYS_pidfd_open, reply.pid, 0),
                                 .out = outs[0],
                                 .err = errs[0],
                                 .start_ns = reply.start_ns};
        return 0;
    }
    close_fd(&outs[0]);
    close_fd(&errs[0]);
    if (reply.pid > 0) /* it got as far as a zombie */
        waitpid(reply.pid, NULL, __WALL);
    fault = spawn_fault(opts, *stage);
    *detail = fault ? strdup(fault) : NULL;
    return error;
}
