/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that makes the vault at first, and tries the object store now and then, so that `doctor`
 * can tell without waiting. */
#ifndef GODWIT_PLANNER_SERVICE_STORE_WATCH_H
#define GODWIT_PLANNER_SERVICE_STORE_WATCH_H

#include "planner/service/service.h"
#include "transport/store.h"

struct store_watch;

struct store_watch_fact {
    uint64_t at_ms; /* of the last try, 0 = none yet */
    int result;     /* 0 or a negative errno, with err */
    struct err err;
    struct store_caps caps;
};

/* Begins with a try at once, then every ten minutes, or soon again after a failure. */
int store_watch_new(struct service *svc, struct store_watch **ret, struct err *err);
void store_watch_free(struct store_watch *w); /* ends a try under way */
/* The last result; only from the loop's thread. */
const struct store_watch_fact *store_watch_last(const struct store_watch *w);

#endif
