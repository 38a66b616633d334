/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making, changing and removing devices of device-mapper, by the kernel's own calls: some of them
 * are made while file systems are frozen, when no program can be run. Tables are text, as
 * `dmsetup table` prints it. For root only. Source: Linux, include/uapi/linux/dm-ioctl.h.
 */
#ifndef GODWIT_TRANSPORT_DM_MAKE_H
#define GODWIT_TRANSPORT_DM_MAKE_H

#include <sys/types.h>

struct err;

/* What the others are asked through. */
int dm_make_open(int *ret_control, struct err *err);

/* A device of this name and table. udev makes no links to what is on it: it is the same as on
 * another device. */
int dm_make_device(int control, const char *name, const char *table, dev_t *ret, struct err *err);
/* Another table for dev, which has its old one until dm_make_swap. */
int dm_make_load(int control, dev_t dev, const char *table, struct err *err);
/* The table that was loaded is dev's from now on: what was on its way went by the old one. File
 * systems are not asked to hold still. One system call and no allocation, and killed in it or not,
 * dev has one of the two. 0 or a negative errno. */
int dm_make_swap(int control, dev_t dev);
/* Forget what was loaded and not yet swapped in. */
int dm_make_forget(int control, dev_t dev, struct err *err);
/* Waits a while for who has it open for a look, as udev does. -EBUSY: longer. */
int dm_make_remove(int control, dev_t dev, struct err *err);

#endif
