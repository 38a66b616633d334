/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs and decisions: one winner whatever the race, and no forgery. */
#include "tests/vault_fixture.h"

#include "base/gw.h"
#include "base/text.h"
#include "base/worker.h"
#include "transport/control.h"

#include <pthread.h>

#include "base/banned.h"

enum { RACERS = 8, ROUNDS = 25 };

static struct control_verdict promote(uint64_t epoch, const char *by)
{
    struct control_verdict d = {
        .decision = CONTROL_PROMOTE, .epoch = epoch, .decided_ms = 1700000000000, .volumes_n = 2};

    text_copy(d.by, sizeof(d.by), by);
    text_copy(d.volumes[0].replica, sizeof(d.volumes[0].replica), "db-01/pg");
    text_copy(d.volumes[1].replica, sizeof(d.volumes[1].replica), "web-01/root");
    d.volumes[0].seq = 41;
    d.volumes[1].seq = 7;
    fixture_noise(1, d.volumes[0].digest, REPLICA_DIGEST_LEN);
    fixture_noise(2, d.volumes[1].digest, REPLICA_DIGEST_LEN);
    return d;
}

static struct control_verdict give_up(uint64_t epoch, const char *by, const char *reason)
{
    struct control_verdict d = {.decision = CONTROL_ABORT, .epoch = epoch, .decided_ms = 5};

    text_copy(d.by, sizeof(d.by), by);
    text_copy(d.reason, sizeof(d.reason), reason);
    return d;
}

/* ---- alone ----------------------------------------------------------------- */

static void an_epoch_has_one_holder(void **state)
{
    struct vault *v = fixture_vault("mem:c", fixture_key);
    struct err err = {0};

    (void)state;
    assert_ok(control_claim(v, "shop", 1, "op-1", NULL));
    assert_ok(control_claim(v, "shop", 1, "op-1", NULL)); /* again: the first reply was lost */
    assert_fails(-EEXIST, control_claim(v, "shop", 1, "op-2", &err));
    assert_int_equal(GW_SWITCH_OPEN, err.gw);
    assert_non_null(strstr(err.text, "op-1"));
    assert_ok(control_claim(v, "shop", 2, "op-2", NULL));
    assert_ok(control_claim(v, "mail", 1, "op-2", NULL));
    vault_close(v);
}

static void bad_claims_never_reach_the_store(void **state)
{
    struct vault *v = fixture_vault("mem:c", fixture_key);
    char huge[CONTROL_TEXT_MAX + 1];

    (void)state;
    memset(huge, 'x', sizeof(huge));
    huge[CONTROL_TEXT_MAX] = '\0';
    assert_fails(-EINVAL, control_claim(v, "../shop", 1, "op", NULL));
    assert_fails(-EINVAL, control_claim(v, "", 1, "op", NULL));
    assert_fails(-EINVAL, control_claim(v, "shop", 1, "", NULL));
    assert_fails(-EINVAL, control_claim(v, "shop", 1, huge, NULL));
    vault_close(v);
}

static void a_decision_comes_back_whole(void **state)
{
    struct control_verdict want = promote(3, "planner \"x\" \xc3\xa9");
    struct control_verdict got;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct vault *v = fixture_vault(i ? "mem:open" : "mem:c", i ? NULL : fixture_key);

        assert_ok(control_read(v, "shop", 3, &got, NULL));
        assert_int_equal(CONTROL_NONE, got.decision);
        assert_ok(control_decide(v, "shop", &want, &got, NULL));
        assert_memory_equal(&want, &got, sizeof(want));
        assert_ok(control_read(v, "shop", 3, &got, NULL));
        assert_memory_equal(&want, &got, sizeof(want));
        vault_close(v);
    }
}

static void the_first_decision_stands_for_ever(void **state)
{
    struct vault *v = fixture_vault("mem:c", fixture_key);
    struct control_verdict yes = promote(1, "planner");
    struct control_verdict no = give_up(1, "h-1", "planner is dead");
    struct control_verdict standing;

    (void)state;
    assert_ok(control_decide(v, "shop", &no, &standing, NULL));
    assert_ok(control_decide(v, "shop", &yes, &standing, NULL));
    assert_int_equal(CONTROL_ABORT, standing.decision);
    assert_string_equal("h-1", standing.by);
    assert_string_equal("planner is dead", standing.reason);
    vault_close(v);
}

