/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's and the store's own counts, so that nobody has to guess them from outside. */
#include "cli/replica_cost.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <string.h>
#include <sys/resource.h>

#include "base/banned.h"

enum { STATUS_MAX = 64 << 10, KIB = 1024 };

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* VmHWM and not ru_maxrss: that begins with the size of whoever forked us. 0 = not known. */
static uint64_t peak_rss_bytes(void)
{
    static const char mark[] = "VmHWM:";
    auto_buf struct buf status = {0};
    uint64_t kib = 0;
    char number[NUM_TEXT_MAX];
    const char *at;

    if (fd_load_proc("/proc/self/status", STATUS_MAX, &status, NULL) < 0)
        return 0;
    at = strstr(buf_cstr(&status), mark);
    if (!at)
        return 0;
    at += sizeof(mark) - 1;
    at += strspn(at, " \t");
    (void)text_print(number, sizeof(number), "%.*s", (int)strspn(at, "0123456789"), at);
    return num_parse_u64(number, 0, UINT64_MAX / KIB, &kib, NULL) < 0 ? 0 : kib * KIB;
}

static void write_requests(struct jsw *w, const struct store_counts *c)
{
    jsw_obj(w, "requests");
    jsw_u64(w, "put", c->put_n);
    jsw_u64(w, "get", c->get_n);
    jsw_u64(w, "head", c->head_n);
    jsw_u64(w, "list", c->list_n);
    jsw_u64(w, "delete", c->delete_n);
    jsw_u64(w, "retried", c->retry_n);
    jsw_end(w);
}

void replica_cost_write(struct jsw *w, struct vault *v)
{
    struct store_counts counts;
    struct rusage use;
    uint64_t rss = peak_rss_bytes();

    store_counts(vault_store(v), &counts);
    getrusage(RUSAGE_SELF, &use);
    jsw_obj(w, "cost");
    jsw_f64(w, "cpu_s", seconds(use.ru_utime) + seconds(use.ru_stime));
    if (rss > 0)
        jsw_u64(w, "peak_rss_bytes", rss);
    else
        jsw_null(w, "peak_rss_bytes");
    write_requests(w, &counts);
    jsw_u64(w, "store_sent_bytes", counts.bytes_out);
    jsw_u64(w, "store_received_bytes", counts.bytes_in);
    jsw_end(w);
}
