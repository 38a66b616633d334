/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of one snapshot of a logical volume, found by their names; and taking them down
 * again, by the process that made them or by any that finds it gone. For snapshot_lvm.c only, which
 * says what they are.
 */
#ifndef GODWIT_TRANSPORT_SNAPSHOT_LEFT_H
#define GODWIT_TRANSPORT_SNAPSHOT_LEFT_H

struct err;

enum { SNAPSHOT_ID_BYTES = 8, SNAPSHOT_ID_TEXT = 2 * SNAPSHOT_ID_BYTES + 1 };

/* The ID of the one snapshot that a volume may have, and the lock that says that its process is
 * there. uuid: the volume's, of device-mapper. -EBUSY (GW_IN_USE): another process makes one. */
int snapshot_left_lock(const char *uuid, char ret_id[static SNAPSHOT_ID_TEXT], int *ret_lock,
                       struct err *err);
/* All there is of it, however far it came; the volume has its own table again. May be repeated. */
int snapshot_left_undo(int control, const char *id, struct err *err);
/* The same for all whose process is gone. What fails is left to the next time. */
void snapshot_left_sweep(void);

#endif
