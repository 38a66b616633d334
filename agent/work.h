/* SPDX-License-Identifier: Apache-2.0 */
/* The long poll: configuration and orders in, each handed to its workload. */
#ifndef GODWIT_AGENT_WORK_H
#define GODWIT_AGENT_WORK_H

#include "agent/agent.h"

struct client;
struct work;

int work_new(struct agent *a, struct work **ret, struct err *err);
void work_free(struct work *w); /* joins its thread; agent->stop is set */
int work_start(struct work *w, struct err *err);
/* One poll of at most wait_s. Only while no thread was started. */
int work_poll(struct work *w, unsigned wait_s, struct err *err);

#endif
