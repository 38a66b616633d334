/* SPDX-License-Identifier: Apache-2.0 */
/* The object "vault": format, identity, and whether a key fits. docs/formats.md section 2. */
#ifndef GODWIT_TRANSPORT_VAULT_OBJECT_H
#define GODWIT_TRANSPORT_VAULT_OBJECT_H

#include "base/buf.h"
#include "transport/seal.h"

enum { VAULT_OBJECT_MAX = 4096 };

/* Append the object of a vault with these keys. */
int vault_object_format(const struct seal_keys *k, struct buf *out, struct err *err);

/*
 * Read the object and derive the keys. vault_key has 32 bytes or is NULL.
 * -EPROTO (GW_VAULT_NEWER) by the first line alone, unless all sums hold with our number in it;
 * -EBADMSG (GW_VAULT_DAMAGED), then too; -EKEYREJECTED (GW_VAULT_KEY) wrong, missing or unwanted
 * key.
 */
int vault_object_open(struct slice object, const uint8_t *vault_key, struct seal_keys *ret,
                      struct err *err);

#endif
