/* SPDX-License-Identifier: MIT */
/* fuzz_mask: lines of values, an empty line, and any bytes in which they are to be masked. */
#include <string.h>

#include "../fakes/naive_mask.h"
#include "fuzz.h"

#define VALUES_MAX 8

/* What comes out of a stream that gets the text in pieces of `piece` bytes. */
static void check_stream(const struct mask_set *set, const char *s, size_t n, size_t piece,
                         const char *want, size_t want_len) {
    struct mask *m = mask_new(set);
    size_t done = 0, len = 0, room, got;
    char out[16];

    demand(m);
    while (done < n || mask_pending(m)) {
        char *to = mask_room(m, &room);
        size_t some = piece < n - done ? piece : n - done;

        demand(room >= some);
        memcpy(to, s + done, some);
        mask_added(m, some);
        done += some;
        if (done == n)
            mask_end(m);
        while ((got = mask_take(m, out, 1 + piece % sizeof out)) > 0) {
            demand(got <= want_len - len && !memcmp(out, want + len, got));
            len += got;
        }
    }
    demand(len == want_len && mask_total(m) == n);
    mask_free(m);
}

static void check_mask(const struct mask_value *values, size_t count, const char *s, size_t n) {
    struct mask_set *set;
    size_t len, want_len;
    char *want = naive_mask(values, count, s, n, &want_len);

    demand(mask_set_new(&set, NULL, values, count) == 0);
    demand(!set == !count);
    char *got = mask_text(set, s, n, &len);
    demand(got && len == want_len && !memcmp(got, want, len) && !got[len]);
    if (set)
        for (size_t piece = 1; piece < n + 4; piece = piece * 3 + 1)
            check_stream(set, s, n, piece, want, want_len);
    free(got);
    free(want);
    mask_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *s = n ? (const char *)data : "", *end;
    struct mask_value values[VALUES_MAX];
    size_t count = 0;

    while (count < VALUES_MAX && (end = memchr(s, '\n', n)) && end > s) {
        values[count++] = (struct mask_value){s, (size_t)(end - s)};
        n -= (size_t)(end + 1 - s);
        s = end + 1;
    }
    check_mask(values, count, s, n);
    return 0;
}
