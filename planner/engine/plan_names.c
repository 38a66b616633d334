/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted table of names over a document, which stays the owner of all it points to. */
#include "planner/engine/plan_names.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct plan_named *)a)->name, ((const struct plan_named *)b)->name);
}

static void take(const struct js *workloads, const struct js *wave, struct plan_names *names)
{
    for (size_t i = 0; i < js_len(workloads); i++) {
        const struct js *doc = js_at(workloads, i);

        names->rows[names->n++] = (struct plan_named){js_str(doc, "workload", ""), wave, doc};
    }
}

int plan_names_load(const struct js *doc, struct plan_names *ret, struct err *err)
{
    const struct js *waves = js_member(doc, "waves"), *unplaced = js_member(doc, "unplaced");
    const struct js *workloads = js_member(doc, "workloads");
    size_t n = js_len(unplaced) + js_len(workloads);

    for (size_t i = 0; i < js_len(waves); i++)
        n += js_len(js_member(js_at(waves, i), "workloads"));
    *ret = (struct plan_names){.rows = calloc(n + 1, sizeof(*ret->rows))};
    if (!ret->rows)
        return err_set(err, -ENOMEM, "a plan of %zu workloads: %m", n);
    for (size_t i = 0; i < js_len(waves); i++)
        take(js_member(js_at(waves, i), "workloads"), js_at(waves, i), ret);
    take(unplaced, NULL, ret);
    take(workloads, NULL, ret);
    qsort(ret->rows, ret->n, sizeof(*ret->rows), by_name);
    return 0;
}

void plan_names_done(struct plan_names *names)
{
    free(names->rows);
    *names = (struct plan_names){0};
}

const struct plan_named *plan_names_find(const struct plan_names *names, const char *name)
{
    struct plan_named key = {.name = name};

    return bsearch(&key, names->rows, names->n, sizeof(*names->rows), by_name);
}
