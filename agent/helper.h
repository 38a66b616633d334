/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file of the agent for what needs root: read-only flips of devices and mounts, freezes,
 * and snapshots. For images everything but freezing works unprivileged (file modes).
 *
 * Every call may be repeated. A mount that is named but not mounted is left alone.
 */
#ifndef GODWIT_AGENT_HELPER_H
#define GODWIT_AGENT_HELPER_H

#include "agent/assignment.h"
#include "transport/replica.h"

/* No write reaches the volume any more, and what was written is on it: remount read-only, flush,
 * then make the medium refuse writes. */
int helper_close(const struct assignment_volume *v, struct err *err);
/* The workload may write again: medium writable, mount writable (mounted when it is named and not).
 */
int helper_open(const struct assignment_volume *v, struct err *err);
/* Ready for the agent's own writes below any file system: unmounted, medium writable. A volume
 * that does not exist yet is fine. */
int helper_take(const struct assignment_volume *v, struct err *err);
/* Thaw the file systems on n devices that a freeze left frozen, if there are any. */
int helper_thaw(const char *const *devices, size_t n, struct err *err);
/* Freeze the file systems on the volumes for a moment: replica_push_together. */
int helper_push_together(const struct replica_together *t, struct replica_point *ret,
                         struct err *err);
/* Remove snapshots that an agent which was killed has left. */
void helper_sweep_snapshots(void);

#endif
