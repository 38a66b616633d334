/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONFIG of docs/control-plane.md, section 4: what one agent is assigned. Writing it is pure; its
 * version is kept with the host and grows exactly when the content changes.
 */
#ifndef GODWIT_PLANNER_SERVICE_AGENT_CONFIG_H
#define GODWIT_PLANNER_SERVICE_AGENT_CONFIG_H

#include "planner/service/workload.h"

struct agent_config_vault {
    const char *url, *region, *endpoint; /* url NULL = no vault; the others may be NULL */
    const char *key;                     /* as a key file has it, or NULL */
};

/* The root object. Workloads not started or released give nothing; without any there is no vault
 * either. */
void agent_config_write(const char *identity, const struct agent_config_vault *vault,
                        struct workload *const *workloads, size_t n, uint64_t now_ms,
                        struct jsw *w);

/* Assemble the configuration of identity, and its version. */
int agent_config_load(struct service *svc, const char *identity, struct js **ret,
                      uint64_t *ret_version, struct err *err);

#endif
