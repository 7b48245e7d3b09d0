/* SPDX-License-Identifier: MIT */
/* launcher: a small process that starts jobs in muster's stead, as muster's children. */
#include "exec/launcher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/trace.h"
#include "exec/killgroup.h"

void launcher_init(struct launcher *l) {
    *l = (struct launcher){.pid = -1, .socket = -1};
}

int launcher_fork(struct launcher *l, const struct spawn_setup *setup) {
    pid_t self = getpid();
    int pair[2], error;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return -errno;
    l->pid = killgroup_fork(setup->group);
    if (l->pid == 0) {
        launch_serve(pair[1], setup, self);
        _exit(0);
    }
    error = -errno; /* if there is none */
    close(pair[1]);
    if (l->pid < 0) {
        close(pair[0]);
        return error;
    }
    l->socket = pair[0];
    return 0;
}

static void close_rights(struct launcher *l) {
    while (l->nfds)
        close(l->fds[--l->nfds]);
}

/* Else it would take muster for dead. One that cannot be told is ended before it
 * can; its id is not given away before launcher_release(). */
static void launcher_say_farewell(struct launcher *l) {
    struct launch_request farewell = {.argc = 0};

    if (launcher_unsent(l) ||
        send(l->socket, &farewell, sizeof farewell, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof farewell)
        kill(l->pid, SIGKILL);
}

void launcher_hang_up(struct launcher *l) {
    if (l->socket < 0)
        return;
    launcher_say_farewell(l);
    shutdown(l->socket, SHUT_RDWR); /* also for copies in a launcher forked later */
    close(l->socket);
    l->socket = -1;
    l->size = l->sent = l->got = 0;
    close_rights(l);
}

void launcher_release(struct launcher *l) {
    launcher_hang_up(l);
    while (l->pid > 0 && waitpid(l->pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    l->pid = -1;
}

void launcher_free(struct launcher *l) {
    free(l->buf);
    launcher_init(l);
}

void launcher_kill_begun(uint64_t mark) {
    char path[64];
    int pid;
    FILE *f;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)syscall(SYS_gettid));
    f = fopen(path, "re");
    while (f && fscanf(f, "%d", &pid) == 1) {
        struct rlimit locks;

        if (prlimit(pid, RLIMIT_LOCKS, NULL, &locks) || locks.rlim_cur != mark)
            continue;
        trace(TRACE_EXEC, "begun by a dead launcher: %d", pid);
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL); /* it may not have its own group yet */
        waitpid(pid, NULL, __WALL);
    }
    if (f)
        fclose(f);
}

/* --- requests ------------------------------------------------------------ */

static bool fits(struct launcher *l, size_t n) {
    char *bigger;

    if (n <= l->cap)
        return true;
    bigger = realloc(l->buf, n + n / 2);
    if (!bigger)
        return false;
    l->buf = bigger;
    l->cap = n + n / 2;
    return true;
}

static char *put_string(char *to, const char *s) {
    return stpcpy(to, s ? s : "") + 1;
}

static size_t string_bytes(const char *s) {
    return s ? strlen(s) + 1 : 1;
}

/* Builds a request in the launcher's buffer; false when out of memory. */
static bool pack(struct launcher *l, const struct spawn_opts *o) {
    const struct stream *const streams[3] = {&o->in, &o->out, &o->err};
    struct launch_request q = {
        .nice = o->nice, .limits = o->limits, .mark = o->mark, .jobserver = o->jobserver};
    size_t n = string_bytes(o->program) + string_bytes(o->dir) + string_bytes(o->memory_group);
    char *at;

    for (int i = 0; i < 3; i++) {
        q.kinds[i] = (uint8_t)streams[i]->kind;
        n += string_bytes(streams[i]->text);
    }
    for (; o->argv[q.argc]; q.argc++)
        n += strlen(o->argv[q.argc]) + 1;
    for (; o->envp[q.envc]; q.envc++)
        n += strlen(o->envp[q.envc]) + 1;
    if (n > UINT32_MAX / 2 || !fits(l, sizeof q + n))
        return false;
    q.bytes = (uint32_t)n;
    memcpy(l->buf, &q, sizeof q);
    at = put_string(put_string(l->buf + sizeof q, o->program), o->dir);
    for (int i = 0; i < 3; i++)
        at = put_string(at, streams[i]->text);
    at = put_string(at, o->memory_group);
    for (uint32_t i = 0; i < q.argc; i++)
        at = put_string(at, o->argv[i]);
    for (uint32_t i = 0; i < q.envc; i++)
        at = put_string(at, o->envp[i]);
    l->size = sizeof q + n;
    l->sent = 0;
    return true;
}

/* Sends what it can; the write ends go with the first byte. */
static ssize_t send_some(struct launcher *l) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(LAUNCH_RIGHTS_MAX * sizeof(int))];
    } control = {0};
    struct iovec iov = {l->buf + l->sent, l->size - l->sent};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    if (l->nfds) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(l->nfds * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(l->nfds * sizeof(int));
        memcpy(CMSG_DATA(&control.head), l->fds, l->nfds * sizeof(int));
    }
    return sendmsg(l->socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int launcher_flush(struct launcher *l) {
    while (l->sent < l->size) {
        ssize_t n = send_some(l);
        int error = errno;

        if (n > 0) {
            l->sent += (size_t)n;
            close_rights(l);
        } else if (error == EAGAIN) {
            return UV_EAGAIN;
        } else if (error != EINTR) {
            bool begun = l->sent > 0;

            close_rights(l);
            l->size = l->sent = 0;
            if (!begun && error == ETOOMANYREFS) /* on their way, all of them this user's */
                return UV_EMFILE;
            return !begun && (error == ENOMEM || error == ENOBUFS) ? UV_ENOMEM : UV_EPIPE;
        }
    }
    return 0;
}

int launcher_ask(struct launcher *l, const struct spawn_opts *opts) {
    const struct stream *const streams[3] = {&opts->in, &opts->out, &opts->err};
    const int ends[3] = {opts->in_fd, opts->out_fd, opts->err_fd};

    for (int i = 0; i < 3; i++)
        if (stream_is_pipe(streams[i]))
            l->fds[l->nfds++] = ends[i];
    if (pack(l, opts))
        return launcher_flush(l);
    close_rights(l);
    return UV_ENOMEM;
}

int launcher_answer(struct launcher *l, struct launch_reply *reply) {
    while (l->got < sizeof l->reply) {
        ssize_t n =
            recv(l->socket, (char *)&l->reply + l->got, sizeof l->reply - l->got, MSG_DONTWAIT);

        if (n > 0)
            l->got += (size_t)n;
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return UV_EPIPE;
        else if (errno == EAGAIN)
            return UV_EAGAIN;
    }
    l->got = 0;
    *reply = l->reply;
    return 0;
}
