/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and swap from /proc/meminfo. */
#include "inventory/collect.h"

#include "inventory/meminfo.h"
#include "inventory/probe.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"

#include "base/banned.h"

int collect_memory(struct probe *p, struct jsw *w, struct err *err)
{
    auto_buf struct buf b = {0};
    struct meminfo m;
    int rc = probe_read(p, "/proc/meminfo", COLLECT_FILE_MAX_BYTES, &b, NULL, err);

    if (rc == 0)
        rc = meminfo_parse(buf_slice(&b), &m, err);
    if (rc < 0)
        return rc;
    jsw_u64(w, "total_bytes", m.total_bytes);
    jsw_u64(w, "available_bytes", m.available_bytes);
    if (m.is_estimated)
        jsw_bool(w, "available_is_estimated", true);
    jsw_u64(w, "swap_total_bytes", m.swap_total_bytes);
    jsw_u64(w, "swap_free_bytes", m.swap_free_bytes);
    if (m.huge_pages > 0) {
        jsw_u64(w, "huge_pages", m.huge_pages);
        jsw_u64(w, "huge_page_bytes", m.huge_page_bytes);
    }
    return 0;
}
