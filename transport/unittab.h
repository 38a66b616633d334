/* SPDX-License-Identifier: Apache-2.0 */
/* The table of units inside map pages, directory pages and points: packs said once, fields in
 * columns. docs/formats.md section 6. */
#ifndef GODWIT_TRANSPORT_UNITTAB_H
#define GODWIT_TRANSPORT_UNITTAB_H

#include "transport/unit.h"

/* Append n units. Their kind is not stored: the reader knows it. */
int unittab_encode(const struct unit *units, size_t n, struct buf *out, struct err *err);

/* Read n units of kind into out. Strict: packs stand in the order of their first use, each once;
 * every unit is in bounds. -EBADMSG (GW_VAULT_DAMAGED). */
int unittab_decode(struct buf_reader *r, size_t n, enum unit_kind kind, struct unit *out,
                   struct err *err);

#endif
