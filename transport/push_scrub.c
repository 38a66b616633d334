/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scrub: a tracker is a hint, so a part of what it calls clean is read in each pass and
 * compared with the table, in order and round again, at a rate that was asked for.
 *
 * What differs and is not marked, also not some time later (a write may be read before it is
 * complete, and so before it is marked), was missed. That is an alarm, and this pass reads
 * everything.
 */
#include "transport/push.h"

#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/vault_impl.h"

#include <inttypes.h>
#include <limits.h>

#include "base/banned.h"

enum {
    PIECE_BLOCKS = 16,
    SUSPECTS_MAX = 256,
    IN_FLIGHT_MS = 5000, /* no write takes longer to be marked */
    LOOK_MS = 100,
    LINE_BYTES_MAX = 128
};

struct scrub {
    struct push *p;
    char file[PATH_MAX];
    struct replica_scrub now; /* with the totals of earlier passes */
    uint64_t at_ms;           /* when the part before this one was read */
    uint8_t *data;
    uint8_t *leaves; /* of the table, for one region */
    uint64_t region; /* whose they are; UINT64_MAX: none */
    bool known;
    struct track_range suspects[SUSPECTS_MAX]; /* one block each */
    size_t suspects_n;
};

/* "POSITION ROUNDS MISSED MILLISECONDS". What is not there, or cannot be read, begins anew. */
static void load(struct scrub *s)
{
    auto_buf struct buf text = {0};
    auto_vec char **words = NULL;
    uint64_t n[4] = {0};

    if (fd_load(s->file, LINE_BYTES_MAX, &text, NULL) < 0 || !buf_cstr(&text) ||
        text_split(buf_cstr(&text), " \n", &words, NULL) < 0 || !words ||
        text_vec_len(words) != ARRAY_LEN(n))
        return;
    for (size_t i = 0; i < ARRAY_LEN(n); i++)
        if (num_parse_u64(words[i], 0, INT64_MAX, &n[i], NULL) < 0)
            return;
    s->now.position_bytes = n[0] % VOLUME_BLOCK == 0 && n[0] < s->p->size_bytes ? n[0] : 0;
    s->now.rounds = n[1];
    s->now.missed_total = n[2];
    s->at_ms = n[3];
}

static int save(const struct scrub *s, uint64_t now_ms, struct err *err)
{
    char line[LINE_BYTES_MAX];
    int rc = text_print(line, sizeof(line), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                        s->now.position_bytes, s->now.rounds, s->now.missed_total, now_ms);

    return rc < 0 ? rc : fd_save(s->file, slice_str(line), 0600, err);
}

static int look_up(struct scrub *s, uint64_t offset, struct err *err)
{
    uint64_t region = offset / VOLUME_REGION;
    int rc;

    if (region == s->region)
        return 0;
    rc = table_read(s->p->table, region, s->leaves, &s->known, err);
    s->region = rc < 0 ? UINT64_MAX : region;
    return rc;
}

static void suspect(struct scrub *s, uint64_t offset, uint64_t len)
{
    if (s->suspects_n < SUSPECTS_MAX)
        s->suspects[s->suspects_n++] = (struct track_range){.offset = offset, .len = len};
}

/* Up to PIECE_BLOCKS blocks of one region. */
static int look_at(struct scrub *s, uint64_t offset, size_t len, struct err *err)
{
    uint8_t now[PIECE_BLOCKS * DIGEST_LEN];
    const uint8_t *old = s->leaves + offset % VOLUME_REGION / VOLUME_BLOCK * DIGEST_LEN;
    int rc = volume_read(s->p->volume, offset, s->data, len, err);

    if (rc == -EIO) {
        /* The pass reads around what cannot be read, and names it. */
        err_clear(err);
        s->now.looked_bytes += len;
        return push_gaps_want(s->p, offset, len, err);
    }
    if (rc < 0)
        return rc;
    digest_row(slice_of(s->data, len), now);
    for (size_t at = 0; at < len; at += VOLUME_BLOCK) {
        size_t block = at / VOLUME_BLOCK * DIGEST_LEN;
        uint64_t n = num_min(VOLUME_BLOCK, len - at);

        if (memcmp(now + block, old + block, DIGEST_LEN) != 0 &&
            track_marked(s->p->track, offset + at, n) == 0)
            suspect(s, offset + at, n);
    }
    s->now.looked_bytes += len;
    return 0;
}

static bool stopped(const struct scrub *s)
{
    const struct replica_run *run = s->p->run;

    return run->stop && atomic_load(run->stop);
}

