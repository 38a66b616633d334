/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bandwidth by the time of day: "Mon-Fri 08:00-18:00 20MiB/s, 22:00-06:00 none, 100MiB/s".
 *
 * Entries are separated by commas, and the first that fits the moment counts. An entry is an
 * optional day or range of days, optional hours, and a rate or "none" (no limit). One without both
 * fits always and must be the last; without such a one there is no limit at other times. Hours may
 * pass midnight: they then belong to the day on which they begin. Times are the local zone's, as
 * clocks on the wall show them: an hour that a change to summer time skips is skipped, one that
 * comes twice counts twice.
 */
#ifndef GODWIT_TRANSPORT_RATE_TABLE_H
#define GODWIT_TRANSPORT_RATE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { RATE_TABLE_MAX = 16 };

struct rate_table {
    size_t n;
    struct rate_table_entry {
        uint8_t days;         /* bit 0 = Sunday */
        uint16_t from, to;    /* minutes of the day, to exclusive; to <= from passes midnight */
        uint64_t bytes_per_s; /* 0 = no limit */
    } entry[RATE_TABLE_MAX];
};

/* -EINVAL (GW_BAD_VALUE) names the entry and what is wrong with it. */
int rate_table_parse(const char *text, struct rate_table *ret, struct err *err);
/* One rate at all times; 0 = no limit. */
struct rate_table rate_table_flat(uint64_t bytes_per_s);
bool rate_table_is_flat(const struct rate_table *t);
/* What counts at that moment, 0 = no limit. */
uint64_t rate_table_at(const struct rate_table *t, uint64_t wall_ms);

#endif
