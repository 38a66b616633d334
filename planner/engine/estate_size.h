/* SPDX-License-Identifier: Apache-2.0 */
/* A shape for every host of an estate, with what it needs and why. */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_SIZE_H
#define GODWIT_PLANNER_ENGINE_ESTATE_SIZE_H

#include "planner/engine/shape.h"

struct buf;
struct err;
struct estate;
struct js;

struct estate_size_spec {
    const struct estate *estate; /* settled */
    const struct catalogue *catalogue;
    const struct size_policy *policy;
};

/*
 * godwit.sizes/1 (docs/planner.md): hosts but for hypervisors. What no shape fits is in "unsized"
 * with its reason. ret_unsized may be NULL.
 */
int estate_size_write(const struct estate_size_spec *spec, struct js **ret, size_t *ret_unsized,
                      struct err *err);

/* What a list for another tool could not say. */
struct estate_size_lost {
    size_t waves; /* hosts whose wave nobody names */
    size_t disks; /* hosts with more, or greater, disks than it takes */
};

/*
 * Lists for the tools that move machines: the import of AWS Application Migration Service, and the
 * fields of a job of Alibaba's Server Migration Center, a row a host. Hosts without a shape have an
 * empty instance type. A job has one system disk of up to 2048 GiB and up to 16 others: what is
 * more is left out, and counted.
 */
int estate_size_mgn(const struct estate_size_spec *spec, struct buf *out,
                    struct estate_size_lost *lost, struct err *err);
int estate_size_smc(const struct estate_size_spec *spec, struct buf *out,
                    struct estate_size_lost *lost, struct err *err);

#endif
