/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: sets up the context, starts the threads, waits for a signal, ends them in order. */
#ifndef GODWIT_AGENT_RUN_H
#define GODWIT_AGENT_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct rate_table;

struct run_conf {
    const char *state_dir;
    const char *server;             /* NULL = the one enrolled at */
    uint64_t self_abort_ms;         /* 0 = AGENT_SELF_ABORT_DEFAULT_MS */
    const struct rate_table *limit; /* of the whole host, or NULL */
};

/* Until SIGTERM or SIGINT. -EWOULDBLOCK: another agent runs on this state directory. */
int run_daemon(const struct run_conf *conf, struct err *err);
/* One report, one poll, every open order, one round of replication, then the end. */
int run_once(const struct run_conf *conf, struct err *err);

#endif
