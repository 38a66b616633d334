/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a switch's steps. No clock, no database: switch.c asks, this file answers. */
#include "planner/service/switch_plan.h"

#include "base/auto.h"
#include "base/num.h"

#include <string.h>

#include "base/banned.h"

enum { REDO_MS = 2000, REDO_MAX_MS = 15000, REDO_DOUBLED_MAX = 3 };

/*
 * What follows a step. END_* are not steps: they end the operation. failed and other are where the
 * outcomes of the same name lead; a row that cannot have one repeats itself.
 */
enum follow { END_DONE = STEP_COUNT, END_REFUSED, END_FAILED, END_ROLLED_BACK, GO_BACK };

struct row {
    const char *name;
    uint64_t timeout_s;
    bool redo_only;
    int ok, failed, other;
};

static const struct row rows[STEP_COUNT] = {
    [STEP_PRECHECK] = {"precheck", 10, false, STEP_EPOCH, END_REFUSED, STEP_PRECHECK},
    [STEP_EPOCH] = {"epoch", 60, false, STEP_FENCE, END_FAILED, STEP_EPOCH},
    [STEP_FENCE] = {"fence", 120, false, STEP_FINAL, STEP_DECIDE_ABORT, STEP_FENCE},
    [STEP_FINAL] = {"final", 0, false, STEP_APPLY, STEP_DECIDE_ABORT, STEP_FINAL},
    [STEP_APPLY] = {"apply", 0, false, STEP_DECIDE, STEP_DECIDE_ABORT, STEP_APPLY},
    [STEP_DECIDE] = {"decide", 60, true, STEP_PROMOTE, STEP_DECIDE, STEP_GIVE_BACK},
    [STEP_PROMOTE] = {"promote", 120, true, STEP_HEALTH, GO_BACK, STEP_PROMOTE},
    [STEP_HEALTH] = {"health", 120, false, STEP_TRAFFIC, GO_BACK, STEP_HEALTH},
    [STEP_TRAFFIC] = {"traffic", 120, false, STEP_OBSERVE, GO_BACK, STEP_TRAFFIC},
    [STEP_OBSERVE] = {"observe", 10, false, END_DONE, STEP_OBSERVE, STEP_OBSERVE},
    [STEP_DECIDE_ABORT] = {"decide_abort", 60, true, STEP_GIVE_BACK, STEP_DECIDE_ABORT,
                           STEP_PROMOTE},
    [STEP_GIVE_BACK] = {"give_back", 120, true, END_ROLLED_BACK, STEP_GIVE_BACK, STEP_GIVE_BACK},
    [STEP_RELEASE] = {"release", 120, true, END_DONE, STEP_RELEASE, STEP_RELEASE},
    [STEP_TEST] = {"test", 3600, false, END_DONE, END_FAILED, STEP_TEST},
};

static const char *const kind_names[] = {
    [SWITCH_CUTOVER] = "cutover",
    [SWITCH_ROLLBACK] = "rollback",
    [SWITCH_FINALIZE] = "finalize",
    [SWITCH_TEST] = "test",
};

static const char *const state_names[] = {
    [SWITCH_RUNNING] = "running",         [SWITCH_DONE] = "done",
    [SWITCH_REFUSED] = "refused",         [SWITCH_FAILED] = "failed",
    [SWITCH_ROLLED_BACK] = "rolled_back", [SWITCH_HALFWAY] = "halfway",
};

static struct switch_move end(enum switch_state state)
{
    return (struct switch_move){.state = state};
}

static struct switch_move go(struct switch_at at, enum switch_step step)
{
    at.step = step;
    return (struct switch_move){.state = SWITCH_RUNNING, .at = at};
}

/* After promote there is no abort, only another switch; a second failure is for people to look at.
 */
static struct switch_move go_back(struct switch_at at)
{
    if (at.kind != SWITCH_CUTOVER || at.leg > 0)
        return end(SWITCH_HALFWAY);
    at.leg = 1;
    return go(at, STEP_EPOCH);
}

static struct switch_move follow(struct switch_at at, int next)
{
    switch (next) {
    case END_DONE:
        return end(at.leg > 0 ? SWITCH_ROLLED_BACK : SWITCH_DONE);
    case END_REFUSED:
        return end(SWITCH_REFUSED);
    case END_FAILED: /* on the way back, the new side holds and is not healthy */
        return end(at.leg > 0 ? SWITCH_HALFWAY : SWITCH_FAILED);
    case END_ROLLED_BACK: /* likewise: an aborted way back leaves the new side holding */
        if (at.kind == SWITCH_ROLLBACK)
            return end(SWITCH_FAILED);
        return end(at.leg > 0 ? SWITCH_HALFWAY : SWITCH_ROLLED_BACK);
    case GO_BACK:
        return go_back(at);
    default:
        return go(at, (enum switch_step)next);
    }
}

struct switch_move switch_plan_next(struct switch_at at, enum switch_outcome outcome)
{
    const struct row *row = &rows[at.step];

    if (outcome == OUTCOME_FAILED)
        return follow(at, row->failed);
    if (outcome == OUTCOME_OTHER)
        return follow(at, row->other);
    if (at.step == STEP_PRECHECK && at.kind == SWITCH_FINALIZE)
        return go(at, STEP_RELEASE);
    if (at.step == STEP_PRECHECK && at.kind == SWITCH_TEST)
        return go(at, STEP_TEST);
    /* The side that is taken back to was healthy when it was left; do not let a check stop the
     * return. */
    if (at.step == STEP_PROMOTE && at.leg > 0)
        return go(at, STEP_TRAFFIC);
    return follow(at, row->ok);
}

bool switch_plan_redo_only(enum switch_step step)
{
    return rows[step].redo_only;
}

uint64_t switch_plan_redo_ms(unsigned failed)
{
    unsigned more = failed < SWITCH_PLAN_ATTENTION ? 0 : failed - SWITCH_PLAN_ATTENTION + 1;

    return num_min((uint64_t)REDO_MS << num_min(more, REDO_DOUBLED_MAX), REDO_MAX_MS);
}

bool switch_plan_abortable(struct switch_at at)
{
    return at.leg == 0 && (at.step == STEP_FENCE || at.step == STEP_FINAL || at.step == STEP_APPLY);
}

bool switch_plan_may_abort(struct switch_at at)
{
    bool moves = at.kind == SWITCH_CUTOVER || at.kind == SWITCH_ROLLBACK;

    return moves && at.leg == 0 &&
           (at.step == STEP_PRECHECK || at.step == STEP_EPOCH || switch_plan_abortable(at));
}

uint64_t switch_plan_timeout_s(enum switch_step step)
{
    return rows[step].timeout_s;
}

const char *switch_plan_kind_name(enum switch_kind kind)
{
    return kind_names[kind];
}

const char *switch_plan_step_name(enum switch_step step)
{
    return rows[step].name;
}

const char *switch_plan_state_name(enum switch_state state)
{
    return state_names[state];
}

bool switch_plan_kind(const char *name, enum switch_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *ret = (enum switch_kind)i;
            return true;
        }
    }
    return false;
}

bool switch_plan_step(const char *name, enum switch_step *ret)
{
    for (size_t i = 0; i < STEP_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *ret = (enum switch_step)i;
            return true;
        }
    }
    return false;
}
