/* SPDX-License-Identifier: MIT */
/* trial: runs muster once, in a folder of its own, and looks at what it leaves behind. */
#ifndef MUSTER_FAULTS_TRIAL_H
#define MUSTER_FAULTS_TRIAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct trial {
    const char *muster;      /* the program */
    const char *const *args; /* after its name; NULL at the end */
    const char *preload;     /* the library with the hooks, or NULL */
    /* SIGCONT comes to it at any moment: LeakSanitizer, which looks for leaks in a process
     * whose threads it stopped by SIGSTOP, waits for ever where SIGCONT takes that back. */
    bool continued;
    /* Filled by trial_start(). */
    pid_t pid;
    int pidfd;
};

struct trial_end {
    bool hung;        /* not over in time; killed */
    int status;       /* as wait() tells it */
    unsigned orphans; /* processes that outlived it by more than the grace */
    unsigned late;    /* those that did at all, but were gone within it */
    int64_t gone_ms;  /* from muster's end to the last of them */
};

/* Once in a process, before its trials: what they orphan becomes its children.
 * It must have no other child while a trial ends. */
void trial_init(void);
/* Makes the folder anew, empty, and enters it. Ends the process on failure. */
void trial_folder(const char *path);
/* Removes a folder with all that is in it; it need not be there. */
void trial_remove(const char *path);
/* Starts muster with standard output and error in the files "out" and "err", and the order
 * in the file "faults" where there are hooks. Ends the process on failure. */
void trial_start(struct trial *t);
/* Runs muster to its end, as it is, with standard output in the file `to`, standard error
 * in TO.err. Its exit status, 128 and more for a signal. Ends the process on failure. */
int trial_run(const char *const *args, const char *to);
/* Waits so long at most. Whether it is over. */
bool trial_wait(struct trial *t, int64_t ms);
/* Waits for its end at most limit_ms, and for what it leaves at most grace_ms;
 * then kills what there is. */
struct trial_end trial_end(struct trial *t, int64_t limit_ms, int64_t grace_ms);

/* A whole file with a NUL behind, malloc'd; NULL: it is not there. *n: its size, may be NULL. */
char *trial_read(const char *path, size_t *n);
void trial_write(const char *path, const char *text);
/* A variable of the environment that has to be there. */
const char *trial_need(const char *name);
/* Of a clock that only goes forward. */
int64_t trial_ms(void);
/* Says so on standard error and ends the process: the test itself is at fault. */
void trial_die(const char *what) __attribute__((noreturn));
#endif
