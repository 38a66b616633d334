/* SPDX-License-Identifier: Apache-2.0 */
/* Series of measurements as text, gzip'd: a line for each machine, "name,v0,v1,...", empty =
 * missing.
 */
#ifndef GODWIT_TESTS_BENCH_SERIES_READ_H
#define GODWIT_TESTS_BENCH_SERIES_READ_H

#include "base/auto.h"

#include <stddef.h>

struct err;

enum { SERIES_NAME_MAX = 128 };

struct series_row {
    char name[SERIES_NAME_MAX];
    float *values; /* NAN: missing */
    size_t n;
};

struct series {
    struct series_row *rows; /* by name */
    size_t n;
};

/* -EINVAL: gzip could not read it. */
int series_read(const char *path, struct series *ret, struct err *err);
const struct series_row *series_find(const struct series *s, const char *name);
void series_done(struct series *s);
#define auto_series AUTO(series_done)

#endif
