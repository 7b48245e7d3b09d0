/* SPDX-License-Identifier: MIT */
/* completion: the parts of the shells' scripts that no table has. */
#ifndef MUSTER_CLI_COMPLETION_H
#define MUSTER_CLI_COMPLETION_H

/* They go on from what the tables gave: the functions and variables named _muster_…. */
extern const char completion_bash[], completion_zsh[], completion_fish[];
#endif
