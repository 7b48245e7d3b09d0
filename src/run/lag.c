/* SPDX-License-Identifier: MIT */
/* lag: how long a loop is kept from waiting. */
#include "run/lag.h"

#include "base/clock.h"

static void on_check(uv_check_t *check) {
    struct lag *l = check->data;
    int64_t now = clock_ns();
    int64_t woke = (int64_t)uv_now(check->loop) * NS_PER_MS + NS_PER_MS - 1; /* it was cut to ms */

    if (l->awake_since > 0 && l->awake_since < woke)
        woke = l->awake_since;
    l->busy_since = woke < now ? woke : now;
}

static void on_prepare(uv_prepare_t *prepare) {
    struct lag *l = prepare->data;
    int64_t lag = clock_ns() - l->busy_since;

    if (lag > *l->worst_ns)
        *l->worst_ns = lag;
    l->awake_since = 0;
}

void lag_open(struct lag *l, uv_loop_t *loop, int64_t *worst_ns) {
    l->worst_ns = worst_ns;
    l->busy_since = clock_ns();
    l->awake_since = 0;
    uv_check_init(loop, &l->check);
    uv_prepare_init(loop, &l->prepare);
    l->check.data = l->prepare.data = l;
    uv_check_start(&l->check, on_check);
    uv_prepare_start(&l->prepare, on_prepare);
}

void lag_note(struct lag *l) {
    if (l->awake_since == 0)
        l->awake_since = clock_ns();
}

void lag_restart(struct lag *l) {
    l->busy_since = clock_ns();
    l->awake_since = 0;
}

void lag_close(struct lag *l) {
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
}
