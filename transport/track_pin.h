/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the tracking of a (volume, state directory) lives while no process of ours does: a
 * directory of the BPF file system, and a file in the state directory that names it.
 *
 * Both must name each other, and the pins must be of this very volume: a state directory that was
 * copied, restored or removed, another boot, another device or size is a doubt, and so a rescan.
 */
#ifndef GODWIT_TRANSPORT_TRACK_PIN_H
#define GODWIT_TRANSPORT_TRACK_PIN_H

#include "base/slice.h"
#include "transport/track_bpf.h"

#include <limits.h>
#include <stdbool.h>

struct err;

enum { TRACK_PIN_ID = 16, TRACK_PIN_BOOT = 36 };

/* What the kernel keeps of it beside the maps; compared byte by byte. */
struct track_pin_about {
    uint32_t version;
    uint32_t shift;
    uint64_t first_sector;
    uint64_t sectors;
    uint32_t disk_major; /* that completes the requests */
    uint32_t disk_minor;
    uint64_t file_dev; /* of the file that names the directory */
    uint64_t file_ino;
    char identity[160]; /* of the volume */
    char file[800];
};
_Static_assert(sizeof(struct track_pin_about) <= TRACK_ABI_ABOUT, "it has to fit");

struct track_pin {
    char dir[128]; /* below the BPF file system; empty: none yet */
    struct track_pin_about about;
};

/* Mounts the BPF file system when it is not. -EACCES and -EPERM without the privilege. */
int track_pin_init(struct track_pin *p, const char *state_dir, const char *identity,
                   const struct track_aim *aim, struct err *err);
/* p->dir is what an earlier run left. Any failure says why there is none that can be trusted. */
int track_pin_find(struct track_pin *p, struct err *err);
/* A name that nobody has, noted durably before anything is pinned there. Removes what state
 * directories that are gone have left. */
int track_pin_new(struct track_pin *p, struct err *err);
/* Remove what state directories that are gone have left. */
void track_pin_sweep(void);
struct slice track_pin_about(const struct track_pin *p);
/* Which start of the machine this is. */
int track_pin_boot(char out[static TRACK_PIN_BOOT + 1], struct err *err);
/* Of a state directory, which then knows nothing of it; was there a file that named any? */
bool track_pin_forget(const char *state_dir);
/* Tracking ends, if there was any. */
void track_pin_drop(struct track_pin *p);

#endif
