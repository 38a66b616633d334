/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of the data mover took: processor, memory, requests, bytes over the line. */
#ifndef GODWIT_CLI_REPLICA_COST_H
#define GODWIT_CLI_REPLICA_COST_H

#include "base/jsw.h"
#include "transport/vault.h"

/* The member "cost" into the object that is open in w; of this process and of v until now. */
void replica_cost_write(struct jsw *w, struct vault *v);

#endif
