/* SPDX-License-Identifier: Apache-2.0 */
/* The record of ownership: every small record under every small event, against the rules of a safe
 * switch; and its file. */
#include "tests/unit.h"

#include "agent/ownership.h"
#include "base/fd.h"

#include <errno.h>

#include "base/banned.h"

enum { EPOCHS = 4 };

static struct ownership_event event(enum ownership_kind kind, uint64_t epoch)
{
    return (struct ownership_event){.kind = kind, .epoch = epoch, .wall_ms = 7};
}

static struct ownership owner_at(uint64_t max_epoch)
{
    return (struct ownership){
        .known = true, .owns = true, .max_epoch = max_epoch, .role = OWNERSHIP_PUSH};
}

static struct ownership follower_at(uint64_t max_epoch)
{
    return (struct ownership){.known = true, .max_epoch = max_epoch, .role = OWNERSHIP_FOLLOW};
}

static bool same(const struct ownership *a, const struct ownership *b)
{
    return a->known == b->known && a->owns == b->owns && a->max_epoch == b->max_epoch &&
           a->fenced_epoch == b->fenced_epoch && a->role == b->role &&
           a->start_owed == b->start_owed;
}

/* -- every record, every event ------------------------------------------------- */

typedef void (*pair_fn)(const struct ownership *o, const struct ownership_event *ev);

static bool is_possible(const struct ownership *o)
{
    if (!o->known)
        return !o->owns && o->max_epoch == 0 && o->fenced_epoch == 0 && !o->start_owed &&
               o->role == OWNERSHIP_IDLE;
    if (o->fenced_epoch != 0 && (!o->owns || o->start_owed))
        return false;
    if (!o->owns && o->start_owed)
        return false;
    return o->fenced_epoch <= o->max_epoch;
}

static void each_event(const struct ownership *o, pair_fn fn)
{
    for (int kind = 0; kind < OWNERSHIP_KINDS; kind++)
        for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
            for (int bits = 0; bits < 3 * 3 * 2; bits++) {
                struct ownership_event ev = event((enum ownership_kind)kind, epoch);

                ev.decision = (enum control_decision)(bits % 3);
                ev.past = (enum control_decision)(bits / 3 % 3);
                ev.applied = bits / 9;
                fn(o, &ev);
            }
}

static void each_pair(pair_fn fn)
{
    for (uint64_t max = 0; max < EPOCHS; max++)
        for (uint64_t fenced = 0; fenced <= max; fenced++)
            for (int bits = 0; bits < 2 * 2 * 2 * 3; bits++) {
                struct ownership o = {.known = bits & 1,
                                      .owns = bits >> 1 & 1,
                                      .start_owed = bits >> 2 & 1,
                                      .max_epoch = max,
                                      .fenced_epoch = fenced,
                                      .role = (enum ownership_role)(bits >> 3)};

                if (is_possible(&o))
                    each_event(&o, fn);
            }
}

static void check_epoch_only_grows(const struct ownership *o, const struct ownership_event *ev)
{
    struct ownership next;

    if (ownership_next(o, ev, &next, NULL) == 0)
        assert_true(next.max_epoch >= o->max_epoch);
}

static void the_epoch_only_grows(void **state)
{
    (void)state;
    each_pair(check_epoch_only_grows);
}

static void check_old_is_refused(const struct ownership *o, const struct ownership_event *ev)
{
    struct ownership next;

    if (ev->kind == OWNERSHIP_CEDE || ev->kind == OWNERSHIP_STARTED || ev->epoch >= o->max_epoch)
        return;
    assert_true(ownership_next(o, ev, &next, NULL) < 0);
}

static void nothing_older_than_the_highest_epoch_acts(void **state)
{
    (void)state;
    each_pair(check_old_is_refused);
}

static void check_refusal_leaves_output(const struct ownership *o, const struct ownership_event *ev)
{
    struct ownership mark = {.max_epoch = 99, .fenced_epoch = 98};
    struct ownership next = mark;

    if (ownership_next(o, ev, &next, NULL) < 0)
        assert_memory_equal(&mark, &next, sizeof(mark));
}

static void a_refusal_leaves_the_output_alone(void **state)
{
    (void)state;
    each_pair(check_refusal_leaves_output);
}

static bool may_make_writable(const struct ownership *o, const struct ownership_event *ev)
{
    if (ev->kind == OWNERSHIP_ADOPT)
        return !o->known;
    if (ev->kind == OWNERSHIP_PROMOTE)
        return ev->decision == CONTROL_PROMOTE && ev->applied && o->fenced_epoch == 0;
    if (ev->kind != OWNERSHIP_ABORT || ev->decision != CONTROL_ABORT)
        return false;
    /* Its own fence, an earlier one that was aborted too, or a promotion that was not yet heard. */
    return o->fenced_epoch == ev->epoch || (o->fenced_epoch && ev->past == CONTROL_ABORT) ||
           (!o->owns && ev->past == CONTROL_PROMOTE);
}

