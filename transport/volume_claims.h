/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a volume, or a device that leads to it, for himself alone: the kernel gives a device to
 * one file system, device-mapper table or swap at a time, and refuses everybody else who asks.
 *
 * To ask is to hold it for a moment, so only those are asked for that no mount is known of.
 */
#ifndef GODWIT_TRANSPORT_VOLUME_CLAIMS_H
#define GODWIT_TRANSPORT_VOLUME_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/*
 * 1: a device is claimed, and neither by a mounted file system nor as swap. out_name has its name.
 * So are the journal or log of a file system, one that was unmounted while it is in use, ZFS,
 * targets of iSCSI. 0: there is none. Devices that this user may not open are left out.
 */
int volume_claims_unknown(const char *path, char *out_name, size_t size, struct err *err);

/* 1: a device above the volume is claimed or mounted, whoever it is by; out_name as above. The
 * volume's own device is not asked for. */
int volume_claims_above(const char *path, char *out_name, size_t size, struct err *err);

#endif
