/* SPDX-License-Identifier: MIT */
/* reaper: the process groups of a run, and what they orphan: finds it, reaps it, kills it. */
#ifndef MUSTER_EXEC_REAPER_H
#define MUSTER_EXEC_REAPER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * muster is a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER): whatever loses its
 * parent below it becomes a child of its main thread (kernel/exit.c,
 * find_new_reaper: the first live thread of the subreaper). Since the main
 * thread starts no job itself, its list of children, /proc/self/task/N/children,
 * holds adopted processes only, and is empty as long as no job leaves anything:
 * one read at each exit tells. When a leader has exited, everything of its group
 * that lives stands below an adopted process, so "none adopted" is "none left".
 *
 * Whose an orphan is tells its session, else its mark, else MUSTER_RUN,
 * MUSTER_JOB and MUSTER_ATTEMPT in the environment it was exec'd with, else it
 * is taken for the only group there is; what remains nobody's is killed when
 * the run ends. The mark is an attempt's own number as the soft RLIMIT_LOCKS,
 * which Linux has not enforced since 2.4.25 (getrlimit(2)): a daemon that has
 * a new session and a clean environment still inherits it.
 *
 * All functions may be called by any thread; one lock guards the whole, and the
 * order in it matters: a leader is removed from the table before it is reaped,
 * so that no signal ever goes to an id that may have been given away.
 */
struct reaper;

/* One attempt's processes; embedded in its owner, who keeps it in the table
 * while the leader is not reaped. */
struct group {
    struct group *next, **link; /* the table's */
    pid_t leader;               /* also its group and session */
    const char *job;            /* name */
    uint32_t attempt;
    uint64_t mark;           /* its processes' soft RLIMIT_LOCKS */
    int64_t user_us, sys_us; /* of orphans of it that were reaped */
    uint64_t max_rss;
};

/* Becomes a subreaper. Children that this process already has are left alone.
 * Call on the main thread. 0 or UV_E…. */
int reaper_new(struct reaper **out, const char *run_id);
/* Accepts NULL; returns NULL. */
struct reaper *reaper_free(struct reaper *r);

/* The least mark of this run. */
uint64_t reaper_first_mark(const struct reaper *r);
/* A mark that no other attempt has. */
uint64_t reaper_mark(struct reaper *r);
/* Enters a group just started; if all are being killed or stopped at the time,
 * it gets that signal as well. */
void reaper_add(struct reaper *r, struct group *g);
/* Takes it out; call before the leader is reaped. Orphans it still has could not
 * be killed: they become nobody's and no scan tells them again. */
void reaper_remove(struct reaper *r, struct group *g);

/* No group is in the table, and none will be: all children there are were adopted. */
void reaper_settle(struct reaper *r);

/*
 * Reaps dead orphans and tells the live ones of a group (NULL: nobody's): up
 * to max ids into pids, which stay valid until the next call of this function
 * by anyone. Returns how many there are.
 */
size_t reaper_scan(struct reaper *r, const struct group *g, pid_t *pids, size_t max);
/* Sends a signal to the group's leader's group and to its known orphans, with
 * their own groups where they lead one. g NULL: to nobody's orphans. */
void reaper_signal(struct reaper *r, const struct group *g, int sig);
/* The same to orphans that no reaper_signal has reached yet, and that are not in
 * the leader's group, which it has. SIGKILL where all are being killed. */
void reaper_signal_new(struct reaper *r, const struct group *g, int sig);
/* Sends SIGKILL, SIGSTOP or SIGCONT to every group and orphan. */
void reaper_signal_all(struct reaper *r, int sig);
/* How many processes live below a process (it included). What is exiting does not
 * count but sets *changing: its children may be missing here, and be ours soon. */
size_t reaper_count_tree(pid_t pid, bool *changing);
#endif
