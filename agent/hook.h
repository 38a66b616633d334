/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks: what the operator wants run at a step. Never a shell; a deadline; output kept.
 *
 * A list of hooks is one string, or an array whose elements are strings (split at blanks) or
 * arrays of strings (argv as it is).
 */
#ifndef GODWIT_AGENT_HOOK_H
#define GODWIT_AGENT_HOOK_H

#include "agent/assignment.h"
#include "base/buf.h"

#include <stdatomic.h>

struct hook_run {
    const struct assignment *assignment; /* side, workload, volumes: the environment */
    uint64_t epoch;
    const char *direction; /* GODWIT_DIRECTION of traffic hooks, or NULL */
    const char *cwd;       /* NULL = ours */
    /* device paths instead of the assignment's, in its order (scratch copies); or NULL */
    const char *const *devices;
    uint64_t timeout_ms;     /* of each hook; 0 = 5 minutes */
    const atomic_bool *stop; /* or NULL; -ECANCELED, within two seconds */
};

enum { HOOK_OUTPUT_MAX = 16 * 1024 };

/*
 * Run the hooks of list (NULL or empty: nothing to do) in order until one fails. out (may be NULL)
 * gets their output, up to its max. -EIO (GW_HOOK_FAILED) names the hook, its status and its last
 * line; -EINVAL (GW_BAD_DOCUMENT) when list is not one.
 */
int hook_run_list(const struct hook_run *run, const struct js *list, struct buf *out,
                  struct err *err);
/* One hook, a string or an array of strings: its exit status, without judging it. */
int hook_run_one(const struct hook_run *run, const struct js *hook, struct buf *out,
                 int *ret_status, struct err *err);

#endif
