/* SPDX-License-Identifier: MIT */
/* ci: what a CI service makes of lines in its log, and how jobs are kept from speaking so. */
#include "report/ci.h"

#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum ci_kind ci_detect(void) {
    const char *github = getenv("GITHUB_ACTIONS"), *gitlab = getenv("GITLAB_CI");

    if (github && strcmp(github, "true") == 0)
        return CI_GITHUB;
    return gitlab && *gitlab ? CI_GITLAB : CI_NONE;
}

/* 128 bits that no job can know. */
static void make_token(char token[33]) {
    uint64_t bits[2];

    if (getrandom(bits, sizeof bits, GRND_NONBLOCK) != sizeof bits) { /* early boot */
        bits[0] = (uint64_t)clock_ns() * UINT64_C(0x9e3779b97f4a7c15);
        bits[1] = (bits[0] ^ (uint64_t)getpid()) * UINT64_C(0xbf58476d1ce4e5b9);
    }
    snprintf(token, 33, "%016" PRIx64 "%016" PRIx64, bits[0], bits[1]);
}

size_t ci_stop(struct ci *ci, char *buf) {
    if (ci->kind != CI_GITHUB || *ci->token)
        return 0;
    make_token(ci->token);
    return (size_t)snprintf(buf, CI_TEXT_MAX, "::stop-commands::%s\n", ci->token);
}

size_t ci_resume(struct ci *ci, char *buf) {
    size_t n = 0;

    if (*ci->token)
        n = (size_t)snprintf(buf, CI_TEXT_MAX, "::%s::\n", ci->token);
    *ci->token = '\0';
    return n;
}

size_t ci_group_begin(struct ci *ci, const char *header, char *buf, size_t size) {
    size_t n = ci_resume(ci, buf);

    if (ci->kind == CI_GITHUB)
        n += (size_t)snprintf(buf + n, size - n, "::group::%s\n", header);
    else if (ci->kind == CI_GITLAB)
        n += (size_t)snprintf(buf + n, size - n,
                              "\033[0Ksection_start:%lld:muster_%u[collapsed=true]\r\033[0K%s\n",
                              (long long)time(NULL), ci->sections, header);
    if (n >= size)
        n = size - 1;
    return n + ci_stop(ci, buf + n);
}

size_t ci_group_end(struct ci *ci, char *buf) {
    size_t n = ci_resume(ci, buf);

    if (ci->kind == CI_GITHUB)
        n += (size_t)snprintf(buf + n, CI_TEXT_MAX - n, "::endgroup::\n");
    else if (ci->kind == CI_GITLAB)
        n += (size_t)snprintf(buf + n, CI_TEXT_MAX - n,
                              "\033[0Ksection_end:%lld:muster_%u\r\033[0K\n", (long long)time(NULL),
                              ci->sections++);
    return n + ci_stop(ci, buf + n);
}
