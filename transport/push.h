/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a push: what its stages share. For push*.c only.
 *
 *   push_read (the caller's thread) -> jobs -> push_work (one a core, each with a pack of its own)
 *   -> parcels -> push_put (streams) -> maps -> push_map (pages, directories)
 *
 * Jobs and parcels are slots that own their memory and go round; a stage that passes one on must
 * not touch it again. Queues are bounded, so a slow store slows the reader. The first failure of
 * any stage stops all of them (push_fail).
 */
#ifndef GODWIT_TRANSPORT_PUSH_H
#define GODWIT_TRANSPORT_PUSH_H

#include "base/err.h"
#include "base/pool.h"
#include "base/queue.h"
#include "transport/care_log.h"
#include "transport/ledger.h"
#include "transport/capture.h"
#include "transport/made.h"
#include "transport/codec.h"
#include "transport/gather.h"
#include "transport/pack.h"
#include "transport/packset.h"
#include "transport/page.h"
#include "transport/pagedir.h"
#include "transport/state.h"
#include "transport/table.h"
#include "transport/track.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    PUSH_JOB_BYTES = 1 << 20, /* a job never crosses a border of so many bytes */
    PUSH_JOBS_A_WORKER = 4,
    PUSH_STREAMS_AUTO = 6,       /* at most, when the store finds out how many help */
    PUSH_PACKS_BYTES = 28 << 20, /* all packs that exist at one time together */
    PUSH_REFS_MAX = 4096,        /* units of a pack */
    PUSH_FEW_UNITS = 64,         /* that a worker keeps back */
    PUSH_FEW_BYTES = 256 * 1024
};

/* Sectors of a region that are something else from now on. */
struct push_extent {
    uint32_t first;
    uint32_t count;
    bool zero;
    struct unit unit; /* once its pack is durable */
};

/* A region being looked at. Leaves live while jobs are open, extents until its page is made. */
struct push_region {
    struct push_region *prev;
    struct push_region *next;
    uint32_t index;
    uint32_t sectors;
    uint32_t head_sectors; /* in the head; 0: it had none */
    bool has_page;         /* in the head; else its sectors were zero */
    struct unit page_unit; /* when has_page */
    bool known;            /* old leaves are those of the head */
    uint8_t *old;
    uint8_t *leaves;
    uint64_t mark;     /* of the ledger: its units come after */
    bool made_looked;  /* under page_lock, as the next */
    struct page *made; /* by an earlier run of this pass; NULL: none */
    uint64_t *tags;    /* of every sector; each job changes those of its own blocks */
    bool tags_whole;   /* no block is without: else they are not kept */
    bool tags_loaded;  /* from the table, or found not to be there */
    pthread_mutex_t
        page_lock;     /* of page, tags_whole and tags_loaded, also while they are fetched */
    struct page *page; /* of the head, fetched when it must be compared with */
    /* under the lock of the push */
    uint64_t changed[TABLE_WORDS];
    unsigned open;    /* jobs, and one while the reader may add more */
    unsigned pending; /* extents whose pack is not durable, and one while jobs are open */
    struct push_extent *extents;
    size_t extents_n;
    size_t extents_cap;
};

struct push_job {
    struct push_region *region;
    uint32_t first_block; /* in the region */
    uint32_t blocks;
    size_t len; /* bytes of the volume; the last block may be short */
    bool hole;
    uint8_t *data; /* PUSH_JOB_BYTES of its own; padded with zeroes to a sector */
};

/* What a unit of a pack is for: an extent of a region, or (map packs) a page or a directory. */
struct push_ref {
    struct push_region *region; /* NULL: directory `index` */
    uint32_t index;
};

/* A unit that is in no pack yet. */
struct push_unit {
    struct push_ref ref;
    uint32_t len;
    uint8_t id[UNIT_ID_LEN];
};

/* What a worker found in its whole pass, when it is next to nothing. */
struct push_few {
    struct push_few *next;
    size_t n;
    size_t len;
    struct push_unit units[PUSH_FEW_UNITS];
    uint8_t raw[PUSH_FEW_BYTES];
};
void push_few_free(struct push_few *few); /* the whole list */

/* A pack on its way. */
struct push_parcel {
    uint8_t *mem; /* PACK_BYTES_MAX of its own */
    uint8_t name[PACK_NAME_LEN];
    struct slice body;
    size_t n;
    struct push_ref refs[PUSH_REFS_MAX];
    struct unit units[PUSH_REFS_MAX];
};

/* What a pass knows of collectors of garbage. */
struct push_care {
    pthread_mutex_t lock; /* of all but maps, while stages run */
    struct vault *vault;  /* the log's own handle */
    struct care_log *log; /* NULL until it is needed */
    struct packset maps;  /* map packs of this run; under the lock of the push */
    bool blind;           /* not all of them could be listed; likewise */
    bool resumed;         /* the ledger was not empty */
    uint64_t looked_ms;
    uint64_t looked_wall_ms;
    uint64_t lost_n; /* packs that were known here and are swept */
};

