/* SPDX-License-Identifier: Apache-2.0 */
/* libblkid: what lies on a block device. The only file that includes it. */
#ifndef GODWIT_INVENTORY_BLK_H
#define GODWIT_INVENTORY_BLK_H

struct err;
struct probe_content;

/*
 * Read the signatures of device (a device or an image file; opened read-only). Blocking: a device
 * that hangs hangs the caller. -EACCES not ours to read, -ENOENT nothing recognised or no such
 * device, -EUCLEAN signatures of several kinds.
 */
int blk_content(const char *device, struct probe_content *ret, struct err *err);

#endif
