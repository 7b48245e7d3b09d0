/* SPDX-License-Identifier: MIT */
/* fuzz_values: any bytes as a number, a length of time, a size, a list, a name. */
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "fuzz.h"

static void check_numbers(const char *s, size_t n) {
    char text[TEXT_FORMAT_MAX];
    struct text_rate rate;
    struct text_fault fault = {0, 0};
    struct text_range range;
    char number[TEXT_FORMAT_MAX];
    int64_t ns, again;
    uint64_t bytes;
    double factor;
    uint32_t bits[8], statuses[16];
    bool flag;
    int sig;

    if (!text_duration(s, n, &ns)) {
        demand(ns >= 0 && ns <= TEXT_DURATION_MAX_NS);
        text_format_duration(ns, text, sizeof text);
        text_format_wall(ns, text, sizeof text);
        if (ns % NS_PER_S == 0) {
            text_format_duration(ns, text, sizeof text);
            demand(!text_duration(text, strlen(text), &again) && again == ns);
        }
    }
    if (!text_size(s, n, &bytes))
        demand(strlen(text_format_size(bytes, text, sizeof text)) <= 6);
    if (!text_rate(s, n, &rate))
        demand(rate.count > 0 && rate.per_ns >= NS_PER_S);
    if (!text_int64(s, n, -20, 19, &ns))
        demand(ns >= -20 && ns <= 19);
    text_int64(s, n, INT64_MIN, INT64_MAX, &ns);
    if (!text_uint64(s, n, 1, 100, &bytes))
        demand(bytes >= 1 && bytes <= 100);
    if (!text_factor(s, n, 0.5, 10, &factor))
        demand(factor >= 0.5 && factor <= 10);
    if (!text_signal(s, n, &sig))
        demand(sig >= 1 && sig <= 64);
    text_bool(s, n, &flag);
    if (text_exit_list(s, n, bits, &fault))
        demand(fault.at <= n && fault.len <= n - fault.at);
    if (text_http_list(s, n, statuses, &fault))
        demand(fault.at <= n && fault.len <= n - fault.at);
    if (text_range(s, n, &range, &fault))
        demand(fault.at <= n && fault.len <= n - fault.at);
    else
        demand(range.step >= 1 && *text_range_number(&range, range.last, number, sizeof number));
    if (text_name_valid(s, n))
        demand(n >= 1 && n <= TEXT_NAME_MAX && !memchr(s, '/', n));
    if (text_var_valid(s, n))
        demand(!memchr(s, '=', n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    /* A value is never NULL; libFuzzer's first input is. */
    const char *s = n ? (const char *)data : "";

    check_numbers(s, n);
    return 0;
}
