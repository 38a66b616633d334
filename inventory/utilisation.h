/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent reports each minute, godwit.utilisation/1: its samples as series of numbers, one
 * per metric and device. Written by the agent, read by the planner with the checks that it needs.
 */
#ifndef GODWIT_INVENTORY_UTILISATION_H
#define GODWIT_INVENTORY_UTILISATION_H

#include "inventory/sample.h"

#include "base/auto.h"
#include "base/slice.h"

struct buf;
struct clock;
struct err;
struct js;

#define UTILISATION_SCHEMA "godwit.utilisation/1"

enum {
    UTILISATION_MAX_BYTES = 512 << 10,
    UTILISATION_SAMPLES_MAX = 64, /* ten minutes, for an agent that could not reach its planner */
    UTILISATION_SERIES_MAX = 512,
};

/* One metric is one row; to add one, add its row and let sample.h bring its numbers. */
struct utilisation_metric {
    const char *name;    /* "disk_write_bytes_per_s"; the unit is in the name */
    const char *subject; /* what its series are named by: "", "disk" or "interface" */
};

const struct utilisation_metric *utilisation_metrics(size_t *ret_n);

/*
 * Append the document of n samples, oldest first, to out. Values are rounded to three decimals.
 * Where the wall clock was set back between two samples, those before it are left out.
 * -EINVAL: n is 0 or above UTILISATION_SAMPLES_MAX.
 */
int utilisation_write(const struct sample *samples, size_t n, uint64_t wall_ms, struct buf *out,
                      struct err *err);
/* The same as a value, for who puts it into a document of his own; js_free it. */
int utilisation_write_js(const struct sample *samples, size_t n, uint64_t wall_ms, struct js **ret,
                         struct err *err);

struct utilisation_series {
    const char *metric;  /* of utilisation_metrics */
    const char *subject; /* device or interface; "" for the whole host */
    double *values;      /* one per time; NAN where there is none */
};

struct utilisation {
    uint64_t *times_ms; /* wall clock, ascending */
    size_t n_times;
    struct utilisation_series *series;
    size_t n_series;
    struct js *doc; /* lends the strings */
};

/*
 * Read what an agent sent. -EINVAL: not JSON, another schema, times not ascending, an unknown
 * metric, a subject that is no name of a device, a series given twice or of another length, a value
 * that is negative, above 1e17, or above 100 where it is a percentage; -EFBIG above the ceilings.
 */
int utilisation_parse(struct slice json, struct utilisation **ret, struct err *err);
/* The same from a member of another document; doc is kept alive, the caller's own stays his. */
int utilisation_read(const struct js *doc, struct utilisation **ret, struct err *err);
void utilisation_free(struct utilisation *u);
static inline void utilisation_freep(struct utilisation **u)
{
    utilisation_free(*u);
}
#define auto_utilisation AUTO(utilisation_freep)

#endif
