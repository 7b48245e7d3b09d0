/* SPDX-License-Identifier: MIT */
/* launch: the launcher's side: what it is asked, how it obeys, what it answers. */
#include "exec/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/oom.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#include "base/text.h"
#include "exec/killgroup.h"
#include "exec/sweep.h"

#define OOM_OFFER 500 /* added to muster's own oom_score_adj, proc(5) */

/* Where requests are read into. Mappings: forked beside other threads, this
 * process may find the heap locked for good. glibc's malloc sees to that, a
 * sanitizer's does not. */
struct room {
    char *bytes;
    size_t size;
};

static bool room_fits(struct room *r, size_t n) {
    void *bigger;

    if (n <= r->size)
        return true;
    n += n / 2;
    bigger = r->bytes ? mremap(r->bytes, r->size, n, MREMAP_MAYMOVE)
                      : mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bigger == MAP_FAILED)
        return false;
    *r = (struct room){bigger, n};
    return true;
}

enum outcome {
    OBEYED,
    FAREWELL, /* or it cannot go on: muster is to fork another launcher */
    DESERTED, /* muster is dead */
};

/* What it means that so many bytes came or went: 0 at the end, less on an error,
 * which alone is no reason to take muster for dead. */
static enum outcome judge(ssize_t n) {
    if (n > 0)
        return OBEYED;
    return n == 0 || errno == EPIPE || errno == ECONNRESET ? DESERTED : FAREWELL;
}

static enum outcome read_all(int fd, char *to, size_t n) {
    while (n > 0) {
        ssize_t got = recv(fd, to, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return judge(got);
        to += got;
        n -= (size_t)got;
    }
    return OBEYED;
}

/*
 * The head of a request and the descriptors that come with it. The strings are
 * left for a second read: how long they are, the head tells, and behind them
 * the next request may stand already.
 */
static enum outcome receive_head(int fd, struct launch_request *q, int fds[LAUNCH_RIGHTS_MAX]) {
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(LAUNCH_RIGHTS_MAX * sizeof(int))];
    } control;
    struct iovec iov = {q, sizeof *q};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    ssize_t n;

    for (int i = 0; i < LAUNCH_RIGHTS_MAX; i++)
        fds[i] = -1;
    do
        n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return judge(n);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    return read_all(fd, (char *)q + n, sizeof *q - (size_t)n);
}

static char *take_string(char **at) {
    char *s = *at;

    *at += strlen(s) + 1;
    return s;
}

/* Starts what a request asks for. The lists of pointers stand behind the
 * strings in the same room. */
static struct launch_reply obey(struct spawner *spawner, const struct launch_request *q,
                                const int *fds, char **list, char *at, pid_t parent) {
    struct spawn_opts o = {.nice = q->nice,
                           .limits = q->limits,
                           .mark = q->mark,
                           .jobserver = q->jobserver,
                           .parent = parent,
                           .in_fd = -1,
                           .out_fd = -1,
                           .err_fd = -1};
    struct stream *const streams[3] = {&o.in, &o.out, &o.err};
    int *const ends[3] = {&o.in_fd, &o.out_fd, &o.err_fd};
    struct launch_reply reply = {0};
    enum spawn_stage stage;
    pid_t pid;

    o.program = take_string(&at);
    o.dir = take_string(&at);
    for (int i = 0; i < 3; i++)
        *streams[i] = (struct stream){(enum stream_kind)q->kinds[i], take_string(&at)};
    o.memory_group = take_string(&at);
    for (uint32_t i = 0; i < q->argc + q->envc + 2; i++) {
        bool end = i == q->argc || i == q->argc + q->envc + 1;

        list[i] = end ? NULL : take_string(&at);
    }
    o.argv = (const char *const *)list;
    o.envp = list + q->argc + 1;
    for (int i = 0; i < 3; i++) {
        if (!stream_is_pipe(streams[i]))
            continue;
        if (*fds < 0) /* the kernel drops those that it finds no number for */
            return (struct launch_reply){.error = UV_EMFILE, .stage = SPAWN_RESOURCES};
        *ends[i] = *fds++;
    }
    reply.error = spawn_start(spawner, &o, &pid, &reply.start_ns, &stage);
    reply.stage = (int32_t)stage;
    reply.pid = pid;
    return reply;
}

/* A request, read to its end. `room` holds its strings, and has room for its lists
 * of pointers behind them, at *lists. */
