/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long polls: requests that wait until something about a topic changes, or their time is up.
 *
 * Topics are texts: "agent:IDENTITY" (orders, configuration), "op:ID", "events".
 */
#ifndef GODWIT_PLANNER_SERVICE_HUB_H
#define GODWIT_PLANNER_SERVICE_HUB_H

#include "planner/service/service.h"

int hub_new(struct service *svc, struct hub **ret, struct err *err);
void hub_free(struct hub *h);
/*
 * Keep call's request until hub_notify(topic) or wait_ms, then run the call's handler again from
 * its start with api_may_wait(call) false once the time is up. The call's copies live as long.
 */
int hub_wait(struct hub *h, struct api_call *call, api_fn again, const char *topic,
             uint64_t wait_ms, struct err *err);
void hub_notify(struct hub *h, const char *topic);
/* The same of the topic of an agent's work. */
void hub_notify_agent(struct hub *h, const char *identity);
/* The ?wait= of a request in ms, at most 30 s; 0 when its time is up. */
uint64_t api_may_wait_ms(struct api_call *call);

#endif