static void check_writable_needs_a_reason(const struct ownership *o,
                                          const struct ownership_event *ev)
{
    struct ownership next;

    if (ownership_writable(o) || ownership_next(o, ev, &next, NULL) < 0)
        return;
    if (ownership_writable(&next))
        assert_true(may_make_writable(o, ev));
}

static void only_adopt_promote_and_abort_make_writable_and_only_with_their_decision(void **state)
{
    (void)state;
    each_pair(check_writable_needs_a_reason);
}

static void check_owner_gives_up_only_by_fence(const struct ownership *o,
                                               const struct ownership_event *ev)
{
    struct ownership next;

    if (!ownership_writable(o) || ownership_next(o, ev, &next, NULL) < 0)
        return;
    assert_true(next.owns);
    assert_true(next.fenced_epoch == (ev->kind == OWNERSHIP_FENCE ? ev->epoch : 0));
}

static void an_unfenced_owner_gives_nothing_up_but_by_its_fence(void **state)
{
    (void)state;
    each_pair(check_owner_gives_up_only_by_fence);
}

static void check_fence_falls_only_by_decision(const struct ownership *o,
                                               const struct ownership_event *ev)
{
    struct ownership next;

    if (o->fenced_epoch == 0 || ownership_next(o, ev, &next, NULL) < 0 || next.fenced_epoch != 0)
        return;
    if (next.owns)
        assert_true(ev->kind == OWNERSHIP_ABORT && ev->decision == CONTROL_ABORT);
    else
        assert_true(ev->past == CONTROL_PROMOTE);
}

static void a_fence_falls_only_by_a_decision(void **state)
{
    (void)state;
    each_pair(check_fence_falls_only_by_decision);
}

static void check_repeating_changes_nothing(const struct ownership *o,
                                            const struct ownership_event *ev)
{
    struct ownership once;
    struct ownership twice;

    if (ownership_next(o, ev, &once, NULL) < 0)
        return;
    assert_ok(ownership_next(&once, ev, &twice, NULL));
    assert_true(same(&once, &twice));
    assert_true(is_possible(&once));
}

static void repeating_an_event_changes_nothing(void **state)
{
    (void)state;
    each_pair(check_repeating_changes_nothing);
}

/* -- single rules --------------------------------------------------------------- */

static void the_first_owner_has_no_record(void **state)
{
    struct ownership none = {0};
    struct ownership_event ev = event(OWNERSHIP_ADOPT, 0);
    struct ownership next;

    (void)state;
    assert_ok(ownership_next(&none, &ev, &next, NULL));
    assert_true(ownership_writable(&next));
    none = follower_at(0);
    assert_fails(-EPERM, ownership_next(&none, &ev, &next, NULL));
}

static void a_late_fence_of_an_aborted_epoch_does_not_fence_again(void **state)
{
    struct ownership o = owner_at(0);
    struct ownership_event fence = event(OWNERSHIP_FENCE, 1);
    struct ownership_event abort = event(OWNERSHIP_ABORT, 1);

    (void)state;
    abort.decision = CONTROL_ABORT;
    assert_ok(ownership_next(&o, &fence, &o, NULL));
    assert_false(ownership_writable(&o));
    assert_ok(ownership_next(&o, &abort, &o, NULL));
    assert_true(ownership_writable(&o));
    assert_true(o.start_owed);
    assert_fails(-ESTALE, ownership_next(&o, &fence, &o, NULL));
    assert_true(ownership_writable(&o));
}

static void an_abort_that_met_no_fence_owes_no_start(void **state)
{
    struct ownership o = owner_at(0);
    struct ownership_event abort = event(OWNERSHIP_ABORT, 1);
    struct ownership_event fence = event(OWNERSHIP_FENCE, 1);

    (void)state;
    abort.decision = CONTROL_ABORT;
    assert_ok(ownership_next(&o, &abort, &o, NULL));
    assert_false(o.start_owed);
    assert_fails(-ESTALE, ownership_next(&o, &fence, &o, NULL));
}

static void a_holder_whose_promotion_was_lost_can_be_fenced_with_its_proof(void **state)
{
    struct ownership o = follower_at(1);
    struct ownership_event fence = event(OWNERSHIP_FENCE, 2);
    struct ownership next;

    (void)state;
    assert_fails(-EPERM, ownership_next(&o, &fence, &next, NULL));
    fence.past = CONTROL_PROMOTE;
    assert_ok(ownership_next(&o, &fence, &next, NULL));
    assert_true(next.owns);
    assert_int_equal(2, next.fenced_epoch);
}