static enum outcome receive(int fd, struct launch_request *q, int fds[LAUNCH_RIGHTS_MAX],
                            struct room *room, size_t *lists) {
    enum outcome outcome = receive_head(fd, q, fds);

    if (outcome != OBEYED)
        return outcome;
    if (!q->argc)
        return FAREWELL;
    *lists = (q->bytes + sizeof(char *) - 1) / sizeof(char *) * sizeof(char *);
    if (!room_fits(room, *lists + (q->argc + q->envc + 2) * sizeof(char *)))
        return FAREWELL;
    return read_all(fd, room->bytes, q->bytes);
}

/* `obeying`: else a request is only taken note of, on the way to a farewell. */
static enum outcome serve_one(int fd, struct spawner *spawner, struct room *room, pid_t parent,
                              bool obeying) {
    struct launch_request q;
    struct launch_reply reply;
    int fds[LAUNCH_RIGHTS_MAX];
    size_t lists;
    enum outcome outcome = receive(fd, &q, fds, room, &lists);
    ssize_t sent;

    if (outcome == OBEYED && obeying)
        reply = obey(spawner, &q, fds, (char **)(void *)(room->bytes + lists), room->bytes, parent);
    for (int i = 0; i < LAUNCH_RIGHTS_MAX; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (outcome != OBEYED || !obeying)
        return outcome;
    do
        sent = send(fd, &reply, sizeof reply, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return judge(sent);
}

static void close_range_of(unsigned first, unsigned last) {
    if (first <= last)
        syscall(SYS_close_range, first, last, 0);
}

static int by_number(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

/* Closes all but 0 to 2 and those kept (in any order, none twice). */
static void close_others(int *kept, size_t n) {
    unsigned from = STDERR_FILENO + 1;

    qsort(kept, n, sizeof *kept, by_number);
    for (size_t i = 0; i < n; i++) {
        close_range_of(from, (unsigned)kept[i] - 1);
        from = (unsigned)kept[i] + 1;
    }
    close_range_of(from, ~0U);
}

/* Where the whole machine is out of memory the kernel is to take a job, not
 * muster. This process, whose children inherit it, is the smallest of all. */
static bool offer_to_oom_killer(void) {
    char text[16];
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    int64_t value;
    bool done = false;

    if (n > 1 &&
        text_int64(text, (size_t)n - 1, OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX, &value) == 0) {
        value = value + OOM_OFFER < OOM_SCORE_ADJ_MAX ? value + OOM_OFFER : OOM_SCORE_ADJ_MAX;
        n = snprintf(text, sizeof text, "%d", (int)value);
        done = pwrite(fd, text, (size_t)n, 0) == n;
    }
    if (fd >= 0)
        close(fd);
    return done;
}

void launch_serve(int fd, const struct spawn_setup *setup, pid_t parent) {
    struct spawner spawner;
    struct room room = {NULL, 0};
    int kept[6] = {fd, setup->devnull};
    size_t nkept = 2;
    enum outcome outcome;

    setsid();
    syscall(SYS_prctl, PR_SET_NAME, LAUNCH_NAME, 0, 0, 0); /* prctl() of AddressSanitizer locks */
    if (spawner_init(&spawner, setup))
        return;
    for (int i = 0; i < 3; i++) /* main() has seen to it that no other is below 3 */
        if (dup2(setup->devnull, i) < 0)
            return;
    if (setup->lock)
        kept[nkept++] = setup->lock;
    if (setup->presence)
        kept[nkept++] = setup->presence;
    for (int i = 0; i < 2 && setup->jobserver[i]; i++)
        kept[nkept++] = setup->jobserver[i];
    close_others(kept, nkept);
    offer_to_oom_killer(); /* if it may */
    do
        outcome = serve_one(fd, &spawner, &room, parent, true);
    while (outcome == OBEYED);
    /* One who has hung up does not hear answers, and may have said farewell. */
    if (outcome == DESERTED)
        do
            outcome = serve_one(fd, &spawner, &room, parent, false);
        while (outcome == OBEYED);
    if (outcome != DESERTED)
        return;
    setrlimit(RLIMIT_LOCKS, &setup->locks); /* else the other launcher would find it marked */
    killgroup_strike(setup->group);
    sweep_marked(setup->first_mark, setup->first_mark + SPAWN_MARKS);
    killgroup_clear(setup->group);
    if (setup->folder)
        sweep_folder(setup->folder);
}
