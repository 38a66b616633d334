/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory of a (volume, replica): which restore point the volume was last known equal
 * to, and whether a pull is half-way through writing another.
 *
 * Everything in it is proved before it is believed, but for two facts that nothing else can tell:
 * the applying mark, and the highest point ever seen. One process at a time (a lock file).
 */
#ifndef GODWIT_TRANSPORT_STATE_H
#define GODWIT_TRANSPORT_STATE_H

#include "transport/point.h"
#include "transport/volume.h"

struct err;

enum { STATE_TEXT_MAX = 256 };

struct state_point {
    uint64_t seq; /* 0: none */
    uint64_t epoch;
    uint64_t size_bytes;
    uint8_t hash[32];
    uint8_t digest[REPLICA_DIGEST_LEN];
};

struct state {
    char *dir;
    int lock_fd;
    uint8_t vault_id[VAULT_ID_LEN];
    char replica[VAULT_REPLICA_NAME_MAX + 1];
    char volume[STATE_TEXT_MAX]; /* identity and stamp of the volume when it was equal */
    uint64_t volume_bytes;       /* of the volume then: a landing device may be the larger */
    struct state_point equal;    /* the volume's content, as last read or written by us */
    struct state_point applying; /* a pull of it has begun writing */
    bool altered;                /* and then somebody else wrote to it */
    uint64_t known_seq;          /* the highest point seen: older heads are refused */
    bool registered;             /* the care log names the replica */
    uint64_t care_position;      /* of the care log: what stands before was seen to */
    bool unread; /* of `equal`, a part could not be read: the volume may differ there */
    bool heal;   /* the next push is a repair: a collector took packs of the last */
};

/*
 * Open or make dir for a replica of a vault, and lock it. -EWOULDBLOCK (GW_REPLICA_LOCKED) somebody
 * holds it; -EINVAL (GW_STATE_FOREIGN) it belongs to another replica or vault; -EBADMSG
 * (GW_STATE_DAMAGED) the state file is damaged.
 */
int state_open(const char *dir, const uint8_t *vault_id, const char *replica, struct state **ret,
               struct err *err);
void state_close(struct state *s);
static inline void state_closep(struct state **s)
{
    state_close(*s);
}
#define auto_state AUTO(state_closep)

/* Durable on return; the old file or the new one, never half. */
int state_save(const struct state *s, struct err *err);

void state_point_of(const struct replica_point *p, struct state_point *ret);
bool state_point_same(const struct state_point *a, const struct replica_point *b);

/*
 * Note the volume as it is now, as unaltered. state_touched tells whether it may have been written
 * since: another volume stands there, its size, its modification or change time (images) or the
 * kernel's count of writes (devices) moved, the machine was booted since, or it was found altered.
 */
int state_set_volume(struct state *s, const struct volume *v, struct err *err);
bool state_touched(const struct state *s, const struct volume *v);
/* Is it at least the same thing, of the same size? Our own writes do not move that. */
bool state_same_volume(const struct state *s, const struct volume *v);

#endif
