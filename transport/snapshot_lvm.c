/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of logical volumes, by device-mapper below them and not by `lvcreate --snapshot`: that
 * is a program, which must not be run while file systems are frozen (it may lie on one), freezes
 * them once more (which Linux refuses before 6.6), and makes a snapshot that outlives a boot.
 *
 * Four devices. What LVM is asked for is only room, an ordinary logical volume:
 *   VG-LV            the volume; its table is "snapshot-origin" of -real while there is one
 *   godwit-ID-real   what the volume's table was before
 *   VG-godwit_ID     the room for blocks that are written to the volume
 *   godwit-ID        the snapshot: blocks from there, else from -real
 * All but the volume's new table are made before anything is frozen; that one swaps in by a single
 * call. LVM knows nothing of it, so a boot ends all but the room, and a change by LVM (lvextend,
 * pvmove) gives the volume a table that ends the snapshot: snapshot_check sees it.
 *
 * The ID is the volume's, so that it has one snapshot at a time; a file in /run of that name is
 * locked by the process. What is of nobody is removed.
 */
#include "transport/snapshot_impl.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/text.h"
#include "transport/dm_device.h"
#include "transport/dm_make.h"
#include "transport/snapshot_left.h"
#include "transport/volume_above.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

#define LVM_UUID "LVM-"

enum {
    SECTOR = 512,
    CHUNK_SECTORS = 32,        /* what is copied at once; the kernel keeps some 32 bytes for each */
    LVM_UUID_LEN = 4 + 2 * 32, /* of a volume that users see; others have a word more */
    NAME_LEN = 128,
    TEXT_LEN = 192
};

struct lvm {
    int control;
    int lock;
    char id[SNAPSHOT_ID_TEXT];
    char name[NAME_LEN]; /* of the volume, for device-mapper */
    dev_t origin;
    dev_t real;
    dev_t shown;
    uint64_t sectors;
    uint64_t room_bytes;
};

static bool lvm_claims(const struct stat *st)
{
    return S_ISBLK(st->st_mode);
}

/* ---- before ------------------------------------------------------------------------------------
 */

static int copy_text(struct buf *b, char *out, size_t size, struct err *err)
{
    const char *text = buf_cstr(b);
    int rc = text ? text_copy(out, size, text) : -ENOMEM;

    return rc < 0 ? err_set(err, rc, "snapshot: %m") : 0;
}

