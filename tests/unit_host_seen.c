/* SPDX-License-Identifier: Apache-2.0 */
/* One identity, one place: what a renewal explains, and what it does not. */
#include "tests/unit.h"

#include "base/text.h"
#include "planner/service/host_seen.h"

#include "base/banned.h"

enum { NOW = 1000 * 1000 * 1000 };

static enum host_seen_verdict judge(struct host_seen_facts facts)
{
    const char *why = NULL;

    return host_seen_judge(&facts, NOW, &why);
}

static void a_certificate_that_was_given_may_be_used_first(void **state)
{
    (void)state;
    assert_int_equal(HOST_SEEN_FIRST_USE, judge((struct host_seen_facts){.unseen = 1}));
    assert_int_equal(HOST_SEEN_TWICE, judge((struct host_seen_facts){.unseen = 0}));
}

static void the_first_use_of_an_old_certificate_is_judged_like_any_other(void **state)
{
    struct host_seen_facts f = {.known = true, .unused = true};

    (void)state;
    assert_int_equal(HOST_SEEN_FIRST_USE, judge(f));
    f.newer_first_use_ms = NOW - HOST_SEEN_GRACE_MS - 1;
    assert_int_equal(HOST_SEEN_TWICE, judge(f));
    f.revoked = true;
    assert_int_equal(HOST_SEEN_REVOKED, judge(f));
}

static void the_newest_certificate_is_always_good(void **state)
{
    (void)state;
    assert_int_equal(HOST_SEEN_OK, judge((struct host_seen_facts){.known = true}));
}

static void the_one_before_is_good_for_a_while(void **state)
{
    struct host_seen_facts f = {.known = true, .newer_first_use_ms = NOW - HOST_SEEN_GRACE_MS};

    (void)state;
    assert_int_equal(HOST_SEEN_OK, judge(f));
    f.newer_first_use_ms -= 1;
    assert_int_equal(HOST_SEEN_TWICE, judge(f));
}

static void a_revoked_one_is_never_good(void **state)
{
    (void)state;
    assert_int_equal(HOST_SEEN_REVOKED,
                     judge((struct host_seen_facts){.known = true, .revoked = true}));
}

/* "INSTANCE@ADDRESS", either may be empty. */
static struct host_seen_place place_of(const char *text)
{
    struct host_seen_place place = {0};
    const char *at = strchr(text, '@');

    if (at)
        memcpy(place.instance, text, (size_t)(at - text));
    (void)text_copy(place.address, sizeof(place.address), at ? at + 1 : text);
    return place;
}

/* How many polls of this row of places until one is too many; 0 = none. */
static size_t polls_until(const char *const *places, uint64_t step_ms)
{
    struct host_seen_polls polls = {0};
    bool changed;

    for (size_t i = 0; places[i]; i++) {
        const struct host_seen_place place = place_of(places[i]);

        if (host_seen_poll_add(&polls, &place, NOW + i * step_ms, &changed))
            return i + 1;
    }
    return 0;
}

static void one_address_is_fine_for_ever(void **state)
{
    static const char *const same[] = {"a", "a", "a", "a", "a", "a", "a", "a", NULL};

    (void)state;
    assert_int_equal(0, polls_until(same, 1000));
}

static void moving_on_is_fine(void **state)
{
    static const char *const moves[] = {"a", "b", "c", "d", "e", "f", "g", NULL};
    static const char *const fails_over[] = {"a", "a", "b", "b", "b", "a", "a", NULL};

    (void)state;
    assert_int_equal(0, polls_until(moves, 1000));
    assert_int_equal(0, polls_until(fails_over, 1000));
}

static void two_places_in_turn_are_noticed(void **state)
{
    static const char *const turns[] = {"a", "b", "a", "b", "a", "b", NULL};
    static const char *const pairs[] = {"a", "a", "b", "b", "a", "a", "b", "b", "a", "a", NULL};

    (void)state;
    assert_int_equal(5, polls_until(turns, 1000));
    assert_int_equal(9, polls_until(pairs, 1000));
}

static void seldom_changes_are_no_alternation(void **state)
{
    static const char *const turns[] = {"a", "b", "a", "b", "a", "b", "a", "b", NULL};

    (void)state;
    assert_int_equal(0, polls_until(turns, HOST_SEEN_FLIP_MS));
}

static void an_agent_may_start_again_and_come_from_where_it_likes(void **state)
{
    static const char *const starts[] = {"1@a", "2@a", "3@a", "3@a", "4@a", "5@a", "6@a", NULL};
    static const char *const roams[] = {"1@a", "1@b", "1@a", "1@b", "1@a", "1@b", "1@a", NULL};
    static const char *const upgraded[] = {"@a", "@a", "1@a", "1@a", "2@a", "2@a", NULL};

    (void)state;
    assert_int_equal(0, polls_until(starts, 1000));
    assert_int_equal(0, polls_until(roams, 1000));
    assert_int_equal(0, polls_until(upgraded, 1000));
}

static void two_agents_at_one_address_are_noticed(void **state)
{
    static const char *const turns[] = {"1@a", "2@a", "1@a", "2@a", "1@a", NULL};
    static const char *const two[] = {"1@a", "2@b", "1@a", "2@b", "1@a", NULL};

    (void)state;
    assert_int_equal(5, polls_until(turns, 1000));
    assert_int_equal(5, polls_until(two, 1000));
}

/* Each start of the copy is another one. */
static void a_copy_that_keeps_dying_is_noticed(void **state)
{
    static const char *const turns[] = {"1@a", "2@a", "1@a", "3@a", "1@a", "4@a", "1@a", NULL};

    (void)state;
    assert_int_equal(7, polls_until(turns, 1000));
}

/* A poll that was on its way when the agent was started again may be read late. */
static void a_late_poll_of_the_one_before_means_nothing(void **state)
{
    static const char *const late[] = {"1@a", "2@a", "1@a", "2@a", "2@a", "2@a", "3@a", NULL};

    (void)state;
    assert_int_equal(0, polls_until(late, 1000));
}

static void only_changes_must_be_kept(void **state)
{
    const struct host_seen_place a = place_of("1@a"), moved = place_of("1@b");
    struct host_seen_polls polls = {0};
    bool changed = false;

    (void)state;
    host_seen_poll_add(&polls, &a, NOW, &changed);
    assert_true(changed);
    host_seen_poll_add(&polls, &a, NOW + 1, &changed);
    assert_false(changed);
    host_seen_poll_add(&polls, &moved, NOW + 2, &changed);
    assert_true(changed);
    assert_string_equal("b", polls.last.address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_that_was_given_may_be_used_first),
        cmocka_unit_test(the_first_use_of_an_old_certificate_is_judged_like_any_other),
        cmocka_unit_test(the_newest_certificate_is_always_good),
        cmocka_unit_test(the_one_before_is_good_for_a_while),
        cmocka_unit_test(a_revoked_one_is_never_good),
        cmocka_unit_test(one_address_is_fine_for_ever),
        cmocka_unit_test(moving_on_is_fine),
        cmocka_unit_test(two_places_in_turn_are_noticed),
        cmocka_unit_test(seldom_changes_are_no_alternation),
        cmocka_unit_test(an_agent_may_start_again_and_come_from_where_it_likes),
        cmocka_unit_test(two_agents_at_one_address_are_noticed),
        cmocka_unit_test(a_copy_that_keeps_dying_is_noticed),
        cmocka_unit_test(a_late_poll_of_the_one_before_means_nothing),
        cmocka_unit_test(only_changes_must_be_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
