/* SPDX-License-Identifier: Apache-2.0 */
/* Answers on their way to the planner: one thread posts them in order and tries until each is
 * taken, so that no workload waits for the network. */
#ifndef GODWIT_AGENT_ANSWER_H
#define GODWIT_AGENT_ANSWER_H

#include "agent/agent.h"
#include "base/buf.h"

struct answers;

int answers_new(struct agent *a, struct answers **ret, struct err *err); /* starts the thread */
void answers_free(struct answers *q); /* agent->stop is set: what was not posted is dropped */

/* Any thread. body is lent. Waits while too many are on their way. q NULL: there is no planner, and
 * the saved answer is all there is. */
void answers_put(struct answers *q, const char *order_id, struct slice body);
/* Wait until all are posted or the time is over. -ETIMEDOUT. */
int answers_flush(struct answers *q, uint64_t timeout_ms, struct err *err);

#endif