static void verdicts_that_say_nothing_are_refused(void **state)
{
    struct vault *v = fixture_vault("mem:c", fixture_key);
    struct control_verdict standing;
    struct control_verdict bad[4];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = promote(1, "x");
    bad[0].decision = CONTROL_NONE;
    bad[1].volumes_n = 0;
    bad[2].volumes_n = CONTROL_VOLUMES_MAX + 1;
    bad[3].volumes[1].seq = 0;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(-EINVAL, control_decide(v, "shop", &bad[i], &standing, NULL));
    assert_ok(control_read(v, "shop", 1, &standing, NULL));
    assert_int_equal(CONTROL_NONE, standing.decision);
    vault_close(v);
}

static void as_many_volumes_as_allowed_fit(void **state)
{
    struct vault *v = fixture_vault("mem:c", fixture_key);
    struct control_verdict want = promote(1, "planner");
    struct control_verdict got;

    (void)state;
    want.volumes_n = CONTROL_VOLUMES_MAX;
    for (size_t i = 2; i < CONTROL_VOLUMES_MAX; i++)
        want.volumes[i] = want.volumes[i % 2];
    assert_ok(control_decide(v, "shop", &want, &got, NULL));
    assert_memory_equal(&want, &got, sizeof(want));
    vault_close(v);
}

/* ---- damage ---------------------------------------------------------------- */

static void expect_damaged(int rc, const struct err *err)
{
    assert_int_equal(-EBADMSG, rc);
    assert_int_equal(GW_VAULT_DAMAGED, err->gw);
}

static void every_flipped_bit_and_truncation_is_refused(void **state)
{
    static const char key[] = "decisions/shop/0000000000000001";
    struct vault *v = fixture_vault("mem:c", fixture_key);
    struct control_verdict want = promote(1, "planner");
    struct control_verdict got;
    auto_buf struct buf object = {0};

    (void)state;
    assert_ok(control_decide(v, "shop", &want, &got, NULL));
    fixture_get(v, key, &object);
    for (size_t bit = 0; bit < object.len * 8; bit++) {
        struct err err = {0};

        object.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        fixture_put(v, key, buf_slice(&object));
        expect_damaged(control_read(v, "shop", 1, &got, &err), &err);
        object.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < object.len; len++) {
        struct err err = {0};

        fixture_put(v, key, slice_of(object.data, len));
        expect_damaged(control_read(v, "shop", 1, &got, &err), &err);
        expect_damaged(control_decide(v, "shop", &want, &got, &err), &err);
    }
    vault_close(v);
}

static void records_in_the_place_of_others_are_refused(void **state)
{
    struct vault *v = fixture_vault("mem:c", fixture_key);
    struct vault *w = fixture_vault("mem:d", fixture_key);
    struct control_verdict want = promote(1, "planner");
    struct control_verdict got;
    auto_buf struct buf decision = {0};
    auto_buf struct buf epoch = {0};
    struct err err = {0};

    (void)state;
    assert_ok(control_decide(v, "shop", &want, &got, NULL));
    assert_ok(control_claim(v, "shop", 1, "op-1", NULL));
    fixture_get(v, "decisions/shop/0000000000000001", &decision);
    fixture_get(v, "epochs/shop/0000000000000001", &epoch);
    fixture_put(v, "decisions/shop/0000000000000002", buf_slice(&decision));
    expect_damaged(control_read(v, "shop", 2, &got, &err), &err);
    fixture_put(v, "decisions/mail/0000000000000001", buf_slice(&decision));
    expect_damaged(control_read(v, "mail", 1, &got, &err), &err);
    fixture_put(v, "decisions/shop/0000000000000003", buf_slice(&epoch));
    expect_damaged(control_read(v, "shop", 3, &got, &err), &err);
    fixture_put(v, "epochs/shop/0000000000000009", buf_slice(&epoch));
    expect_damaged(control_claim(v, "shop", 9, "op-1", &err), &err);
    fixture_put(w, "decisions/shop/0000000000000001", buf_slice(&decision));
    expect_damaged(control_read(w, "shop", 1, &got, &err), &err);
    vault_close(w);
    vault_close(v);
}

