/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often more happened to a volume than the kernel told a tracker of, since the machine was
 * started: a kernel that hides events from one way of tracking will do so again, another kernel
 * gets a new try. "auto" asks.
 */
#ifndef GODWIT_TRANSPORT_TRACK_DOUBTS_H
#define GODWIT_TRANSPORT_TRACK_DOUBTS_H

#include <stdint.h>

struct err;

/* 0 when its file says nothing of this start of the machine, or is damaged. */
int track_doubts_get(const char *state_dir, const char *kind, uint64_t *ret, struct err *err);
/* Durable on return. */
int track_doubts_add(const char *state_dir, const char *kind, struct err *err);

#endif
