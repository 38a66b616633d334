/* SPDX-License-Identifier: Apache-2.0 */
/* What sysfs says of device-mapper's devices, and the steps back. */
#include "transport/snapshot_left.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/proc.h"
#include "base/text.h"
#include "transport/dm_device.h"
#include "transport/dm_make.h"
#include "transport/volume_above.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

#define LOCKS "/run/godwit/snapshot"
#define PREFIX "godwit-"
#define REAL "-real"
#define ROOM "-godwit_"

enum { NAME_MAX_DM = 128, FOUND_MAX = 64, ID_LEN = SNAPSHOT_ID_TEXT - 1 };

/* Of one ID; 0 and "" are not there. */
struct devices {
    dev_t shown;
    dev_t real;
    char room[NAME_MAX_DM];
};

/* ---- names ------------------------------------------------------------------------------------
 */

static const char *id_at(const char *name)
{
    size_t at = 0;

    if (text_starts(name, PREFIX))
        at = strlen(PREFIX);
    else if (strlen(name) >= strlen(ROOM) + ID_LEN)
        at = strlen(name) - ID_LEN;
    if (at == 0 || strspn(name + at, "0123456789abcdef") != ID_LEN)
        return NULL;
    if (text_starts(name, PREFIX))
        return name[at + ID_LEN] == '\0' || text_equal(name + at + ID_LEN, REAL) ? name + at : NULL;
    return strncmp(name + at - strlen(ROOM), ROOM, strlen(ROOM)) == 0 ? name + at : NULL;
}

typedef void (*name_fn)(void *arg, const char *name, dev_t dev);

/* Every device of device-mapper. */
static void each_name(name_fn fn, void *arg)
{
    DIR *d = opendir("/sys/block");
    const struct dirent *e;

    while (d && (e = readdir(d))) {
        char path[PATH_MAX];
        char name[NAME_MAX_DM];
        char number[32];
        dev_t dev;

        if (!text_starts(e->d_name, "dm-"))
            continue;
        (void)text_print(path, sizeof(path), "/sys/block/%s/dm/name", e->d_name);
        volume_above_line(path, name, sizeof(name));
        (void)text_print(path, sizeof(path), "/sys/block/%s/dev", e->d_name);
        volume_above_line(path, number, sizeof(number));
        if (volume_above_parse(number, &dev))
            fn(arg, name, dev);
    }
    if (d)
        closedir(d);
}

struct search {
    const char *id;
    struct devices found;
};

static void look(void *arg, const char *name, dev_t dev)
{
    struct search *s = arg;
    const char *id = id_at(name);

    if (!id || strncmp(id, s->id, ID_LEN) != 0)
        return;
    if (!text_starts(name, PREFIX))
        (void)text_copy(s->found.room, sizeof(s->found.room), name);
    else if (text_ends(name, REAL))
        s->found.real = dev;
    else
        s->found.shown = dev;
}

/* ---- the way back -----------------------------------------------------------------------------
 */

static bool is_origin_of(const char *table, dev_t real)
{
    char wanted[64];

    (void)text_print(wanted, sizeof(wanted), " snapshot-origin %u:%u", major(real), minor(real));
    return table && strstr(table, wanted) != NULL;
}

/* A volume on real: its table is again what real's is. */
static int give_back(int control, dev_t volume, dev_t real, struct err *err)
{
    auto_buf struct buf now = {0};
    auto_buf struct buf own = {0};
    int rc = dm_make_forget(control, volume, err);

    if (rc == 0)
        rc = dm_device_table(volume, &now, err);
    if (rc < 0 || !is_origin_of(buf_cstr(&now), real))
        return rc;
    rc = dm_device_table(real, &own, err);
    if (rc == 0 && !buf_cstr(&own))
        rc = err_set(err, -ENOMEM, "device-mapper table: %m");
    if (rc == 0)
        rc = dm_make_load(control, volume, buf_cstr(&own), err);
    if (rc < 0)
        return rc;
    rc = dm_make_swap(control, volume);
    return rc < 0 ? err_set(err, rc, "give %u:%u its own table again: %m", major(volume),
                            minor(volume))
                  : 0;
}

