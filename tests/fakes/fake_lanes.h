/* SPDX-License-Identifier: MIT */
/* fake_lanes: lanes.h without processes: writes down what it is asked and answers by a script.
 * What is linked with it has these lanes in place of the true ones. */
#ifndef MUSTER_FAKES_FAKE_LANES_H
#define MUSTER_FAKES_FAKE_LANES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fake_act {
    ACT_UP,      /* the job's process runs */
    ACT_PUT_OFF, /* there is no room for it: value is why, UV_E… */
    ACT_CANNOT,  /* it will never start: the same */
    ACT_EXIT,    /* it has ended: value is its status */
    ACT_DIE,     /* the same: by this signal */
    ACT_RAISE,   /* a signal to this process, at once */
    ACT_SIGNAL,  /* the same, when the loop comes round */
};

/*
 * What to do when something is noted: each line once, in their order, up to the
 * first that answers; further ones are for the next time that it is noted.
 */
struct fake_line {
    const char *when; /* as it stands in the log; NULL ends the script */
    enum fake_act act;
    uint32_t job;
    int value;
};

/* Orders as they came: "open", "start a.1", "stop a", "kill all", "pause", "resume",
 * "rest", "close". */
struct fake_lanes {
    const struct fake_line *script;
    unsigned done;       /* a bit per line */
    uint32_t io_width;   /* 0: as wide as the plan has it */
    bool narrow;         /* no descriptors to spare */
    int open_error;      /* of lanes_open(), UV_E… */
    int facts_error;     /* of lanes_facts_error(), the same */
    uint32_t unkillable; /* told at the end */
    char log[2048];
};
extern struct fake_lanes fake_lanes;

/* Begins anew: the script, and nothing noted. */
void fake_lanes_play(const struct fake_line *script);
/* Adds something to the log, which the script may answer. */
void fake_lanes_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#endif