/* How much is due since the last part: at least one piece, at most the volume once. */
static uint64_t due(const struct scrub *s, uint64_t now_ms)
{
    uint64_t ms = now_ms > s->at_ms && s->at_ms > 0 ? now_ms - s->at_ms : 1000;
    uint64_t bytes = 0;

    if (!num_mul(s->p->run->scrub_bytes_per_s, ms, &bytes))
        return s->p->size_bytes;
    return num_min(num_max(bytes / 1000, (uint64_t)PIECE_BLOCKS * VOLUME_BLOCK), s->p->size_bytes);
}

static int look_around(struct scrub *s, uint64_t bytes, struct err *err)
{
    uint64_t size = s->p->size_bytes;
    int rc = 0;

    while (rc == 0 && s->now.looked_bytes < bytes && s->suspects_n < SUSPECTS_MAX) {
        uint64_t at = s->now.position_bytes;
        uint64_t border = (at / VOLUME_REGION + 1) * VOLUME_REGION;
        size_t len = (size_t)num_min(num_min(border, size) - at, PIECE_BLOCKS * VOLUME_BLOCK);

        if (stopped(s))
            return err_set(err, -ECANCELED, "stopped");
        rc = look_up(s, at, err);
        if (rc == 0 && s->known)
            rc = look_at(s, at, len, err);
        else
            s->now.looked_bytes += len;
        s->now.position_bytes = at + len < size ? at + len : 0;
        s->now.rounds += s->now.position_bytes == 0;
    }
    return rc;
}

/* Those that are not marked yet. */
static size_t unmarked(struct scrub *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->suspects_n; i++)
        if (track_marked(s->p->track, s->suspects[i].offset, s->suspects[i].len) == 0)
            s->suspects[n++] = s->suspects[i];
    s->suspects_n = n;
    return n;
}

static void wait_for_marks(struct scrub *s)
{
    const struct clock *clock = vault_clock(s->p->run->vault);

    for (unsigned ms = 0; ms < IN_FLIGHT_MS && unmarked(s) > 0 && !stopped(s); ms += LOOK_MS)
        clock_sleep_ms(clock, LOOK_MS);
}

static void count_missed(struct scrub *s)
{
    for (size_t i = 0; i < s->suspects_n; i++) {
        struct replica_range *last =
            s->now.missed_n > 0 ? &s->now.missed[s->now.missed_n - 1] : NULL;

        s->now.missed_bytes += s->suspects[i].len;
        if (last && last->offset + last->len == s->suspects[i].offset)
            last->len += s->suspects[i].len;
        else if (s->now.missed_n < ARRAY_LEN(s->now.missed))
            s->now.missed[s->now.missed_n++] =
                (struct replica_range){.offset = s->suspects[i].offset, .len = s->suspects[i].len};
    }
    s->now.missed_total += s->now.missed_bytes;
}

static int part(struct scrub *s, struct err *err)
{
    uint64_t now_ms = clock_wall_ms(vault_clock(s->p->run->vault));
    int rc = text_print(s->file, sizeof(s->file), "%s/scrub", s->p->run->state_dir);

    if (rc < 0)
        return err_set(err, rc, "'%s': %m", s->p->run->state_dir);
    load(s);
    rc = look_around(s, due(s, now_ms), err);
    if (rc < 0)
        return rc;
    wait_for_marks(s);
    if (stopped(s))
        return err_set(err, -ECANCELED, "stopped");
    count_missed(s);
    return save(s, now_ms, err);
}

int push_scrub(struct push *p, struct err *err)
{
    struct scrub s = {.p = p, .region = UINT64_MAX};
    int rc;

    if (p->run->scrub_bytes_per_s == 0 || p->full || p->size_bytes == 0 ||
        text_equal(track_kind(p->track), "scan") || track_rescan(p->track)[0])
        return 0; /* everything is read anyway */
    rc = track_marked(p->track, 0, 1);
    if (rc < 0)
        return err_set_gw(err, GW_BAD_VALUE, rc, "tracker '%s' cannot be scrubbed: %m",
                          track_kind(p->track));
    s.data = aligned_alloc(VOLUME_SECTOR, (size_t)PIECE_BLOCKS * VOLUME_BLOCK);
    s.leaves = malloc((size_t)DIGEST_REGION_LEAVES * DIGEST_LEN);
    rc = s.data && s.leaves ? part(&s, err) : err_set(err, -ENOMEM, "scrub: %m");
    free(s.data);
    free(s.leaves);
    if (rc < 0)
        return err_add(err, rc, "scrub");
    if (p->run->scrub)
        *p->run->scrub = s.now;
    if (s.now.missed_bytes == 0)
        return 0;
    p->full = true;
    if (p->run->tracked)
        (void)text_copy(p->run->tracked->rescan, sizeof(p->run->tracked->rescan),
                        "the scrub found changes that the tracker had missed");
    return 0;
}