/* What of the head lies scattered. */
struct push_gather {
    bool on;
    bool all; /* at once, whatever it costs */
    unsigned percent;
    int64_t credit;          /* bytes, from passes before */
    struct gather old;       /* planned by passes before */
    struct gather fresh;     /* of pages of this pass; the mapper's */
    uint8_t *measured;       /* a bit a region: fresh has what is to be said of it */
    struct gather_run *runs; /* that this pass sends again, by place */
    size_t runs_n;
    atomic_bool moved;    /* something has changed */
    uint64_t again_bytes; /* raw, sent though unchanged; under the lock of the push */
};

/* What cannot be read. Those found are next's. */
struct push_gaps {
    struct gaps again; /* looked at in this pass, whatever the tracker says */
    uint64_t spent_ms; /* in reads that failed */
    struct page *page; /* of the head: the one that was asked last */
    uint32_t region;   /* its */
    uint8_t *raw;      /* likewise a unit */
    struct unit unit;
    bool raw_known;
};

struct push {
    const struct replica_run *run;
    struct replica_run own_run; /* which it points to */
    struct push_care care;
    struct push_gather gather;
    struct volume *volume;
    struct track *track;
    struct state *state;
    struct table *table;
    struct ledger *ledger;
    struct made *made;
    uint64_t size_bytes;
    uint64_t taken_ms;
    bool repair_asked;  /* by who called, not by what the state remembers */
    uint64_t set_aside; /* a repair: the head that cannot be read, 0 = none; head is the newest
                         * before it that can, if there is one */
    uint8_t set_aside_hash[CRYPTO_SHA256_LEN];
    bool have_head;
    struct point head;
    struct point next;
    bool full;                      /* every block is looked at, whatever the tracker says */
    const struct capture *captured; /* lent: what is read instead of the volume; or NULL */
    struct spent *spent;            /* of run->progress, else the next */
    struct spent unshown;
    struct push_gaps gaps; /* the reader's */
    size_t workers_n;
    size_t pack_target; /* bytes at which a pack is sent */

    struct pool *job_pool;
    struct push_job *jobs;
    size_t jobs_n;
    struct queue *idle_jobs;
    struct queue *full_jobs;
    struct pool *pack_pool;
    struct push_parcel **parcels;
    size_t parcels_n;
    size_t streams_n; /* threads that put packs; how many do at one time is the store's gate's */
    struct queue *idle_parcels;
    struct queue *full_parcels;
    struct pool *map_pool;
    struct queue *maps; /* regions whose data is durable */

    pthread_mutex_t lock; /* of all below */
    struct push_region *regions;
    size_t working; /* workers that have not ended */
    struct push_few *few;
    int code; /* the first failure */
    struct err err;
    uint64_t changed_bytes;
    uint64_t stored_bytes;
    uint64_t map_bytes; /* of these */

    pthread_mutex_t dirs_lock; /* of the next two; never held while fetching */
    struct pagedir **dirs;     /* of the next point; NULL: not looked at yet */
    bool *dirs_changed;

    atomic_int level; /* push_level.c: when none was asked for */

    pthread_mutex_t packs_lock; /* of the next; never held while fetching */
    struct packset packs;       /* a repair: what was found of those of the head */
};

/* replica_push.c: one pass in steps. State, head, table, ledger and tracker; nothing is taken yet.
 * run is lent until push_close. */
int push_open(struct push *p, const struct replica_run *run, struct err *err);
/* Take the dirty set of the tracker, or of a scan when it is in doubt. */
int push_take(struct push *p, struct err *err);
/* Say in run->tracked which tracker it was and why everything was read, if so. */
void push_tell_tracker(const struct push *p);
/* Every stage over what was taken, and the point. */
int push_pass(struct push *p, struct replica_point *ret, struct err *err);
void push_close(struct push *p); /* {0} is fine; what was taken and not committed is given back */

/* push.c: memory and queues; then every stage until the last page is durable or one failed. */
int push_init(struct push *p, struct err *err);
void push_done(struct push *p); /* {0} is fine */
int push_run(struct push *p, struct err *err);
uint64_t push_mono_ms(const struct push *p); /* what spent is measured with; any thread */
/* Keep the first failure and stop every stage. Returns code. */
int push_fail(struct push *p, int code, const struct err *err);
int push_check_pack(void *arg, const uint8_t *pack, bool *ret_there, struct err *err);

/* push_region.c */
int push_region_new(struct push *p, uint32_t index, struct push_region **ret, struct err *err);
void push_region_free(struct push *p, struct push_region *r);
int push_region_add(struct push *p, struct push_region *r, const struct push_extent *e,
                    bool pending, uint32_t *ret_index, struct err *err);
/* Make sure that the tags of the head, if they are known, are in r->tags. */
int push_region_tags(struct push *p, struct push_region *r, struct err *err);
/* 1: an earlier run of this pass put these sectors, whose unit id is id, into the page of the
 * region, so they are durable as *ret. v is the thread's own. */
