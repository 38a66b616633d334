/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems on volumes, frozen together for a moment (FIFREEZE) so that what is read of the
 * volumes then is what a program would find after a clean stop of the disk.
 *
 * From freeze_begin to freeze_end the caller must not touch a file system, allocate or log: it may
 * be its own state that is frozen. Whatever happens to it, a process of its own thaws
 * (freeze_watch.h). For root only. One thread uses one of these.
 */
#ifndef GODWIT_TRANSPORT_FREEZE_H
#define GODWIT_TRANSPORT_FREEZE_H

#include "base/auto.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct freeze;

/* What is mounted from the volumes now. volumes are lent for its life. -EPERM (GW_DENIED): not as
 * this user. */
int freeze_new(const char *const *volumes, size_t n, struct freeze **ret, struct err *err);
void freeze_free(struct freeze *f); /* thaws what is frozen; NULL is fine */
static inline void freeze_freep(struct freeze **f)
{
    freeze_free(*f);
}
#define auto_freeze AUTO(freeze_freep)

/* Thaw all that is mounted from n volumes, whoever froze it. A volume that is gone is fine; the
 * first failure is told, and keeps none of the others frozen. */
int freeze_undo(const char *const *volumes, size_t n, struct err *err);

/* What is mounted from them now, after a wait. Nothing is frozen or armed. */
int freeze_look(struct freeze *f, struct err *err);

size_t freeze_count(const struct freeze *f); /* of file systems */
/* Why freezing them does not make the volumes hold still. -EBUSY (GW_NOT_CONSISTENT): somebody
 * writes below a file system, or has a device that is not mounted; -EAGAIN (likewise): another was
 * mounted since they were found. */
int freeze_check(struct freeze *f, struct err *err);
/* Write out what is dirty in their caches, so that the freeze has little to write. */
int freeze_flush(struct freeze *f, struct err *err);

/* The watchdog is started, and seen to be alive. budget_ms: what freeze_over goes by; the watchdog
 * waits twice as long. Everything that needs memory happens here. */
int freeze_arm(struct freeze *f, uint64_t budget_ms, struct err *err);
/* Freeze. 0 or a negative errno, then nothing is frozen; freeze_why tells more. */
int freeze_begin(struct freeze *f);
/* Is the budget used up? */
bool freeze_over(const struct freeze *f);
/* Thaw. 0: they were frozen all the time since freeze_begin. -ETIME: not all of them, so what was
 * read is worth nothing. */
int freeze_end(struct freeze *f);
/* After freeze_end, or a freeze_begin that failed: rc as text. Returns rc. */
int freeze_why(const struct freeze *f, int rc, struct err *err);

/* How long the last freeze was, from before the first to after the last, in microseconds. */
uint64_t freeze_pause_us(const struct freeze *f);

#endif
