/* SPDX-License-Identifier: Apache-2.0 */
/* What the state directory says, without the daemon: for people on this host. */
#ifndef GODWIT_AGENT_STATUS_H
#define GODWIT_AGENT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

/* godwit.agent-status/1, or the same as lines. */
int status_write(const char *state_dir, bool json, uint64_t wall_ms, struct buf *out,
                 struct err *err);

#endif
