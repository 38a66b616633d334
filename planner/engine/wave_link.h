/* SPDX-License-Identifier: Apache-2.0 */
/* Does a volume ever catch up on its share of the link, how long does that take, and how much time
 * between waves keeps a late one from breaking the next. */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_LINK_H
#define GODWIT_PLANNER_ENGINE_WAVE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A volume catches up only when it writes less than half of what it gets of the link. */
bool wave_link_converges(uint64_t write_bytes_per_s, uint64_t share_bytes_per_s);

/* The least share on which it catches up: what to ask for when it does not. */
uint64_t wave_link_needed(uint64_t write_bytes_per_s);

/*
 * Time to copy bytes while write_bytes_per_s more come: bytes / (share - rate), in ms, rounded up.
 * UINT64_MAX: never.
 */
uint64_t wave_link_sync_ms(uint64_t bytes, uint64_t write_bytes_per_s, uint64_t share_bytes_per_s);

/* How long something took, in parts of how long it was planned to take, counted in moments. */
struct wave_slip {
    uint64_t n;
    double sum, sum_squares;
};

void wave_slip_add(struct wave_slip *s, uint64_t planned_ms, uint64_t took_ms);

/*
 * The buffer after a wave planned to take planned_ms, so that about 19 of 20 waves end within it:
 * the mean overrun and 1.645 standard deviations of what was measured, at least nothing. With
 * fewer than WAVE_SLIP_ENOUGH measurements, least_percent of planned_ms when that is more.
 */
enum { WAVE_SLIP_ENOUGH = 5 };
uint64_t wave_slip_buffer_ms(const struct wave_slip *s, uint64_t planned_ms,
                             unsigned least_percent);

#endif
