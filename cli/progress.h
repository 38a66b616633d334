/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress of a run of the data mover, on stderr: a bar on a terminal, else a line every 30 s, or
 * JSON; with -o jsonl records of that stream, unless --progress says how.
 *
 * A thread of its own reads the counters; SIGUSR1 prints one line at any time in every mode but
 * none.
 */
#ifndef GODWIT_CLI_PROGRESS_H
#define GODWIT_CLI_PROGRESS_H

#include "transport/replica.h"

struct cmd_call;
struct opt_set;
struct progress;

/* -EINVAL (GW_BAD_VALUE): GODWIT_PROGRESS names no way to show progress. */
int progress_check(struct err *err);

/* label "push web"; counters are lent until progress_stop. */
int progress_start(const struct cmd_call *call, const char *label,
                   const struct replica_progress *counters, struct progress **ret, struct err *err);
/* Ends the thread; a bar is taken off the screen. NULL is fine. */
void progress_stop(struct progress *p);

/* The same flag without taking the signals over: until somebody does, it stays false. */
const atomic_bool *progress_interrupted(void);
/* Becomes true on SIGINT or SIGTERM, once installed; what runs ends with -ECANCELED and can be
 * resumed. */
const atomic_bool *progress_interrupts(void);

#endif
