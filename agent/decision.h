/* SPDX-License-Identifier: Apache-2.0 */
/* What the vault says of the epochs that a record waits on. */
#ifndef GODWIT_AGENT_DECISION_H
#define GODWIT_AGENT_DECISION_H

#include "agent/applied.h"
#include "agent/workload.h"

/* The decision of epoch. -EAGAIN (retryable) while there is none. */
int decision_read(struct workload *w, uint64_t epoch, struct control_verdict *ret, struct err *err);
/*
 * ownership_event.past for the record as it is: CONTROL_NONE without asking anyone when the record
 * waits on nothing. A promote counts for a side that does not own only if it names what was
 * applied here.
 */
int decision_past(struct workload *w, enum control_decision *ret, struct err *err);

#endif
