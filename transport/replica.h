/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replicas: push a volume into a vault, pull a restore point out, follow, verify, compare.
 *
 * This is the room's front door: agent/ and cli/ need nothing below it. One replica is one chain
 * of restore points with one writer an epoch; a change of direction goes on with the same chain at
 * the next epoch. The state directory of a (volume, replica) remembers which point the volume was
 * last equal to, with the positional digest table; push and pull share it, which is what makes
 * reverse replication cost only the change.
 */
#ifndef GODWIT_TRANSPORT_REPLICA_H
#define GODWIT_TRANSPORT_REPLICA_H

#include "transport/spent.h"
#include "transport/vault.h"

#include <stdatomic.h>

enum {
    REPLICA_DIGEST_LEN = 32,
    REPLICA_TRACKER_MAX = 16,
    REPLICA_LEVEL_RAW = -100,
    REPLICA_COMPACT_NONE = -1,
    REPLICA_COMPACT_ALL = -2 /* at once, whatever it costs */
};

enum replica_kind {
    REPLICA_FUZZY = 0,
    REPLICA_CRASH = 1,
    REPLICA_FILESYSTEM = 2,
    REPLICA_FINAL = 3
};
const char *replica_kind_name(
    enum replica_kind k); /* "fuzzy", "crash-consistent", "file-system-consistent", "final" */

struct replica_point {
    uint64_t seq; /* 1, 2, … without gaps */
    uint64_t epoch;
    uint64_t taken_ms; /* when its data was current: the start of the pass that read it */
    uint64_t size_bytes;
    uint64_t changed_bytes; /* raw bytes that differ from its parent */
    uint64_t stored_bytes;  /* bytes its pass added to the vault */
    enum replica_kind kind;
    uint8_t hash[32];   /* of the sealed point: its name in the chain */
    uint8_t parent[32]; /* zeroes for the first */
    uint8_t digest[REPLICA_DIGEST_LEN];
    uint64_t unreadable_bytes; /* that its pass could not read: above 0 the point is incomplete */
    uint64_t unreadable_n;     /* ranges of them: replica_unreadable */
    char tracker[REPLICA_TRACKER_MAX]; /* asked by its pass what had changed; "" in older points */
    bool all_read; /* and yet the whole volume was looked at, or there was none to ask (scan) */
};

/* Written by the workers, read by whoever shows it. Zero it before use. */
struct replica_progress {
    _Atomic uint64_t total_bytes; /* to look at in this run; 0 = not known yet */
    _Atomic uint64_t done_bytes;
    _Atomic uint64_t changed_bytes;
    _Atomic uint64_t written_bytes;  /* by others, since a push began, as its tracker tells; 0: also
                                        not known */
    _Atomic uint64_t sent_bytes;     /* to the store, as stored */
    _Atomic uint64_t received_bytes; /* from the store, as stored */
    _Atomic uint64_t packs;
    atomic_bool
        weak; /* the store has no create-only PUT: two pushers at one moment could both win */
    _Atomic uint64_t compacted_bytes; /* raw, sent although they did not change */
    _Atomic uint64_t repacked;        /* units that this machine packed wrongly at the first try */
    struct spent spent;               /* of a push: where its time went */
};

/* How a push found what changed. */
struct replica_tracked {
    char kind[REPLICA_TRACKER_MAX]; /* "ebpf", "tracefs", "nbd" or "scan"; "" before */
    char rescan[480];     /* why it could not know, and everything was read; "" when it did */
    const char *snapshot; /* of what kind the one is that was read instead; NULL: none was */
};

struct replica_range {
    uint64_t offset;
    uint64_t len;
};

/* What a scrub looked at, and what it found that the tracker had missed. */
struct replica_scrub {
    uint64_t looked_bytes;   /* in this pass; 0: everything was read anyway */
    uint64_t position_bytes; /* where the next pass goes on */
    uint64_t rounds;         /* over the whole volume, ever */
    uint64_t missed_bytes;   /* in this pass: an alarm */
    uint64_t missed_total;   /* ever */
    size_t missed_n;
    struct replica_range missed[16]; /* the first of them */
};