/* A volume that users see, not one of those that LVM makes others of. */
static int check_volume(struct snapshot *s, char uuid[static NAME_LEN], struct err *err)
{
    struct lvm *l = s->more;
    char path[PATH_MAX];
    char text[NAME_LEN];
    struct stat st;

    if (stat(s->volume, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", s->volume);
    l->origin = st.st_rdev;
    (void)text_print(path, sizeof(path), "/sys/dev/block/%u:%u/dm/uuid", major(l->origin),
                     minor(l->origin));
    volume_above_line(path, uuid, NAME_LEN);
    if (!text_starts(uuid, LVM_UUID) || strlen(uuid) != LVM_UUID_LEN)
        return err_set(err, -EOPNOTSUPP, "'%s' is no logical volume: there are no snapshots of it",
                       s->volume);
    (void)text_print(path, sizeof(path), "/sys/dev/block/%u:%u/dm/name", major(l->origin),
                     minor(l->origin));
    volume_above_line(path, l->name, sizeof(l->name));
    (void)text_print(path, sizeof(path), "/sys/dev/block/%u:%u/size", major(l->origin),
                     minor(l->origin));
    volume_above_line(path, text, sizeof(text));
    return num_parse_u64(text, 1, UINT64_MAX / SECTOR, &l->sectors, err);
}

/* Tables that may lie below another device and mean the same: LVM does so with them, too. */
static int check_table(const struct snapshot *s, const char *table, struct err *err)
{
    static const char *const plain[] = {"linear", "striped", "thin"};
    auto_vec char **lines = NULL;
    int rc = text_split(table, "\n", &lines, err);

    for (size_t i = 0; rc == 0 && lines && i < text_vec_len(lines); i++) {
        auto_vec char **words = NULL;
        bool known = false;

        rc = text_split(lines[i], " ", &words, err);
        for (size_t k = 0; rc == 0 && k < ARRAY_LEN(plain); k++)
            known = known || (words && text_vec_len(words) > 2 && text_equal(words[2], plain[k]));
        if (rc == 0 && !known)
            rc = err_set(err, -EOPNOTSUPP, "no snapshots of '%s', as it is now: '%.60s'", s->volume,
                         lines[i]);
    }
    return rc;
}

/* The volume's group, and what of it is free. */
static int ask_group(const struct snapshot *s, char *out, size_t size, uint64_t *ret_free,
                     struct err *err)
{
    const struct lvm *l = s->more;
    auto_vec char **words = NULL;
    auto_buf struct buf said = {0};
    char path[TEXT_LEN];
    int rc = text_print(path, sizeof(path), "/dev/mapper/%s", l->name);

    if (rc == 0)
        rc = proc_tool((const char *const[]){"lvs", "-qq", "--noheadings", "--nosuffix", "--units",
                                             "b", "-o", "vg_name,vg_free", path, NULL},
                       &said, err);
    if (rc == -ENOENT)
        return err_set(err, -EOPNOTSUPP, "no snapshots of '%s': LVM's programs are not here",
                       s->volume);
    if (rc == 0)
        rc = text_split(buf_cstr(&said) ? buf_cstr(&said) : "", " \n", &words, err);
    if (rc < 0)
        return rc;
    if (!words || text_vec_len(words) != 2 || text_copy(out, size, words[0]) < 0)
        return err_set(err, -EBADMSG, "lvs said '%.100s'", buf_cstr(&said));
    return num_parse_u64(words[1], 0, UINT64_MAX, ret_free, err);
}

/* Room for every block of the volume, or as much as there is. */
uint64_t snapshot_lvm_room(uint64_t volume_bytes, uint64_t free_bytes, unsigned share)
{
    return num_min(volume_bytes, free_bytes / share) / SECTOR * SECTOR;
}

static int make_room(struct snapshot *s, unsigned share, dev_t *ret, struct err *err)
{
    struct lvm *l = s->more;
    char group[NAME_LEN] = "";
    char name[NAME_LEN];
    char size[NUM_TEXT_MAX];
    char path[TEXT_LEN];
    uint64_t free_bytes = 0;
    struct stat st;
    int rc = ask_group(s, group, sizeof(group), &free_bytes, err);

    if (rc < 0)
        return rc;
    l->room_bytes = snapshot_lvm_room(l->sectors * SECTOR, free_bytes, share);
    if (l->room_bytes == 0)
        return err_set(err, -EOPNOTSUPP,
                       "no snapshots of '%s': its volume group '%s' has no free room", s->volume,
                       group);
    (void)text_print(name, sizeof(name), "godwit_%s", l->id);
    (void)text_print(size, sizeof(size), "%" PRIu64 "b", l->room_bytes);
    rc = proc_tool((const char *const[]){"lvcreate", "-qq", "-y", "-Zn", "-Wn", "-n", name, "-L",
                                         size, group, NULL},
                   NULL, err);
    if (rc < 0)
        return err_add(err, rc, "room for a snapshot of '%s'", s->volume);
    (void)text_print(path, sizeof(path), "/dev/%s/%s", group, name);
    if (stat(path, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    *ret = st.st_rdev;
    return 0;
}

/* The devices around the volume; it has its old table still. */
static int make_devices(struct snapshot *s, const char *own, dev_t room, struct err *err)
{
    struct lvm *l = s->more;
    char name[NAME_LEN];
    char table[TEXT_LEN];
    int rc;

    (void)text_print(name, sizeof(name), "godwit-%s-real", l->id);
    rc = dm_make_device(l->control, name, own, &l->real, err);
    if (rc < 0)
        return rc;
    (void)text_print(name, sizeof(name), "godwit-%s", l->id);
    (void)text_print(table, sizeof(table), "0 %" PRIu64 " snapshot %u:%u %u:%u N %d", l->sectors,
                     major(l->real), minor(l->real), major(room), minor(room), CHUNK_SECTORS);
    rc = dm_make_device(l->control, name, table, &l->shown, err);
    if (rc < 0)
        return rc;
    (void)text_print(table, sizeof(table), "0 %" PRIu64 " snapshot-origin %u:%u", l->sectors,
                     major(l->real), minor(l->real));
    return dm_make_load(l->control, l->origin, table, err);
}

static int lvm_open(struct snapshot *s, unsigned share, struct err *err)
{
    struct lvm *l = calloc(1, sizeof(*l));
    auto_buf struct buf own = {0};
    char uuid[NAME_LEN];
    dev_t room = 0;
    int rc;

    if (!l)
        return err_set(err, -ENOMEM, "snapshot: %m");
    l->control = l->lock = -1;
    s->more = l;
    rc = check_volume(s, uuid, err);
    if (rc < 0)
        return rc;
    snapshot_left_sweep(); /* what a killed one left of this very volume, too */
    rc = dm_make_open(&l->control, err);
    if (rc == 0)
        rc = snapshot_left_lock(uuid, l->id, &l->lock, err);
    if (rc == 0)
        rc = dm_device_table(l->origin, &own, err);
    if (rc == 0 && !buf_cstr(&own))
        rc = err_set(err, -ENOMEM, "snapshot: %m");
    if (rc == 0)
        rc = check_table(s, buf_cstr(&own), err);
    if (rc == 0)
        rc = make_room(s, share, &room, err);
    if (rc == 0)
        rc = make_devices(s, buf_cstr(&own), room, err);
    if (rc < 0)
        return rc;
    rc = failpoint("snapshot_lvm_made");
    if (rc == 0)
        rc = text_print(s->path, sizeof(s->path), "/dev/dm-%u", minor(l->shown));
    return rc < 0 ? err_set(err, rc, "snapshot of '%s': %m", s->volume) : 0;
}

/* ---- while it is there -------------------------------------------------------------------------
 */

static int lvm_take(struct snapshot *s)
{
    const struct lvm *l = s->more;

    return dm_make_swap(l->control, l->origin);
}

/* LVM gives the volume another table when it changes it: then what is written there is not kept. */
static int check_origin(const struct snapshot *s, struct err *err)
{
    const struct lvm *l = s->more;
    auto_buf struct buf table = {0};
    char wanted[TEXT_LEN];
    int rc = dm_device_table(l->origin, &table, err);

    (void)text_print(wanted, sizeof(wanted), "0 %" PRIu64 " snapshot-origin %u:%u", l->sectors,
                     major(l->real), minor(l->real));
    if (rc < 0 || (buf_cstr(&table) && text_starts(buf_cstr(&table), wanted)))
        return rc;
    return err_set_gw(err, GW_NOT_CONSISTENT, -EBUSY,
                      "'%s' was changed (by LVM: resized, moved) while its snapshot was read",
                      s->volume);
}

/* "0 SECTORS snapshot USED/ALL METADATA", or Invalid and the like. */
static int check_room(const struct snapshot *s, struct err *err)
{
    const struct lvm *l = s->more;
    auto_buf struct buf status = {0};
    char bytes[NUM_TEXT_MAX];
    char at[TEXT_LEN] = "";
    int rc = dm_device_status(l->shown, &status, err);

    if (rc == 0)
        rc = copy_text(&status, at, sizeof(at), err);
    if (rc < 0 || strchr(at, '/'))
        return rc;
    return err_set_gw(err, GW_NO_SPACE, -ENOSPC,
                      "the snapshot of '%s' ran full: while it was read, more was written to the "
                      "volume than the %s that its volume group had free",
                      s->volume, num_format_bytes(l->room_bytes, false, bytes));
}

static int lvm_check(struct snapshot *s, struct err *err)
{
    int rc = check_origin(s, err);

    return rc < 0 ? rc : check_room(s, err);
}

static int lvm_close(struct snapshot *s, struct err *err)
{
    struct lvm *l = s->more;
    int rc = 0;

    if (!l)
        return 0;
    if (l->lock >= 0) {
        rc = snapshot_left_undo(l->control, l->id, err);
        close(l->lock);
    }
    if (l->control >= 0)
        close(l->control);
    free(l);
    return rc;
}

const struct snapshot_ops snapshot_lvm_ops = {.kind = "lvm",
                                              .claims = lvm_claims,
                                              .open = lvm_open,
                                              .take = lvm_take,
                                              .check = lvm_check,
                                              .close = lvm_close,
                                              .sweep = snapshot_left_sweep};
