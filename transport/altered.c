/* SPDX-License-Identifier: Apache-2.0 */
/* A stamp that moved, and the digest that tells whether it moved for a reason. */
#include "transport/altered.h"

#include "base/err.h"
#include "base/gw.h"

#include <inttypes.h>

#include "base/banned.h"

static int say(const struct state *s, const char *what, struct err *err)
{
    return err_set_gw(err, GW_VOLUME_ALTERED, -ESTALE, "%s since it was point %" PRIu64, what,
                      s->equal.seq);
}

static int say_written(const struct state *s, struct err *err)
{
    return say(s, "somebody else wrote to it", err);
}

static int look(struct state *s, const struct replica_run *run, struct err *err)
{
    const struct replica_digest_run digest_run = {.volume_path = run->volume_path,
                                                  .size_bytes = s->equal.size_bytes,
                                                  .progress = run->progress,
                                                  .stop = run->stop,
                                                  .workers = run->workers};
    uint8_t digest[REPLICA_DIGEST_LEN];
    int rc = replica_digest(&digest_run, digest, err);

    if (rc < 0 || memcmp(digest, s->equal.digest, sizeof(digest)) == 0)
        return rc;
    s->altered = true;
    rc = state_save(s, err);
    return rc < 0 ? rc : say_written(s, err);
}

int altered_check(struct state *s, const struct replica_run *run, struct err *err)
{
    auto_volume struct volume *v = NULL;
    int rc;

    if (s->equal.seq == 0 || s->applying.seq != 0)
        return 0;
    rc = volume_open(run->volume_path, VOLUME_READ, &v, err);
    if (rc == -ENOENT)
        return say(s, "it is gone", err);
    if (rc < 0)
        return rc;
    if (volume_size(v) < s->equal.size_bytes)
        return say(s, "it became smaller", err);
    if (s->altered)
        return say_written(s, err);
    if (!state_touched(s, v))
        return 0;
    /* The stamp is from before the reading: what is written meanwhile moves it again. */
    rc = state_set_volume(s, v, err);
    if (rc == 0)
        rc = look(s, run, err);
    return rc < 0 ? rc : state_save(s, err);
}