struct replica_run {
    struct vault *vault; /* lent; workers make their own dups */
    const char *name;    /* replica */
    const char *volume_path;
    const char
        *state_dir; /* made when missing; locked while in use: -EWOULDBLOCK (GW_REPLICA_LOCKED) */
    struct replica_progress *progress; /* or NULL */
    const atomic_bool *stop;           /* or NULL; -ECANCELED, resumable */
    unsigned workers;                  /* 0 = one a core */
    /* push only */
    const char *tracker;             /* NULL = "auto" */
    struct replica_tracked *tracked; /* or NULL; to be read when the push has returned */
    const char *source;              /* read this instead: a snapshot of the volume; or NULL */
    /* or NULL: asked when all is read, and when something cannot be, whether it is the volume as it
     * was. A failure makes no point. */
    int (*source_check)(void *arg, struct err *err);
    void *source_arg;
    uint64_t taken_ms;           /* when that was made; 0 = now */
    uint64_t scrub_bytes_per_s;  /* since the last pass; 0 = no scrub */
    struct replica_scrub *scrub; /* or NULL; likewise; zero it before use */
    int level;           /* zstd, -7 .. 19; 0 = follows the bottleneck; or REPLICA_LEVEL_RAW */
    uint32_t pack_bytes; /* at which a pack is sent; 0 = what memory allows */
    bool paranoid;       /* prove every packed unit before its pack is sent, not one in 32 */
    uint64_t epoch;      /* 0 = the head's own (stand-alone use); below the head's: -ESTALE
                            (GW_REPLICA_LOCKED) */
    enum replica_kind kind;
    int compact;     /* what lies scattered over many packs is sent again, together: at most so many
                        percent of what changes send; 0 = 10; or REPLICA_COMPACT_NONE or _ALL */
    bool may_shrink; /* the volume may be smaller than the head, whose end is then cut off; else
                        -EFBIG (GW_VOLUME_SHRANK) */
    bool take_over; /* another pusher's points may be newer than what the state directory knows: the
                       next one is of this volume, on top of them; else -EEXIST */
    bool repair; /* read the whole volume and every pack of the head; what a missing or damaged pack
                    held is sent again and a new point made of it. Older points stay as they are. So
                    does a head that cannot be read: the new point follows it, and begins with the
                    newest point before it that can be. */
    /* pull only */
    uint64_t seq;   /* 0 = head */
    bool untouched; /* -ESTALE (GW_VOLUME_ALTERED) when somebody else wrote to the volume, replaced
                       or removed it since it was equal to a point: it is read when its stamp
                       moved. Else such a volume is compared and made equal again */
    bool allow_incomplete; /* the point may have ranges that could not be read; else -EUCLEAN
                              (GW_INCOMPLETE) */
    const uint8_t
        *expect_digest; /* or NULL: -EBADMSG (GW_DATA_DIFFERS) unless the point has this one */
};

/*
 * One pass: seed the first time, then deltas; commits one restore point (none when nothing changed
 * and kind is not REPLICA_FINAL: *ret is then the head as it is). Resumes where a killed run
 * stopped: what is in the vault is not sent again. Ranges that cannot be read are no failure: they
 * keep what the point before had there (or zeroes), and ret->unreadable_bytes tells. Such a point
 * is fuzzy, whatever was asked for, until a later pass can read them. Errors: the volume's, the
 * store's; -EEXIST (GW_REPLICA_LOCKED) when another pusher committed a point meanwhile.
 */
int replica_push(const struct replica_run *run, struct replica_point *ret, struct err *err);

/* What came of an attempt to read several volumes at one moment. */
struct replica_moment {
    unsigned file_systems; /* that were frozen */
    unsigned passes;       /* before it, until what was left was small enough */
    uint64_t bytes;        /* read while they were frozen */
    uint64_t pause_us;     /* how long they were */
    uint64_t taken_ms;     /* when */
    const char *snapshot;  /* of what kind the snapshots are that were read, "mixed" when not all
                              are of one; NULL: none were */
};

/* Around the freeze, each with a time limit of its own: a database may checkpoint, or hold a lock.
 * after runs whenever before did, whatever came of it. */
struct replica_hooks {
    int (*before)(void *arg, struct err *err);
    int (*after)(void *arg, struct err *err);
    void *arg;
};

/* Where more changes than a freeze gives time to read. */
enum replica_snapshot {
    REPLICA_SNAPSHOT_AUTO, /* read a snapshot then, where there can be one */
    REPLICA_SNAPSHOT_NEVER,
    REPLICA_SNAPSHOT_ALWAYS /* at once */
};

struct replica_together {
    const struct replica_run *runs; /* as for replica_push; kind and repair are not looked at */
    size_t n;
    uint64_t freeze_ms;                /* at most so long; 0 = 250 */
    const struct replica_hooks *hooks; /* or NULL */
    enum replica_snapshot snapshot;
    struct replica_moment *moment; /* or NULL; also set on failure */
};

/*
 * Consistent points of volumes that belong together: their file systems are frozen for a moment in
 * which what changed since the last passes is read into locked memory, and sent afterwards.
 * Ordinary passes run before until that is little enough. One point a volume, of kind
 * REPLICA_FILESYSTEM and of one taken_ms; a volume that did not change since such a point keeps it.
 *
 * -EBUSY, -EAGAIN, -ETIME (GW_NOT_CONSISTENT): no such moment could be had; the fuzzy points of the
 * passes stay, and ret has them (seq 0: none). -EPERM: not root. Else as replica_push: a failure
 * after the moment may leave points of only some of the volumes.
 */