static int give_back_all(int control, const struct devices *d, struct err *err)
{
    char path[PATH_MAX];
    const struct dirent *e;
    DIR *dir;
    int rc = 0;

    (void)text_print(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major(d->real),
                     minor(d->real));
    dir = opendir(path);
    while (rc == 0 && dir && (e = readdir(dir))) {
        char number[32];
        dev_t dev;

        (void)text_print(path, sizeof(path), "/sys/block/%s/dev", e->d_name);
        volume_above_line(path, number, sizeof(number));
        if (e->d_name[0] != '.' && volume_above_parse(number, &dev) && dev != d->shown)
            rc = give_back(control, dev, d->real, err);
    }
    if (dir)
        closedir(dir);
    return rc;
}

int snapshot_left_undo(int control, const char *id, struct err *err)
{
    struct search s = {.id = id};
    char path[PATH_MAX];
    int rc = 0;

    each_name(look, &s);
    if (s.found.real)
        rc = give_back_all(control, &s.found, err);
    if (rc == 0 && s.found.shown)
        rc = dm_make_remove(control, s.found.shown, err);
    if (rc == 0 && s.found.real)
        rc = dm_make_remove(control, s.found.real, err);
    (void)text_print(path, sizeof(path), "/dev/mapper/%s", s.found.room);
    if (rc == 0 && s.found.room[0] != '\0')
        rc = proc_tool((const char *const[]){"lvremove", "-qq", "-f", "-y", path, NULL}, NULL, err);
    return rc == 0 ? 0 : err_add(err, rc, "remove snapshot %s", id);
}

/* ---- whose they are ---------------------------------------------------------------------------
 */

/* The file stays: to remove it would let two processes hold the lock of a name. */
static int lock_of(const char *id, int *ret, struct err *err)
{
    char path[PATH_MAX];
    int rc = text_print(path, sizeof(path), LOCKS "/%s", id);

    if (rc == 0)
        rc = fd_mkdirs(LOCKS, 0700, err);
    return rc == 0 ? fd_lock(path, ret, err) : rc;
}

int snapshot_left_lock(const char *uuid, char ret_id[static SNAPSHOT_ID_TEXT], int *ret_lock,
                       struct err *err)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    int rc;

    crypto_sha256(slice_str(uuid), hash);
    rc = lock_of(text_hex(hash, SNAPSHOT_ID_BYTES, ret_id), ret_lock, err);
    return rc == -EWOULDBLOCK
               ? err_set_gw(err, GW_IN_USE, -EBUSY, "somebody else reads a snapshot of it")
               : rc;
}

struct left {
    char ids[FOUND_MAX][SNAPSHOT_ID_TEXT];
    size_t n;
};

static void note(void *arg, const char *name, dev_t dev)
{
    struct left *l = arg;
    const char *id = id_at(name);

    (void)dev;
    if (!id || l->n == FOUND_MAX)
        return;
    for (size_t i = 0; i < l->n; i++)
        if (strncmp(l->ids[i], id, ID_LEN) == 0)
            return;
    (void)text_print(l->ids[l->n++], SNAPSHOT_ID_TEXT, "%.*s", ID_LEN, id);
}

void snapshot_left_sweep(void)
{
    struct left left = {.n = 0};
    auto_close int control = -1;

    each_name(note, &left);
    if (left.n == 0 || dm_make_open(&control, NULL) < 0)
        return;
    for (size_t i = 0; i < left.n; i++) {
        auto_close int lock = -1;

        if (lock_of(left.ids[i], &lock, NULL) == 0)
            (void)snapshot_left_undo(control, left.ids[i], NULL);
    }
}
