/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pull, from the state directory to a volume that is equal to a point.
 *
 * The mark "applying" is durable before the first write; "equal" only after the flush of the last
 * one. In between the volume is equal to nothing, and whoever comes next compares before it writes:
 * all that two points differ in; or, from nothing, what lies behind the place that was kept.
 */
#include "transport/pull.h"

#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "base/worker.h"
#include "transport/altered.h"
#include "transport/given_up.h"
#include "transport/state.h"
#include "transport/vault_impl.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum { THREADS_MIN = 4, THREADS_MAX = 8 };
/* A pack reaches over a border of regions more often than not: two at a time meet it once. */
enum { COMPARE_BATCH = 2 };

struct job {
    const struct replica_run *run;
    struct pull pull;
    struct state *state;
    bool made; /* the volume is a file that was not there */
    struct point target;
    struct point equal;    /* what the volume was equal to, or empty */
    struct point applying; /* what a killed pull was writing, or empty */
    const struct point *bases[WALK_BASES_MAX];
    size_t bases_n;
    bool goes_on; /* with a pull of this very point that was killed */
};

static int step(const char *name, struct err *err)
{
    int rc = failpoint(name);

    return rc < 0 ? err_set(err, rc, "%s: %m", name) : 0;
}

static int find_target(struct job *j, struct err *err)
{
    const struct replica_run *run = j->run;
    int rc;

    if (run->seq == 0)
        rc = point_head(run->vault, run->name, j->state->known_seq, &j->target, err);
    else
        rc = point_load(run->vault, run->name, run->seq, &j->target, err);
    if (rc < 0)
        return rc;
    if (j->target.info.unreadable_bytes > 0 && !run->allow_incomplete)
        return err_set_gw(err, GW_INCOMPLETE, -EUCLEAN,
                          "point %" PRIu64 " of '%s': %" PRIu64
                          " bytes of it, the first at %" PRIu64
                          ", could not be read from the volume",
                          j->target.info.seq, run->name, j->target.info.unreadable_bytes,
                          j->target.gaps.list[0].offset);
    if (run->expect_digest &&
        memcmp(run->expect_digest, j->target.info.digest, REPLICA_DIGEST_LEN) != 0)
        return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG,
                          "point %" PRIu64 " of '%s' has not the digest that was expected",
                          j->target.info.seq, run->name);
    return 0;
}

/* The point that the state speaks of, if it is there, is the very one, and has the target's size;
 * else *ret stays empty. */
static int find_base(const struct job *j, const struct state_point *want, struct point *ret,
                     struct err *err)
{
    int rc;

    if (want->seq == 0 || want->size_bytes != j->target.info.size_bytes)
        return 0;
    rc = point_load(j->run->vault, j->run->name, want->seq, ret, err);
    if (rc == -ENOENT) {
        err_clear(err);
        return 0;
    }
    if (rc == 0 && !state_point_same(want, &ret->info))
        point_done(ret);
    return rc;
}

/* How much of the volume is proved equal to something: then only differences are looked at. */
static int choose_bases(struct job *j, struct err *err)
{
    struct state *s = j->state;
    bool resuming = s->applying.seq != 0;
    int rc;

    j->pull.compare = true;
    j->goes_on =
        state_point_same(&s->applying, &j->target.info) && state_same_volume(s, j->pull.volume);
    if (s->unread ||
        (resuming ? !state_same_volume(s, j->pull.volume) : state_touched(s, j->pull.volume)))
        return 0;
    rc = find_base(j, &s->equal, &j->equal, err);
    if (rc == 0 && resuming)
        rc = find_base(j, &s->applying, &j->applying, err);
    if (rc < 0)
        return rc;
    if (!j->equal.dirs || (resuming && !j->applying.dirs))
        return 0;
    j->bases[j->bases_n++] = &j->equal;
    if (resuming)
        j->bases[j->bases_n++] = &j->applying;
    j->pull.compare = resuming;
    return 0;
}

