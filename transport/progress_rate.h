/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a run goes, and how long it will: from counters and a clock alone.
 *
 * Rates are over the last few seconds, so that they follow what happens now. What is slower counts:
 * a scan may run far ahead of a line with a limit. Where all stands still the line's rate falls.
 */
#ifndef GODWIT_TRANSPORT_PROGRESS_RATE_H
#define GODWIT_TRANSPORT_PROGRESS_RATE_H

#include <stdint.h>

struct progress_mark {
    uint64_t at_ms;
    uint64_t bytes;
};

struct progress_rate {
    struct progress_mark done_mark, moved_mark;
    uint64_t done, moved;
    uint64_t step_bytes;            /* that the line moved in the last window in which it did */
    double done_per_s, moved_per_s; /* looked at; over the line */
};

void progress_rate_init(struct progress_rate *p, uint64_t now_ms);
/* The counters as they are now: bytes of the volume looked at, bytes sent and received. */
void progress_rate_look(struct progress_rate *p, uint64_t now_ms, uint64_t done, uint64_t moved);
/* Seconds until done is total; below 0 = not known. */
double progress_rate_eta_s(const struct progress_rate *p, uint64_t total);

#endif