int replica_push_together(const struct replica_together *t, struct replica_point *ret,
                          struct err *err);

/* Remove snapshots that processes which are gone have left. For root only. */
void replica_snapshot_sweep(void);

/* Thaw the file systems on n volumes: whoever froze them is gone, and so is its watchdog. 0 also
 * when none was frozen, and for volumes that are gone. -EPERM: not root. The first failure keeps
 * none of the others frozen. */
int replica_thaw(const char *const *volumes, size_t n, struct err *err);

/*
 * Make the volume equal to a point: fetches only what the state directory does not prove equal, or
 * (no state) compares local blocks first; keeps holes; resumes; every byte is authenticated.
 * The volume is created or checked for size. Flushed before it returns. The digest of the written
 * volume is *not* read back: that is replica_digest's job.
 */
int replica_pull(const struct replica_run *run, struct replica_point *ret, struct err *err);

/*
 * Following: one look at a replica, and a pull when there is something new.
 *
 * 0: *ret is the newest point, and the volume equals it. -ENOENT (GW_REPLICA_NOT_FOUND) there is no
 * point yet; else as replica_point and replica_pull. What lies between the points that were applied
 * is skipped: only the difference of the two is fetched.
 */
struct replica_follow {
    struct vault *vault;
    const char *name;
    uint64_t known_seq; /* the newest point seen so far, 0 = none: older heads are refused */
    bool equal;         /* the volume is known to equal that one: then only a newer one is news */
    /* head is news: fill run for its pull, all but seq. What it returns, unless 0, ends the look.
     */
    int (*news)(void *arg, const struct replica_point *head, struct replica_run *run,
                struct err *err);
    void *arg;
};
int replica_follow(const struct replica_follow *f, struct replica_point *ret, struct err *err);

/* The head, or point seq. -ENOENT (GW_REPLICA_NOT_FOUND). Never trusts a listing; refuses a head
 * older than known_seq (0 = none): -ESTALE (GW_VAULT_OLDER_HEAD). */
int replica_point(struct vault *v, const char *name, uint64_t seq, uint64_t known_seq,
                  struct replica_point *ret, struct err *err);
/* The ranges that point seq could not read, ascending; none for a point that is complete. */
typedef int (*replica_range_fn)(void *arg, const struct replica_range *r);
int replica_unreadable(struct vault *v, const char *name, uint64_t seq, replica_range_fn fn,
                       void *arg, struct err *err);
/*
 * The newest point that is more than fuzzy, complete, and not given up by retention. Looks back
 * over the last 4,096 points. -ENOENT (GW_REPLICA_NOT_FOUND): none.
 */
int replica_consistent(struct vault *v, const char *name, struct replica_point *ret,
                       struct err *err);
/* Every point that retention did not give up, oldest first. -EBADMSG (GW_VAULT_DAMAGED) after the
 * last when points cannot be read: it names the newest of them; fn was told of the others. */
typedef int (*replica_point_fn)(void *arg, const struct replica_point *p);
int replica_points(struct vault *v, const char *name, replica_point_fn fn, void *arg,
                   struct err *err);
/* Names of the replicas of a vault (a listing: for people). */
typedef int (*replica_name_fn)(void *arg, const char *name);
int replica_names(struct vault *v, replica_name_fn fn, void *arg, struct err *err);

/* The canonical digest of a local volume, read from the medium. */
struct replica_digest_run {
    const char *volume_path;
    uint64_t size_bytes; /* of it, from the start; 0 = all (a landing device may be larger than its
                            source) */
    struct replica_progress *progress;
    const atomic_bool *stop;
    unsigned workers;
};
int replica_digest(const struct replica_digest_run *run, uint8_t *ret_digest, struct err *err);

/* A difference or damage that a verification found. */
struct replica_fault {
    const char *object; /* key in the store, or NULL */
    uint64_t offset;    /* bytes in the volume */
    uint64_t len;
    const char *what; /* "missing", "altered", "differs", "unreadable": of `against` */
};
typedef void (*replica_fault_fn)(void *arg, const struct replica_fault *f);

struct replica_verify_run {
    struct vault *vault;
    const char *name;
    uint64_t seq;        /* 0 = head */
    double sample;       /* share of the units, (0, 1]; 1 = every byte, of whole packs */
    const char *against; /* compare with this volume too, or NULL */
    struct replica_progress *progress;
    const atomic_bool *stop;
    unsigned workers;
    replica_fault_fn fault;
    void *arg;
};
/* 0 when whole; -EBADMSG (GW_DATA_DIFFERS or GW_VAULT_DAMAGED) after every fault was told; -EIO
 * (GW_PARTLY_UNREADABLE) likewise, when nothing is worse than that `against` cannot be read
 * everywhere. Then *ret is set, too, unless the point itself cannot be read. */
int replica_verify(const struct replica_verify_run *run, struct replica_point *ret,
                   struct err *err);

#endif
