/* SPDX-License-Identifier: Apache-2.0 */
/* How this host reaches the vault: the planner's configuration, durable (mode 0600), and handles
 * opened from it. The key stays in memory and in that file, and is never printed. */
#ifndef GODWIT_AGENT_VAULTREF_H
#define GODWIT_AGENT_VAULTREF_H

#include "transport/vault.h"

struct js;
struct vaultref;

/* Takes up what STATE/vault.json remembers, if anything. */
int vaultref_new(const char *state_dir, struct vaultref **ret, struct err *err);
void vaultref_free(struct vaultref *v);

/* Any thread. conf is CONFIG.vault or NULL (nothing changes). Durable before it is used. */
int vaultref_set(struct vaultref *v, const struct js *conf, struct err *err);
/* Grows with every change; 0 while nothing is configured. */
uint64_t vaultref_generation(struct vaultref *v);
/* A handle for one thread. rate and stop are lent for its life. -ENOENT while nothing is configured
 * (retryable). */
int vaultref_open(struct vaultref *v, struct rate *rate, const atomic_bool *stop,
                  struct vault **ret, struct err *err);

#endif