/* A record that somebody with the key wrote wrongly is refused too: key and body must agree. */
static void records_that_speak_of_something_else_are_refused(void **state)
{
    static const char key[] = "decisions/shop/0000000000000001";
    static const char *const bodies[] = {
        "{\"schema\":\"godwit.decision/"
        "1\",\"workload\":\"shop\",\"epoch\":2,\"decision\":\"abort\","
        "\"decided_ms\":1,\"by\":\"x\",\"reason\":\"\",\"volumes\":[]}",
        "{\"schema\":\"godwit.decision/"
        "1\",\"workload\":\"mail\",\"epoch\":1,\"decision\":\"abort\","
        "\"decided_ms\":1,\"by\":\"x\",\"reason\":\"\",\"volumes\":[]}",
        "{\"schema\":\"godwit.decision/"
        "2\",\"workload\":\"shop\",\"epoch\":1,\"decision\":\"abort\","
        "\"decided_ms\":1,\"by\":\"x\",\"reason\":\"\",\"volumes\":[]}",
        "{\"schema\":\"godwit.decision/"
        "1\",\"workload\":\"shop\",\"epoch\":1,\"decision\":\"maybe\","
        "\"decided_ms\":1,\"by\":\"x\",\"reason\":\"\",\"volumes\":[]}",
        "[]",
        "1"};
    static const char good[] = "{\"schema\":\"godwit.decision/"
                               "1\",\"workload\":\"shop\",\"epoch\":1,\"decision\":\"abort\","
                               "\"decided_ms\":1,\"by\":\"x\",\"reason\":\"\",\"volumes\":[]}";
    struct vault *v = fixture_vault("mem:c", fixture_key);
    struct control_verdict got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct err err = {0};

        fixture_put_record(v, key, slice_str(bodies[i]));
        expect_damaged(control_read(v, "shop", 1, &got, &err), &err);
    }
    fixture_put_record(v, key, slice_str(good));
    assert_ok(control_read(v, "shop", 1, &got, NULL));
    assert_int_equal(CONTROL_ABORT, got.decision);
    vault_close(v);
}

/* ---- races ----------------------------------------------------------------- */

struct race {
    struct vault *vaults[RACERS];
    uint64_t epoch;
    pthread_barrier_t start;
    int claims[RACERS];
    struct control_verdict standing[RACERS];
};

static int race_one(void *arg, size_t index, struct err *err)
{
    struct race *r = arg;
    struct vault *v = r->vaults[index];
    struct control_verdict mine;
    char who[16];

    snprintf(who, sizeof(who), "op-%zu", index);
    mine = index % 2 ? promote(r->epoch, who) : give_up(r->epoch, who, "race");
    pthread_barrier_wait(&r->start);
    r->claims[index] = control_claim(v, "shop", r->epoch, who, NULL);
    pthread_barrier_wait(&r->start);
    return control_decide(v, "shop", &mine, &r->standing[index], err);
}

static void race_round(struct race *r)
{
    struct workers *group = NULL;
    struct err err = {0};
    size_t winners = 0;

    assert_ok(workers_start(RACERS, "race", race_one, r, &group, NULL));
    if (workers_join(group, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < RACERS; i++) {
        winners += r->claims[i] == 0;
        if (r->claims[i] != 0)
            assert_int_equal(-EEXIST, r->claims[i]);
        assert_memory_equal(&r->standing[0], &r->standing[i], sizeof(r->standing[0]));
    }
    assert_int_equal(1, winners);
}

static void race(const char *url)
{
    auto_free struct race *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    assert_int_equal(0, pthread_barrier_init(&r->start, NULL, RACERS));
    r->vaults[0] = fixture_vault(url, fixture_key);
    for (size_t i = 1; i < RACERS; i++)
        assert_ok(vault_dup(r->vaults[0], &r->vaults[i], NULL));
    for (r->epoch = 1; r->epoch <= ROUNDS; r->epoch++)
        race_round(r);
    for (size_t i = 0; i < RACERS; i++)
        vault_close(r->vaults[i]);
    pthread_barrier_destroy(&r->start);
}

static void many_threads_one_winner_in_memory(void **state)
{
    (void)state;
    race("mem:race");
}

static void many_threads_one_winner_in_a_directory(void **state)
{
    char *dir = unit_mkdir();
    char url[PATH_MAX + 16];

    (void)state;
    snprintf(url, sizeof(url), "file://%s", dir);
    race(url);
    unit_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_has_one_holder),
        cmocka_unit_test(bad_claims_never_reach_the_store),
        cmocka_unit_test(a_decision_comes_back_whole),
        cmocka_unit_test(the_first_decision_stands_for_ever),
        cmocka_unit_test(verdicts_that_say_nothing_are_refused),
        cmocka_unit_test(as_many_volumes_as_allowed_fit),
        cmocka_unit_test(every_flipped_bit_and_truncation_is_refused),
        cmocka_unit_test(records_in_the_place_of_others_are_refused),
        cmocka_unit_test(records_that_speak_of_something_else_are_refused),
        cmocka_unit_test(many_threads_one_winner_in_memory),
        cmocka_unit_test(many_threads_one_winner_in_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