int push_region_made(struct push *p, struct vault *v, struct push_region *r,
                     const struct push_extent *e, const uint8_t *id, struct unit *ret,
                     struct err *err);
/* The mark of the ledger before which no region that is under way has units. */
uint64_t push_region_oldest(struct push *p);
/* A job (or the reader) is done with it; the last one writes the table. */
int push_region_close(struct push *p, struct push_region *r, struct err *err);
/* Its extent `index` is durable as u. */
int push_region_durable(struct push *p, struct push_region *r, uint32_t index, const struct unit *u,
                        struct err *err);

/* push_scrub.c: after the tracker was asked, before anything is sent: compare a part of what it
 * calls clean. What it missed is told in run->scrub, and makes the pass read everything. */
int push_scrub(struct push *p, struct err *err);

/* push_read.c: is what was read so far of what was to be read? */
int push_check_source(struct push *p, struct err *err);
/* push_read.c: the whole pass over the volume, in the caller's thread. */
int push_read(struct push *p, struct err *err);

/* The other stages are functions of worker threads; arg is the push. */
int push_work(void *arg, size_t index, struct err *err);
int push_put(void *arg, size_t index, struct err *err);

/* push_level.c: what packs are compressed at. Any thread. */
void push_level_init(struct push *p);
int push_level(struct push *p);
/* A pack goes to the store: look where work waits. */
void push_level_follow(struct push *p);

/* push_map.c */
int push_map_open_dir(struct push *p, uint32_t dir, struct err *err);
/* The unit of a region's page in the head; false when all zero. Its directory must be open. */
bool push_map_page(struct push *p, uint32_t region, struct unit *ret);
/* The next point's region is all zero until a page is made for it. Its directory must be open. */
void push_map_forget(struct push *p, uint32_t region);
int push_map(void *arg, size_t index, struct err *err);
/* After all regions: directories, and the list of them in p->next. */
int push_map_finish(struct push *p, struct err *err);

/* push_care.c. When a pass has its ledger: the replica is named in the care log, packs of the
 * ledger are asked for or forgotten. */
int push_care_begin(struct push *p, struct err *err);
/* A map pack is durable. Any thread. */
void push_care_note(struct push *p, const uint8_t *map_pack);
/* From time to time, by any thread that has no lock: asks for what was condemned since. */
int push_care_poll(struct push *p, struct err *err);
/* Right before the point: -EAGAIN (GW_VAULT_MISSING) packs it would name are gone; the next pass
 * sends them again. */
int push_care_commit(struct push *p, struct err *err);
/* Right after: did it take so long that they may be gone now? Then likewise, and the next pass is a
 * repair. */
int push_care_committed(struct push *p, struct err *err);
void push_care_end(struct push *p); /* before the state is saved at the end of a pass */
void push_care_done(struct push *p);

/* push_gather.c. When the head is known: choose what this pass sends again. */
int push_gather_begin(struct push *p, struct err *err);
void push_gather_done(struct push *p);
/* The first range to be sent again that ends behind from. */
bool push_gather_next(const struct push *p, uint64_t from, uint64_t *ret_offset, uint64_t *ret_len);
void push_gather_moved(struct push *p); /* a block differs from the head. Any thread */
/* A bit for each sector of the job that is to be sent again. Any thread. */
void push_gather_job(const struct push *p, const struct push_job *j, uint64_t *bits);
/* The page of a region as the next point has it (NULL: zero). The mapper only. */
int push_gather_page(struct push *p, uint32_t region, const struct page *page, struct err *err);
/* The point stands: remember what the next pass may do. */
void push_gather_end(struct push *p);

/* push_gaps.c, in the reader's thread. When the head is known: what it could not read is read. */
int push_gaps_begin(struct push *p, struct err *err);
void push_gaps_done(struct push *p);
/* Read this in this pass, too. */
int push_gaps_want(struct push *p, uint64_t offset, uint64_t len, struct err *err);
/* Could the head not read a part of it? */
bool push_gaps_known(const struct push *p, uint64_t offset, uint64_t len);
/* Fill a job that could not be read as a whole: what cannot be read is as in the head, or zero, and
 * is a gap of the next point. -EIO (GW_VOLUME_UNREADABLE): it is too much for that. */
int push_gaps_read(struct push *p, struct push_job *j, struct err *err);

/* push_repair.c: only when run->repair. Is a pack there, with the bytes it is named by? v is the
 * thread's own; each pack is read once. */
int push_repair_pack(struct push *p, struct vault *v, const uint8_t *name, bool *ret_whole,
                     struct err *err);
/* As push_check_pack, but reads the pack. */
int push_repair_check(void *arg, const uint8_t *pack, bool *ret_there, struct err *err);
/* A directory that the head has: 1; 0 when it was lost, *ret is then all zero. */
int push_repair_dir(struct push *p, uint32_t dir, uint32_t regions, struct pagedir **ret,
                    struct err *err);
/* Fetch its page in the head; when that was lost the region has none any more. */
int push_repair_region(struct push *p, struct push_region *r, struct err *err);

#endif