static void the_old_holder_follows_only_after_a_promote(void **state)
{
    struct ownership o = owner_at(3);
    struct ownership_event cede = event(OWNERSHIP_CEDE, 3);
    struct ownership next;

    (void)state;
    assert_fails(-EPERM, ownership_next(&o, &cede, &next, NULL));
    o.fenced_epoch = 3;
    assert_fails(-EPERM, ownership_next(&o, &cede, &next, NULL));
    cede.past = CONTROL_ABORT;
    assert_fails(-EPERM, ownership_next(&o, &cede, &next, NULL));
    cede.past = CONTROL_PROMOTE;
    assert_ok(ownership_next(&o, &cede, &next, NULL));
    assert_false(next.owns);
    assert_int_equal(0, next.fenced_epoch);
    assert_int_equal(OWNERSHIP_FOLLOW, next.role);
}

static void an_assignment_never_raises_the_epoch_of_a_record(void **state)
{
    struct ownership o = follower_at(1);
    struct ownership_event cede = event(OWNERSHIP_CEDE, 2);

    (void)state;
    assert_ok(ownership_next(&o, &cede, &o, NULL));
    assert_int_equal(1, o.max_epoch);
}

static void what_the_record_waits_on_is_its_fence_or_its_applied_epoch(void **state)
{
    struct ownership fenced = owner_at(2);
    struct ownership follower = follower_at(2);

    (void)state;
    assert_int_equal(0, ownership_waits_on(&fenced, 2));
    fenced.fenced_epoch = 2;
    assert_int_equal(2, ownership_waits_on(&fenced, 0));
    assert_int_equal(2, ownership_waits_on(&follower, 2));
    assert_int_equal(0, ownership_waits_on(&follower, 1));
}

/* -- the file -------------------------------------------------------------------- */

static void a_record_survives_its_file(void **state)
{
    char *dir = unit_mkdir();
    struct ownership o = {.known = true,
                          .owns = true,
                          .max_epoch = 5,
                          .fenced_epoch = 5,
                          .fenced_wall_ms = 123,
                          .role = OWNERSHIP_PUSH};
    struct ownership back = {0};

    (void)state;
    assert_ok(ownership_load(dir, &back, NULL));
    assert_false(back.known);
    assert_ok(ownership_save(dir, &o, NULL));
    assert_ok(ownership_load(dir, &back, NULL));
    assert_true(same(&o, &back));
    assert_int_equal(123, back.fenced_wall_ms);
    unit_rmdir(dir);
}

static void a_damaged_record_is_an_error_not_a_permission(void **state)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "{\"max_epoch\":1",
                                        "[]",
                                        "{\"max_epoch\":-1,\"owns\":true,\"fenced_epoch\":0,"
                                        "\"role\":\"push\"}",
                                        "{\"max_epoch\":1,\"owns\":true,\"fenced_epoch\":0,"
                                        "\"role\":\"king\"}",
                                        "{\"max_epoch\":1,\"owns\":\"yes\",\"fenced_epoch\":0,"
                                        "\"role\":\"push\"}"};
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct ownership back;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_ok(fd_save(unit_path(dir, "ownership.json", path), slice_str(texts[i]), 0600, NULL));
        assert_fails(-EINVAL, ownership_load(dir, &back, NULL));
    }
    unit_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_epoch_only_grows),
        cmocka_unit_test(nothing_older_than_the_highest_epoch_acts),
        cmocka_unit_test(a_refusal_leaves_the_output_alone),
        cmocka_unit_test(only_adopt_promote_and_abort_make_writable_and_only_with_their_decision),
        cmocka_unit_test(an_unfenced_owner_gives_nothing_up_but_by_its_fence),
        cmocka_unit_test(a_fence_falls_only_by_a_decision),
        cmocka_unit_test(repeating_an_event_changes_nothing),
        cmocka_unit_test(the_first_owner_has_no_record),
        cmocka_unit_test(a_late_fence_of_an_aborted_epoch_does_not_fence_again),
        cmocka_unit_test(an_abort_that_met_no_fence_owes_no_start),
        cmocka_unit_test(a_holder_whose_promotion_was_lost_can_be_fenced_with_its_proof),
        cmocka_unit_test(the_old_holder_follows_only_after_a_promote),
        cmocka_unit_test(an_assignment_never_raises_the_epoch_of_a_record),
        cmocka_unit_test(what_the_record_waits_on_is_its_fence_or_its_applied_epoch),
        cmocka_unit_test(a_record_survives_its_file),
        cmocka_unit_test(a_damaged_record_is_an_error_not_a_permission),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
