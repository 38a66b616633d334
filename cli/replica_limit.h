/* SPDX-License-Identifier: Apache-2.0 */
/* --limit: a rate, a timetable, or a file that holds one and may be changed while the run goes on.
 */
#ifndef GODWIT_CLI_REPLICA_LIMIT_H
#define GODWIT_CLI_REPLICA_LIMIT_H

#include "base/clock.h"

struct err;
struct rate;
struct replica_limit;

/*
 * text is a timetable (transport/rate_table.h) or "file:PATH": then PATH is looked at every half
 * second and a change counts at once. One that does not parse is said on stderr and changes
 * nothing, but at the start it fails. -EINVAL (GW_BAD_VALUE), or what the file gives. clock is
 * lent.
 */
int replica_limit_new(const char *text, const struct clock *clock, struct replica_limit **ret,
                      struct err *err);
void replica_limit_free(struct replica_limit *l);
struct rate *replica_limit_rate(struct replica_limit *l); /* lent; NULL of NULL */

#endif
