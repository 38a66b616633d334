/* SPDX-License-Identifier: Apache-2.0 */
/* Is it retention that a point, or what it needs, is not there? */
#ifndef GODWIT_TRANSPORT_GIVEN_UP_H
#define GODWIT_TRANSPORT_GIVEN_UP_H

#include <stdint.h>

struct err;
struct vault;

/* -ENOENT (GW_REPLICA_NOT_FOUND), with the time, when the care log says that retention gave the
 * point up; what: "and its packs are gone". Else 0 and err is untouched, also when that cannot be
 * told: whoever asks has a failure of its own. */
int given_up_say(struct vault *v, const char *name, uint64_t seq, const char *what,
                 struct err *err);

#endif
