/* SPDX-License-Identifier: MIT */
/* reaper: the process groups of a run, and what they orphan: finds it, reaps it, kills it. */
#include "exec/reaper.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/trace.h"
#include "exec/launch.h"

#define ROOM_MIN 64 /* processes in each list */

struct orphan {
    pid_t pid;
    struct group *owner; /* NULL: nobody's */
    uint64_t mark;       /* of this run, or 0 */
    bool signalled;      /* a stop reached it */
    bool given_up;       /* not even SIGKILL ended it */
};

struct reaper {
    pthread_mutex_t lock;
    const char *run_id;
    struct group *groups;
    struct orphan *orphans;
    size_t norphans, orphans_cap;
    pid_t *before; /* children from before the run, none of our business */
    size_t nbefore;
    pid_t *list; /* the children as read last */
    size_t nlist, list_cap;
    int children; /* /proc/self/task/MAIN/children, or -1: scan /proc */
    uint64_t first_mark, next_mark;
    bool settled;   /* no leader is there or to come */
    int all_signal; /* SIGKILL or SIGSTOP while that is on for all, or 0 */
};

/* Appends to list; false when out of memory. */
static bool list_add(struct reaper *r, pid_t pid) {
    if (r->nlist == r->list_cap) {
        size_t cap = r->list_cap * 2;
        pid_t *list = realloc(r->list, cap * sizeof *list);

        if (!list)
            return false;
        r->list = list;
        r->list_cap = cap;
    }
    r->list[r->nlist++] = pid;
    return true;
}

/* Reads a `children` file to its end: ids parted by blanks. */
static void read_children(struct reaper *r, int fd) {
    char buf[4096];
    off_t at = 0;
    pid_t pid = 0;
    ssize_t n;

    while ((n = pread(fd, buf, sizeof buf, at)) > 0) {
        at += n;
        for (ssize_t i = 0; i < n; i++) {
            if (isdigit((unsigned char)buf[i])) {
                pid = pid * 10 + (buf[i] - '0');
            } else if (pid) {
                if (!list_add(r, pid))
                    return;
                pid = 0;
            }
        }
    }
}

#define EXITING 0x4 /* PF_EXITING of the kernel (sched.h): not a zombie yet */

/* Whether it runs, and its parent, out of /proc/PID/stat; false when it is gone. */
static bool read_stat(pid_t pid, bool *runs, pid_t *parent) {
    char path[64], buf[512], state, *p;
    unsigned flags;
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, buf, sizeof buf - 1);
    close(fd);
    if (n <= 0)
        return false;
    buf[n] = '\0';
    p = strrchr(buf, ')'); /* the name before it may hold anything */
    if (!p || sscanf(p + 1, " %c %d %*d %*d %*d %*d %u", &state, parent, &flags) != 3)
        return false;
    *runs = state != 'Z' && !(flags & EXITING);
    return true;
}

static uint64_t mark_of(const struct reaper *r, pid_t pid);

/* Also one that has cloned itself and not exec'd yet. */
static bool is_launcher(pid_t pid) {
    char path[64], name[sizeof LAUNCH_NAME] = "";
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
    if (fd >= 0)
        close(fd);
    return n > 0 && strcmp(name, LAUNCH_NAME) == 0;
}

/*
 * Whether a child of muster's, whichever thread's, was adopted, as far as can be
 * told: a leader of a session whose group is not in the table is about to be
 * entered there, or was taken out to be reaped.
 */
static bool was_adopted(const struct reaper *r, pid_t pid) {
    uint64_t mark = mark_of(r, pid);
    const struct group *g = r->groups;

    if (r->settled)
        return true;
    while (g && g->mark != mark)
        g = g->next;
    return mark && (g ? g->leader != pid : getsid(pid) != pid) && !is_launcher(pid);
}

/* A kernel without CONFIG_PROC_CHILDREN: every process is asked for its parent. */
static void scan_proc(struct reaper *r) {
    DIR *dir = opendir("/proc");
    struct dirent *e;
    pid_t self = getpid(), parent;
    bool runs;

    if (!dir)
        return;
    while ((e = readdir(dir))) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

        if (pid > 0 && read_stat(pid, &runs, &parent) && parent == self && was_adopted(r, pid))
            if (!list_add(r, pid))
                break;
    }
    closedir(dir);
}

