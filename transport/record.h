/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: small JSON objects that everybody with the vault key believes and nobody else can forge.
 * docs/formats.md section 9. What a record says is its owner's business (control.c, care_log.c).
 */
#ifndef GODWIT_TRANSPORT_RECORD_H
#define GODWIT_TRANSPORT_RECORD_H

#include "base/js.h"
#include "base/jsw.h"

struct err;
struct vault;

/*
 * Finish w and create it under key. max bounds the object's bytes: -EFBIG. -EEXIST something stands
 * there; -EOPNOTSUPP the store cannot create-only and ret_weak is NULL. Else it is then looked for,
 * written and read back (vault_create), and *ret_weak says so: two that both won may be none.
 */
int record_create(struct vault *v, const char *key, struct jsw *w, size_t max, bool *ret_weak,
                  struct err *err);

/* The record under key, authenticated, an object. -ENOENT; -EBADMSG (GW_VAULT_DAMAGED) forged or
 * altered. */
int record_load(struct vault *v, const char *key, size_t max, struct js **ret, struct err *err);

/* -EBADMSG (GW_VAULT_DAMAGED): "KEY what". */
int record_damaged(const char *key, const char *what, struct err *err);

#endif