/* The table of one of the bases; none of them: only a pull that sees all can make a new one. */
static int open_table(struct job *j, struct err *err)
{
    const char *dir = j->run->state_dir;
    uint64_t size = j->target.info.size_bytes;
    int rc = 0;

    if (j->bases_n == 0)
        return table_open(dir, size, NULL, vault_rng(j->run->vault), &j->pull.table, err);
    for (size_t i = 0; i < j->bases_n; i++) {
        rc = table_open(dir, size, j->bases[i]->info.digest, vault_rng(j->run->vault),
                        &j->pull.table, err);
        if (rc < 0 || table_known(j->pull.table))
            return rc;
        table_close(TAKE(j->pull.table));
    }
    return 0;
}

static int mark(struct job *j, struct err *err)
{
    struct state *s = j->state;
    int rc = step("pull_mark", err);

    state_point_of(&j->target.info, &s->applying);
    s->known_seq = num_max(s->known_seq, j->target.info.seq);
    if (j->bases_n == 0)
        s->equal = (struct state_point){0};
    /* Whoever goes on must know the volume again. */
    if (rc == 0 && j->bases_n == 0)
        rc = state_set_volume(s, j->pull.volume, err);
    return rc < 0 ? rc : state_save(s, err);
}

static int walk(struct job *j, struct err *err)
{
    size_t cores = j->run->workers ? j->run->workers : workers_cores();
    struct walk w = {.vault = j->run->vault,
                     .point = &j->target,
                     .bases = {j->bases[0], j->bases[1]},
                     .bases_n = j->bases_n,
                     .batch = j->pull.compare ? COMPARE_BATCH : WALK_BATCH_MAX,
                     .threads = num_min(num_max(cores, THREADS_MIN), THREADS_MAX),
                     .stop = j->run->stop,
                     .arg = &j->pull,
                     .skip = pull_skip,
                     .open = pull_open,
                     .batch_fn = pull_batch,
                     .close = pull_close};

    if (j->run->progress)
        j->run->progress->total_bytes = j->bases_n > 0 ? 0 : j->pull.size_bytes;
    return walk_run(&w, err);
}

/* The leaves of what was written must give the digest of the point; if not, nothing that the state
 * directory says can be trusted. */
static int check_digest(struct job *j, struct err *err)
{
    uint8_t digest[REPLICA_DIGEST_LEN];
    int rc = table_digest(j->pull.table, digest, err);

    if (rc < 0 || memcmp(digest, j->target.info.digest, sizeof(digest)) == 0)
        return rc;
    j->state->equal = (struct state_point){0};
    rc = state_save(j->state, err);
    if (rc < 0)
        return rc;
    return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG,
                      "'%s' has not the digest of point %" PRIu64
                      " after the pull; pull again to compare all of it",
                      j->run->volume_path, j->target.info.seq);
}

static int keep_table(struct job *j, struct err *err)
{
    int rc;

    if (!j->pull.table)
        return 0;
    rc = check_digest(j, err);
    if (rc == 0)
        rc = table_seal(j->pull.table, j->target.info.digest, err);
    return rc < 0 ? rc : table_commit(j->pull.table, err);
}

static int finish(struct job *j, struct err *err)
{
    struct state *s = j->state;
    int rc = step("pull_flush", err);

    if (rc == 0)
        rc = volume_flush(j->pull.volume, err);
    if (rc == 0)
        rc = volume_check(j->pull.volume, err);
    if (rc == 0)
        rc = keep_table(j, err);
    if (rc == 0)
        rc = step("pull_state", err);
    if (rc == 0)
        rc = state_set_volume(s, j->pull.volume, err);
    if (rc < 0)
        return rc;
    state_point_of(&j->target.info, &s->equal);
    s->unread = false;
    s->applying = (struct state_point){0};
    return state_save(s, err);
}

