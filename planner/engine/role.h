/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that do the same, from the ports they serve and ask: replicas, which should not share a
 * wave or a machine. A port counts by how rare it is (tf-idf of what is served or asked at all, not
 * of how much), profiles are compared by their cosine, the most alike are joined first (average
 * linkage) until none are alike enough. What one host alone serves or asks says nothing.
 */
#ifndef GODWIT_PLANNER_ENGINE_ROLE_H
#define GODWIT_PLANNER_ENGINE_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* The matrix of likeness grows with the square: 2,000 hosts are 32 MB, 4,000 four times that. */
enum { ROLE_HOSTS_MAX = 4000, ROLE_ALIKE_PERCENT = 55 };

struct role_port {
    uint32_t host, port; /* port: number and protocol in any coding, below 2^31 */
    bool asked;          /* else served */
};

/*
 * Label hosts 0 .. hosts-1 in ret_role; roles are numbered by their first host. Ports are sorted in
 * place; twice the same is once. alike_percent 0: ROLE_ALIKE_PERCENT.
 * -EINVAL: a host out of range; -EFBIG: more than ROLE_HOSTS_MAX; -ENOMEM.
 */
int role_find(size_t hosts, struct role_port *ports, size_t n, unsigned alike_percent,
              uint32_t *ret_role, size_t *ret_n, struct err *err);

#endif
