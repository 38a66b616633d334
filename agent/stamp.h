/* SPDX-License-Identifier: Apache-2.0 */
/* When something last held of a volume, remembered beside its state: what makes that forgotten
 * makes this forgotten, too. */
#ifndef GODWIT_AGENT_STAMP_H
#define GODWIT_AGENT_STAMP_H

#include <stddef.h>
#include <stdint.h>

struct workload;

struct stamp {
    uint64_t wall_ms; /* 0 = never */
    uint64_t seq;     /* of the point it is about; 0 = of none */
};

/* what: "verified", "consistent". A stamp that cannot be read is none. */
struct stamp stamp_load(const struct workload *w, size_t i, const char *what);
/* A failure is logged and forgotten: it will hold again. */
void stamp_save(const struct workload *w, size_t i, const char *what, struct stamp s);

#endif
