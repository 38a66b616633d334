/* SPDX-License-Identifier: Apache-2.0 */
/* Making the host be what the record says: services stopped and volumes closed behind a fence, or
 * open and started. Both may be repeated at any time. */
#ifndef GODWIT_AGENT_SETTLE_H
#define GODWIT_AGENT_SETTLE_H

#include "agent/workload.h"

/* Stop hooks, then volumes read-only and flushed. The record is fenced. */
int settle_fence(struct workload *w, struct err *err);
/* Volumes writable, start hooks; then the record owes nothing more. It is writable. */
int settle_start(struct workload *w, struct err *err);
/* How long a hook may take: up to the deadline of the running order, 0 = the hook's own limit. */
uint64_t settle_hook_ms(const struct workload *w);

#endif
