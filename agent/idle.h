/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has anything been written to a volume at all? A cheap stamp of what the kernel counts anyway:
 * the change time of an image, the sectors written of a device, and which medium it has.
 *
 * A hint that spares a quiet volume from being read again and again; never used for a final point,
 * and a full pass comes every IDLE_TRUST_MS whatever the stamps say.
 */
#ifndef GODWIT_AGENT_IDLE_H
#define GODWIT_AGENT_IDLE_H

#include <stdbool.h>
#include <stdint.h>

enum { IDLE_STAMP_MAX = 192, IDLE_TRUST_MS = 10 * 60 * 1000 };

/* A text that differs once something was written, or something else is there. "" when there is none
 * for this kind of volume. */
void idle_stamp(const char *path, char out[static IDLE_STAMP_MAX]);

struct idle {
    char stamp[IDLE_STAMP_MAX]; /* taken before the last whole pass began */
    uint64_t pass_mono_ms;      /* when that pass began; 0 = none */
};

/* Before a pass. */
void idle_begin(struct idle *i, const char *path, uint64_t mono_ms);
/* The pass was not whole. */
void idle_forget(struct idle *i);
/* Nothing was written since the last whole pass began. */
bool idle_is_quiet(const struct idle *i, const char *path, uint64_t mono_ms);

#endif
