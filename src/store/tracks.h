/* SPDX-License-Identifier: MIT */
/* tracks: slots for the attempts of a past run, of which only the times were recorded. */
#ifndef MUSTER_STORE_TRACKS_H
#define MUSTER_STORE_TRACKS_H
#include "run/result.h"

/*
 * Gives each attempt the lowest slot of its lane that no other one has at the same
 * time. 0 or UV_ENOMEM.
 */
int tracks_assign(struct run_result *run);
#endif
