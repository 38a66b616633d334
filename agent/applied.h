/* SPDX-License-Identifier: Apache-2.0 */
/* Which final points were applied here, and proven equal by this side's own reads: applied.json,
 * durable, gone before the volumes are torn again. */
#ifndef GODWIT_AGENT_APPLIED_H
#define GODWIT_AGENT_APPLIED_H

#include "agent/assignment.h"
#include "transport/replica.h"

struct applied_volume {
    char name[ASSIGNMENT_NAME_MAX + 1];
    char replica[VAULT_REPLICA_NAME_MAX + 1];
    uint64_t seq;
    uint8_t digest[REPLICA_DIGEST_LEN];
};

struct applied {
    uint64_t epoch; /* 0 = nothing applied */
    size_t volumes_n;
    struct applied_volume volumes[ASSIGNMENT_VOLUMES_MAX];
};

/* No file is epoch 0. -EINVAL damaged. */
int applied_load(const char *dir, struct applied *ret, struct err *err);
int applied_save(const char *dir, const struct applied *a, struct err *err);
int applied_forget(const char *dir, struct err *err); /* durable */

/* Does the verdict name just what was applied here? Volumes of other hosts are not looked at. */
bool applied_matches(const struct applied *a, const struct control_verdict *v);
/* Just the volumes of this host, as the verdict names them. -ENOENT one is missing. */
int applied_from_verdict(const struct control_verdict *v, const struct assignment *as,
                         struct applied *ret, struct err *err);
/* The same from the "volumes" of an order's args. -ENOENT, -EINVAL. */
int applied_from_args(const struct js *args, uint64_t epoch, const struct assignment *as,
                      struct applied *ret, struct err *err);

#endif
