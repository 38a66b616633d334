/* SPDX-License-Identifier: Apache-2.0 */
/* The line's rate is taken over as long as it needs to have moved something: packs are large, and
 * under a low limit seconds pass between two of them. */
#include "transport/progress_rate.h"

#include "base/banned.h"

enum { WINDOW_MS = 5000 };

void progress_rate_init(struct progress_rate *p, uint64_t now_ms)
{
    *p = (struct progress_rate){.done_mark.at_ms = now_ms, .moved_mark.at_ms = now_ms};
}

static void look(struct progress_mark *m, uint64_t now_ms, uint64_t bytes, double *per_s)
{
    const uint64_t passed_ms = now_ms - m->at_ms;

    if (passed_ms<WINDOW_MS && * per_s> 0)
        return;
    *per_s = passed_ms > 0 ? (double)(bytes - m->bytes) * 1000.0 / (double)passed_ms : 0;
    if (passed_ms >= WINDOW_MS)
        *m = (struct progress_mark){now_ms, bytes};
}

/* Nothing is looked at and nothing moves: as if what moved last had taken until now. Between two
 * packs of a slow line that is more than its rate, and nothing changes. */
static void slow_down(struct progress_rate *p, uint64_t now_ms)
{
    const uint64_t passed_ms = now_ms - p->moved_mark.at_ms;
    const double per_s = passed_ms > 0 ? (double)p->step_bytes * 1000.0 / (double)passed_ms : 0;

    if (p->step_bytes > 0 && per_s < p->moved_per_s)
        p->moved_per_s = per_s;
}

void progress_rate_look(struct progress_rate *p, uint64_t now_ms, uint64_t done, uint64_t moved)
{
    look(&p->done_mark, now_ms, done, &p->done_per_s);
    if (moved > p->moved_mark.bytes) {
        p->step_bytes = moved - p->moved_mark.bytes;
        look(&p->moved_mark, now_ms, moved, &p->moved_per_s);
    } else if (p->done_per_s <= 0) {
        slow_down(p, now_ms);
    }
    p->done = done;
    p->moved = moved;
}

double progress_rate_eta_s(const struct progress_rate *p, uint64_t total)
{
    double left, scan_s, line_s = -1;

    if (total == 0 || p->done == 0)
        return -1;
    if (p->done >= total)
        return 0;
    left = (double)(total - p->done);
    scan_s = p->done_per_s > 0 ? left / p->done_per_s : -1;
    /* What is left moves as much of itself as what was looked at did so far. */
    if (p->moved_per_s > 0)
        line_s = left * ((double)p->moved / (double)p->done) / p->moved_per_s;
    return line_s > scan_s ? line_s : scan_s;
}
