/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An estate as a document, godwit.estate/1 (docs/planner.md): a host a line, everything sorted,
 * what is not known left out. The same estate gives the same bytes.
 */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_DOC_H
#define GODWIT_PLANNER_ENGINE_ESTATE_DOC_H

#include <stddef.h>

struct buf;
struct err;
struct estate;
struct js;

#define ESTATE_SCHEMA "godwit.estate/1"
#define ESTATE_BYTES_MAX ((size_t)512 << 20)

/* Append the document of a settled estate to out, with a newline at its end. */
int estate_write(const struct estate *e, struct buf *out, struct err *err);

/*
 * Add what a document says to into, which the caller settles. -EINVAL (GW_BAD_DOCUMENT): another
 * schema, a member of another kind or out of range; err names host and member. -ENOMEM, -EFBIG.
 * On failure into may hold a part.
 */
int estate_read(const struct js *doc, struct estate *into, struct err *err);

#endif
