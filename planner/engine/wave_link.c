/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic of the link, and of plans that run late. */
#include "planner/engine/wave_link.h"

#include <math.h>

#include "base/banned.h"

/* One in twenty, of a normal distribution. */
static const double deviations = 1.645;

bool wave_link_converges(uint64_t write_bytes_per_s, uint64_t share_bytes_per_s)
{
    return write_bytes_per_s <= share_bytes_per_s / 2;
}

uint64_t wave_link_needed(uint64_t write_bytes_per_s)
{
    return write_bytes_per_s > UINT64_MAX / 2 ? UINT64_MAX : write_bytes_per_s * 2;
}

uint64_t wave_link_sync_ms(uint64_t bytes, uint64_t write_bytes_per_s, uint64_t share_bytes_per_s)
{
    double ms;

    if (bytes == 0)
        return 0;
    if (share_bytes_per_s <= write_bytes_per_s)
        return UINT64_MAX;
    ms = ceil((double)bytes / (double)(share_bytes_per_s - write_bytes_per_s) * 1000);
    return ms >= 0x1p63 ? UINT64_MAX : (uint64_t)ms;
}

void wave_slip_add(struct wave_slip *s, uint64_t planned_ms, uint64_t took_ms)
{
    double ratio;

    if (planned_ms == 0)
        return;
    ratio = (double)took_ms / (double)planned_ms;
    s->n++;
    s->sum += ratio;
    s->sum_squares += ratio * ratio;
}

uint64_t wave_slip_buffer_ms(const struct wave_slip *s, uint64_t planned_ms, unsigned least_percent)
{
    double mean, variance, part = 0, least = (double)least_percent / 100;

    if (s->n > 1) {
        mean = s->sum / (double)s->n;
        variance = (s->sum_squares - mean * s->sum) / (double)(s->n - 1);
        part = mean - 1 + deviations * sqrt(variance > 0 ? variance : 0);
    }
    if (s->n < WAVE_SLIP_ENOUGH && part < least)
        part = least;
    return part > 0 ? (uint64_t)ceil(part * (double)planned_ms) : 0;
}
