/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which volumes hold the data of their replica, so that a first copy never destroys other data.
 *
 * A volume is marked once it was pushed, or before the first pull writes to it; the mark names its
 * device and outlives what the transport believes (repl_forget).
 */
#ifndef GODWIT_AGENT_MINE_H
#define GODWIT_AGENT_MINE_H

#include <stddef.h>

struct err;
struct workload;

/*
 * May a pull write over volume i? Yes when it is marked, missing, empty at both ends, or the
 * assignment says "overwrite"; then it is marked. Else -ENOTEMPTY (GW_VOLUME_NOT_EMPTY).
 */
int mine_check(struct workload *w, size_t i, struct err *err);
/* Volume i was pushed: what it holds is the replica's. */
int mine_mark(struct workload *w, size_t i, struct err *err);
/* Forget all marks. */
int mine_forget(struct workload *w, struct err *err);

#endif
