/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points that are given up by name, whatever the policy says. They are not marked any more, so that
 * neither what they lack nor an object of theirs that cannot be read is in the way of a collection.
 */
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/gc_impl.h"
#include "transport/point.h"

#include <inttypes.h>

#include "base/banned.h"

static int check_span(struct vault *v, const struct care_span *s, struct err *err)
{
    uint64_t head = 0;
    int rc = point_head_number(v, s->replica, 0, &head, err);

    if (rc < 0)
        return rc;
    if (head == 0)
        return err_set_gw(err, GW_REPLICA_NOT_FOUND, -ENOENT, "there is no replica %s", s->replica);
    if (s->from == 0 || s->from > s->to)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                          "%s@%" PRIu64 "-%" PRIu64 " begins after its end", s->replica, s->from,
                          s->to);
    if (s->to > head)
        return err_set_gw(err, GW_REPLICA_NOT_FOUND, -ENOENT,
                          "'%s' has no point %" PRIu64 ", its newest is %" PRIu64, s->replica,
                          s->to, head);
    if (s->to == head)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                          "point %" PRIu64 " is the newest of '%s', which always stays: when it is "
                          "damaged, push with --repair first",
                          head, s->replica);
    return 0;
}

/* What cannot be read is told by its number alone. */
static void tell(const struct gc_run *run, const struct care_span *s, uint64_t seq)
{
    auto_point struct point p = {0};

    if (!run->item)
        return;
    if (point_load(run->vault, s->replica, seq, &p, NULL) < 0)
        p.info = (struct replica_point){.seq = seq};
    run->item(run->arg,
              &(struct gc_item){
                  .act = GC_GIVE_UP, .replica = s->replica, .point = &p.info, .why = "named"});
}

static int take(const struct gc_run *run, struct care_log *log, const struct care_span *s,
                uint64_t *points, struct err *err)
{
    int rc = check_span(run->vault, s, err);

    for (uint64_t seq = s->from; rc == 0 && seq <= s->to; seq++) {
        if (care_log_gave_up(log, s->replica, seq))
            continue;
        tell(run, s, seq);
        ++*points;
    }
    return rc < 0 ? rc : care_log_suppose(log, s, err);
}

int gc_named(const struct gc_run *run, struct care_log *log, uint64_t *ret_points, struct err *err)
{
    uint64_t points = 0;
    int rc = run->give_up_n <= CARE_SPANS_MAX
                 ? 0
                 : err_set_gw(err, GW_BAD_VALUE, -EINVAL, "more than %d ranges of points",
                              CARE_SPANS_MAX);

    for (size_t i = 0; rc == 0 && i < run->give_up_n; i++)
        rc = take(run, log, &run->give_up[i], &points, err);
    if (rc == 0)
        *ret_points = points;
    return rc;
}
