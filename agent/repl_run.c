/* SPDX-License-Identifier: Apache-2.0 */
/* What the transport needs to push or pull a volume of a workload, and the right to write to it. */
#include "agent/helper.h"
#include "agent/mine.h"
#include "agent/repl.h"
#include "agent/workload.h"
#include "base/fd.h"
#include "base/text.h"

#include "base/banned.h"

int repl_state_dir(struct workload *w, size_t i, char out[static PATH_MAX], struct err *err)
{
    char what[ASSIGNMENT_NAME_MAX + 16];

    text_print(what, sizeof(what), "volumes/%s", w->assignment->volumes[i].name);
    return workload_path(w, what, out, err);
}

int repl_run(struct workload *w, size_t i, char out_dir[static PATH_MAX], struct replica_run *ret,
             struct err *err)
{
    struct vault *vault = NULL;
    int r = fleet_claim(w->agent->fleet, w, i, err);

    if (r == 0)
        r = workload_vault(w, &vault, err);
    if (r == 0)
        r = repl_state_dir(w, i, out_dir, err);
    if (r == 0)
        r = fd_mkdirs(out_dir, 0700, err);
    if (r < 0)
        return r;
    *ret = (struct replica_run){
        .vault = vault,
        .name = w->assignment->volumes[i].replica,
        .volume_path = w->assignment->volumes[i].device,
        .state_dir = out_dir,
        .progress = &w->status[i].progress,
        .stop = &w->interrupt,
        .epoch = w->own.max_epoch,
        .may_shrink = w->assignment->volumes[i].shrink,
        .compact = w->assignment->compact,
        .scrub_bytes_per_s = w->assignment->scrub_bytes_per_s,
        .allow_incomplete = true, /* who waits is further behind, not safer */
    };
    atomic_store(&ret->progress->total_bytes, 0);
    atomic_store(&ret->progress->done_bytes, 0);
    atomic_store(&ret->progress->changed_bytes, 0);
    atomic_store(&ret->progress->written_bytes, 0);
    atomic_store(&ret->progress->sent_bytes, 0);
    atomic_store(&ret->progress->received_bytes, 0);
    spent_clear(&ret->progress->spent);
    return 0;
}

int repl_take(struct workload *w, size_t i, struct err *err)
{
    int r = fleet_claim(w->agent->fleet, w, i, err);

    if (r == 0)
        r = mine_check(w, i, err);
    return r == 0 ? helper_take(&w->assignment->volumes[i], err) : r;
}
