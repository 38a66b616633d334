/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of importers share: bytes in, refusals as one text. */
#ifndef GODWIT_TESTS_IMPORT_FIXTURE_H
#define GODWIT_TESTS_IMPORT_FIXTURE_H

#include "base/buf.h"
#include "planner/engine/estate.h"
#include "planner/engine/import.h"
#include "tests/unit.h"

/* "line column; ", a whole row with !. ctx is a struct buf. */
static inline void note(void *ctx, const struct import_refusal *r)
{
    assert_true(*r->why != '\0');
    buf_printf(ctx, "%zu %s%s; ", r->line, r->column, r->whole_row ? "!" : "");
}

static inline struct estate *empty(void)
{
    struct estate *e = NULL;

    assert_ok(estate_new(&e, NULL));
    return e;
}

static inline struct import_count take_bytes(const char *name, const char *format,
                                             struct slice bytes, struct estate *e,
                                             struct buf *refused)
{
    struct import_spec spec = {.format = format, .refused = note, .ctx = refused};
    struct import_count count = {0};
    struct err err = {0};

    if (import_file(&spec, name, bytes, e, &count, &err) < 0)
        fail_msg("%s: %s", name, err.text);
    return count;
}

static inline const struct estate_host *host(struct estate *e, const char *name)
{
    const struct estate_host *h = estate_host_find(e, name);

    if (!h)
        fail_msg("no host %s", name);
    return h;
}

#endif