static int open_all(struct job *j, struct err *err)
{
    const struct replica_run *run = j->run;
    int rc = state_open(run->state_dir, vault_id(run->vault), run->name, &j->state, err);

    if (rc == 0)
        rc = find_target(j, err);
    if (rc == 0 && run->untouched)
        rc = altered_check(j->state, run, err);
    if (rc < 0)
        return rc;
    j->pull.run = run;
    j->pull.size_bytes = j->target.info.size_bytes;
    j->made = access(run->volume_path, F_OK) < 0 && errno == ENOENT;
    rc = volume_prepare(run->volume_path, j->pull.size_bytes, err);
    if (rc == 0)
        rc = volume_open(run->volume_path, VOLUME_WRITE, &j->pull.volume, err);
    return rc;
}

static bool is_there(const struct job *j)
{
    return j->state->applying.seq == 0 && !j->state->unread &&
           state_point_same(&j->state->equal, &j->target.info) &&
           !state_touched(j->state, j->pull.volume);
}

static int begin_table(struct job *j, struct err *err)
{
    if (!j->pull.table)
        return 0;
    if (j->bases_n > 0)
        return table_begin(j->pull.table, err);
    j->pull.towards = j->target.info.digest;
    return j->goes_on ? table_begin_again(j->pull.table, j->pull.towards, &j->pull.done, err)
                      : table_begin(j->pull.table, err);
}

static int apply(struct job *j, struct err *err)
{
    int rc = open_table(j, err);

    if (rc == 0)
        rc = begin_table(j, err);
    if (rc == 0 && j->bases_n == 0)
        rc = pull_share_maps(&j->pull, err);
    if (rc == 0)
        rc = mark(j, err);
    if (rc == 0)
        rc = walk(j, err);
    return rc;
}

/* Packs of a base that was given up may be gone, while the target is whole: then all of the volume
 * is looked at, as if nothing were known of it. */
static int apply_or_compare(struct job *j, struct err *err)
{
    int rc = apply(j, err);

    if (rc != -ENOENT || j->bases_n == 0)
        return rc;
    err_clear(err);
    table_close(TAKE(j->pull.table));
    j->bases_n = 0;
    j->pull.compare = true;
    return apply(j, err);
}

/* A pack is missing: is it because retention gave the point up? The first failure stays when that
 * cannot be told. */
static int say_given_up(const struct job *j, struct err *err)
{
    int rc = given_up_say(j->run->vault, j->run->name, j->target.info.seq, "and its packs are gone",
                          err);

    return rc < 0 ? rc : -ENOENT;
}

static int pull(struct job *j, struct replica_point *ret, struct err *err)
{
    int rc = open_all(j, err);

    if (rc < 0)
        return rc;
    if (!is_there(j)) {
        rc = choose_bases(j, err);
        if (rc == 0)
            rc = apply_or_compare(j, err);
        if (rc == -ENOENT)
            rc = say_given_up(j, err);
        if (rc == 0)
            rc = finish(j, err);
    }
    if (rc == 0)
        *ret = j->target.info;
    return rc;
}

/* A file that was made for this pull and got nothing looks like an image, and is none. What was
 * begun stays: the next pull goes on with it. */
static void remove_empty(const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_blocks == 0)
        (void)unlink(path);
}

int replica_pull(const struct replica_run *run, struct replica_point *ret, struct err *err)
{
    struct job j = {.run = run, .pull = {.keeping = ATOMIC_FLAG_INIT}};
    int rc;

    if (!vault_is_replica_name(run->name))
        return err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%s' is no name of a replica", run->name);
    rc = pull(&j, ret, err);
    packs_free(j.pull.maps);
    free(j.pull.done);
    table_close(j.pull.table);
    if (rc < 0 && j.made)
        remove_empty(run->volume_path); /* while the volume's lock is held */
    volume_close(j.pull.volume);
    state_close(j.state);
    point_done(&j.target);
    point_done(&j.equal);
    point_done(&j.applying);
    return rc < 0 ? err_add(err, rc, "pull '%s' to '%s'", run->name, run->volume_path) : 0;
}
