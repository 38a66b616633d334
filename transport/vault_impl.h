/* SPDX-License-Identifier: Apache-2.0 */
/* What the rest of the room needs of an open vault. Same threading rule as vault.h. */
#ifndef GODWIT_TRANSPORT_VAULT_IMPL_H
#define GODWIT_TRANSPORT_VAULT_IMPL_H

#include "base/clock.h"
#include "transport/seal.h"
#include "transport/vault.h"

struct codec;

/* All lent for the life of the handle; seal and codec are its thread's own. */
const struct seal_keys *vault_keys(const struct vault *v);
struct seal *vault_seal(struct vault *v);
struct codec *vault_codec(struct vault *v);
const struct rng *vault_rng(const struct vault *v);
const struct clock *vault_clock(const struct vault *v);

#endif
