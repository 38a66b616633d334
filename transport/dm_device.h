/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of device-mapper, asked of the kernel (DM_TABLE_STATUS; it takes CAP_SYS_ADMIN). */
#ifndef GODWIT_TRANSPORT_DM_DEVICE_H
#define GODWIT_TRANSPORT_DM_DEVICE_H

#include <stdbool.h>
#include <sys/types.h>

struct buf;
struct err;

bool dm_device_is(dev_t dev);
/* Its table, as `dmsetup table` prints it. */
int dm_device_table(dev_t dev, struct buf *out, struct err *err);
/* What its targets say of themselves, as `dmsetup status` prints it. */
int dm_device_status(dev_t dev, struct buf *out, struct err *err);

#endif
