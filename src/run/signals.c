/* SPDX-License-Identifier: MIT */
/* signals: those that a run takes notice of, as events of its loop. */
#include "run/signals.h"

#include <signal.h>

#include "base/trace.h"
#include "run/suspend.h"

static const struct {
    int sig;
    enum signals_kind kind;
} rows[SIGNALS_COUNT] = {
    {SIGINT, SIGNALS_STOP},  {SIGTERM, SIGNALS_STOP},    {SIGHUP, SIGNALS_STOP},
    {SIGQUIT, SIGNALS_QUIT}, {SIGTSTP, SIGNALS_SUSPEND}, {SIGUSR1, SIGNALS_LIST},
};

int signals_open(struct signals *s, uv_loop_t *loop, const signals_cb *act, void *ctx) {
    s->act = act;
    s->ctx = ctx;
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        int rc = uv_signal_init(loop, &s->handles[i]);

        if (rc < 0) /* the first makes a pipe, which all share */
            return rc;
        s->handles[i].data = s;
    }
    return 0;
}

static void on_signal(uv_signal_t *handle, int sig) {
    struct signals *s = handle->data;

    trace(TRACE_RUN, "signal %d", sig);
    s->act[rows[handle - s->handles].kind](s->ctx, sig);
}

int signals_watch(struct signals *s) {
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        struct sigaction before;
        int rc;

        if (sigaction(rows[i].sig, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        rc = uv_signal_start(&s->handles[i], on_signal, rows[i].sig);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void signals_suspend(struct signals *s, int sig) {
    size_t row = 0;

    while (rows[row].sig != sig)
        row++;
    uv_signal_stop(&s->handles[row]); /* the default action again */
    suspend_self();
    uv_signal_start(&s->handles[row], on_signal, sig);
}

void signals_close(struct signals *s, bool interrupted) {
    sigset_t all;

    sigemptyset(&all);
    for (size_t i = 0; i < SIGNALS_COUNT; i++)
        sigaddset(&all, rows[i].sig);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        bool watched = uv_is_active((uv_handle_t *)&s->handles[i]);

        uv_close((uv_handle_t *)&s->handles[i], NULL);
        /* A third signal changes nothing either while the reports are written,
         * nor does one that only asks. */
        if (watched && (interrupted || rows[i].kind == SIGNALS_LIST))
            signal(rows[i].sig, SIG_IGN);
        if (rows[i].kind == SIGNALS_STOP)
            sigdelset(&all, rows[i].sig);
    }
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
}