static void list_children(struct reaper *r) {
    r->nlist = 0;
    if (r->children >= 0)
        read_children(r, r->children);
    else
        scan_proc(r);
}

/* The children that there are already; false when out of memory. */
static bool note_before(struct reaper *r) {
    r->settled = true;
    list_children(r);
    r->settled = false;
    if (!r->nlist)
        return true;
    r->before = malloc(r->nlist * sizeof *r->before);
    if (!r->before)
        return false;
    memcpy(r->before, r->list, r->nlist * sizeof *r->before);
    r->nbefore = r->nlist;
    return true;
}

static bool lists_init(struct reaper *r) {
    r->list_cap = r->orphans_cap = ROOM_MIN;
    r->list = malloc(r->list_cap * sizeof *r->list);
    r->orphans = malloc(r->orphans_cap * sizeof *r->orphans);
    return r->list && r->orphans;
}

int reaper_new(struct reaper **out, const char *run_id) {
    struct reaper *r = calloc(1, sizeof *r);
    char path[64];

    if (!r)
        return UV_ENOMEM;
    pthread_mutex_init(&r->lock, NULL);
    r->children = -1;
    /* Not only when something is left: there may be no memory then. What finds no
     * room is found again when others are dead. */
    if (!lists_init(r)) {
        reaper_free(r);
        return UV_ENOMEM;
    }
    r->run_id = run_id;
    /* Where marks begin is random, so that those of another run are others. */
    if (getrandom(&r->next_mark, sizeof r->next_mark, GRND_NONBLOCK) != sizeof r->next_mark)
        r->next_mark = (uint64_t)getpid() << 20;
    r->next_mark &= LONG_MAX >> 2; /* no way from there to RLIM_INFINITY */
    r->first_mark = ++r->next_mark;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    r->children = open(path, O_RDONLY | O_CLOEXEC);
    if (r->children < 0 && (errno == EMFILE || errno == ENFILE)) {
        int error = -errno;

        reaper_free(r);
        return error;
    }
    if (!note_before(r)) {
        reaper_free(r);
        return UV_ENOMEM;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    *out = r;
    return 0;
}

struct reaper *reaper_free(struct reaper *r) {
    if (!r)
        return NULL;
    if (r->children >= 0)
        close(r->children);
    pthread_mutex_destroy(&r->lock);
    free(r->before);
    free(r->list);
    free(r->orphans);
    free(r);
    return NULL;
}

uint64_t reaper_first_mark(const struct reaper *r) {
    return r->first_mark;
}

void reaper_settle(struct reaper *r) {
    pthread_mutex_lock(&r->lock);
    r->settled = true;
    pthread_mutex_unlock(&r->lock);
}

uint64_t reaper_mark(struct reaper *r) {
    uint64_t mark;

    pthread_mutex_lock(&r->lock);
    mark = r->next_mark++;
    pthread_mutex_unlock(&r->lock);
    return mark;
}

void reaper_add(struct reaper *r, struct group *g) {
    pthread_mutex_lock(&r->lock);
    g->next = r->groups;
    g->link = &r->groups;
    if (g->next)
        g->next->link = &g->next;
    r->groups = g;
    /* It may have left something before it was known here. */
    for (size_t i = 0; i < r->norphans; i++)
        if (r->orphans[i].mark == g->mark && g->mark)
            r->orphans[i].owner = g;
    if (r->all_signal)
        kill(-g->leader, r->all_signal);
    pthread_mutex_unlock(&r->lock);
}

void reaper_remove(struct reaper *r, struct group *g) {
    pthread_mutex_lock(&r->lock);
    assert(g->link);
    *g->link = g->next;
    if (g->next)
        g->next->link = g->link;
    g->link = NULL;
    for (size_t i = 0; i < r->norphans; i++)
        if (r->orphans[i].owner == g) {
            r->orphans[i].owner = NULL;
            r->orphans[i].given_up = true;
        }
    pthread_mutex_unlock(&r->lock);
}

/* The value of NAME in an environment block, or NULL. */
static const char *block_get(const char *block, size_t n, const char *name) {
    size_t len = strlen(name);

    for (const char *p = block; p < block + n; p += strlen(p) + 1)
        if (strncmp(p, name, len) == 0 && p[len] == '=')
            return p + len + 1;
    return NULL;
}

/* The environment that a process was exec'd with, a NUL behind; malloc'd or NULL. */
static char *read_environ(pid_t pid, size_t *n) {
    char path[64], *buf = NULL;
    size_t cap = 0, got = 0;
    ssize_t more;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    do {
        if (cap - got < 2) {
            char *bigger = realloc(buf, cap = cap ? cap * 2 : 8192);

            if (!bigger)
                break;
            buf = bigger;
        }
        more = read(fd, buf + got, cap - got - 1);
        got += more > 0 ? (size_t)more : 0;
    } while (more > 0 && got < 4U << 20);
    close(fd);
    if (buf)
        buf[got] = '\0';
    *n = got;
    return buf;
}

static uint64_t mark_of(const struct reaper *r, pid_t pid) {
    struct rlimit locks;

    if (prlimit(pid, RLIMIT_LOCKS, NULL, &locks) || locks.rlim_cur < r->first_mark ||
        locks.rlim_cur >= r->next_mark)
        return 0;
    return locks.rlim_cur;
}

static struct group *find_owner(struct reaper *r, pid_t pid, uint64_t mark) {
    struct group *found = NULL;
    pid_t sid = getsid(pid);
    size_t n = 0;
    char *block;

    for (struct group *g = r->groups; g; g = g->next)
        if (g->leader == sid || (mark && g->mark == mark))
            return g;
    if (mark) /* of a group that is gone, or not here yet: see reaper_add() */
        return NULL;
    block = read_environ(pid, &n);
    if (block) {
        const char *run = block_get(block, n, "MUSTER_RUN");
        const char *job = block_get(block, n, "MUSTER_JOB");
        const char *attempt = block_get(block, n, "MUSTER_ATTEMPT");

        if (run && job && attempt && strcmp(run, r->run_id) == 0)
            for (struct group *g = r->groups; g && !found; g = g->next)
                if (g->attempt == strtoul(attempt, NULL, 10) && strcmp(g->job, job) == 0)
                    found = g;
        free(block);
    }
    if (!found && r->groups && !r->groups->next)
        found = r->groups;
    trace(TRACE_EXEC, "adopted %d of session %d: job %s", (int)pid, (int)sid,
          found ? found->job : "none");
    return found;
}

static const struct orphan *orphan_find(const struct reaper *r, pid_t pid) {
    for (size_t i = 0; i < r->norphans; i++)
        if (r->orphans[i].pid == pid)
            return &r->orphans[i];
    return NULL;
}

/* Out of memory: the orphan is found again at the next scan. */
static void orphan_add(struct reaper *r, pid_t pid) {
    uint64_t mark;

    if (r->norphans == r->orphans_cap) {
        size_t cap = r->orphans_cap * 2;
        struct orphan *o = realloc(r->orphans, cap * sizeof *o);

        if (!o)
            return;
        r->orphans = o;
        r->orphans_cap = cap;
    }
    mark = mark_of(r, pid);
    r->orphans[r->norphans++] =
        (struct orphan){.pid = pid, .owner = find_owner(r, pid, mark), .mark = mark};
}

static bool was_before(const struct reaper *r, pid_t pid) {
    for (size_t i = 0; i < r->nbefore; i++)
        if (r->before[i] == pid)
            return true;
    return false;
}

static void charge(struct group *g, const struct rusage *ru) {
    uint64_t rss = (uint64_t)ru->ru_maxrss * 1024;

    g->user_us += ru->ru_utime.tv_sec * 1000000L + ru->ru_utime.tv_usec;
    g->sys_us += ru->ru_stime.tv_sec * 1000000L + ru->ru_stime.tv_usec;
    if (rss > g->max_rss)
        g->max_rss = rss;
}

/* Takes the dead out of the table of orphans. Whether there were any. */
static bool reap_orphans(struct reaper *r) {
    size_t kept = 0, before = r->norphans;

    for (size_t i = 0; i < r->norphans; i++) {
        struct orphan *o = &r->orphans[i];
        struct rusage ru;
        pid_t got = wait4(o->pid, NULL, WNOHANG | __WALL, &ru);

        if (got == o->pid && o->owner)
            charge(o->owner, &ru);
        if (got == o->pid || (got < 0 && errno == ECHILD))
            continue;
        r->orphans[kept++] = *o;
    }
    r->norphans = kept;
    return kept < before;
}

/* Brings the table of orphans up to date: new ones in, dead ones reaped and out.
 * Again when some were dead: they may have left children behind since the list
 * was read. */
static void refresh(struct reaper *r) {
    do {
        list_children(r);
        if (!r->nlist && !r->norphans)
            return; /* as it is at nearly every exit */
        for (size_t i = 0; i < r->nlist; i++) {
            if (!orphan_find(r, r->list[i]) && !was_before(r, r->list[i]))
                orphan_add(r, r->list[i]);
        }
    } while (reap_orphans(r));
}

size_t reaper_scan(struct reaper *r, const struct group *g, pid_t *pids, size_t max) {
    size_t n = 0;

    pthread_mutex_lock(&r->lock);
    refresh(r);
    for (size_t i = 0; i < r->norphans; i++) {
        if (r->orphans[i].owner != g || r->orphans[i].given_up)
            continue;
        if (n < max)
            pids[n] = r->orphans[i].pid;
        n++;
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}

/* An orphan is our unreaped child, so its id cannot have been given away; nor
 * that of the group it leads. */
static void signal_orphan(pid_t pid, int sig) {
    if (getpgid(pid) == pid)
        kill(-pid, sig);
    else
        kill(pid, sig);
}

void reaper_signal_new(struct reaper *r, const struct group *g, int sig) {
    pthread_mutex_lock(&r->lock);
    if (r->all_signal == SIGKILL)
        sig = SIGKILL;
    for (size_t i = 0; i < r->norphans; i++) {
        struct orphan *o = &r->orphans[i];

        if (o->owner != g || o->signalled)
            continue;
        o->signalled = true;
        if (sig == SIGKILL || getpgid(o->pid) != g->leader) {
            signal_orphan(o->pid, sig);
            signal_orphan(o->pid, SIGCONT);
        }
    }
    pthread_mutex_unlock(&r->lock);
}

void reaper_signal(struct reaper *r, const struct group *g, int sig) {
    pthread_mutex_lock(&r->lock);
    if (g) {
        assert(g->link); /* in the table: its leader is not reaped */
        kill(-g->leader, sig);
    }
    refresh(r);
    for (size_t i = 0; i < r->norphans; i++) {
        if (r->orphans[i].owner != g)
            continue;
        r->orphans[i].signalled = true;
        signal_orphan(r->orphans[i].pid, sig);
    }
    pthread_mutex_unlock(&r->lock);
}

void reaper_signal_all(struct reaper *r, int sig) {
    pthread_mutex_lock(&r->lock);
    r->all_signal = sig == SIGCONT ? 0 : sig;
    for (const struct group *g = r->groups; g; g = g->next)
        kill(-g->leader, sig);
    refresh(r);
    for (size_t i = 0; i < r->norphans; i++)
        signal_orphan(r->orphans[i].pid, sig);
    pthread_mutex_unlock(&r->lock);
}

/* Walks one thread's children; depth bounds a tree that grows as it is walked. */
static size_t count_below(pid_t pid, bool *changing, unsigned depth) {
    char path[300];
    struct dirent *e;
    bool runs = false;
    pid_t parent;
    DIR *tasks;
    size_t n;

    if (!read_stat(pid, &runs, &parent) || !runs)
        *changing = true;
    n = runs;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    tasks = depth < 64 ? opendir(path) : NULL;
    while (tasks && (e = readdir(tasks))) {
        int child;
        FILE *f;

        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, e->d_name);
        f = fopen(path, "re");
        while (f && fscanf(f, "%d", &child) == 1)
            n += count_below(child, changing, depth + 1);
        if (f)
            fclose(f);
    }
    if (tasks)
        closedir(tasks);
    return n;
}

size_t reaper_count_tree(pid_t pid, bool *changing) {
    return count_below(pid, changing, 0);
}
