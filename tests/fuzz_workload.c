/* SPDX-License-Identifier: Apache-2.0 */
/* Workload documents and reports from outside: the same bytes through both readers. */
#include "tests/fuzz.h"

#include "planner/service/db_workload.h"
#include "planner/service/report.h"
#include "planner/service/workload_doc.h"

#include <assert.h>

#include "base/banned.h"

static void fuzz_run(struct slice input)
{
    auto_js struct js *doc = NULL;
    struct workload w;
    struct db_replication r;

    if (js_parse(input, FUZZ_INPUT_MAX, &doc, NULL) < 0)
        return;
    if (workload_doc_parse(doc, "shop", &w, NULL) == 0) {
        assert(w.volumes_n >= 1 && w.volumes_n <= WORKLOAD_VOLUMES_MAX);
        assert(w.hosts_n[0] >= 1 && w.hosts_n[0] <= w.volumes_n);
        assert(w.limits.interval_s >= 1);
        workload_doc_done(&w);
    }
    if (report_parse(doc, &r, NULL) == 0) {
        assert(r.volume[0] != '\0');
        assert(r.pass_s >= 0);
    }
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_workload", argc, argv);
}
#endif
