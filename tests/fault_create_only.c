/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store whose create-only PUT answers 501, and replies that are lost after the write.
 *
 * One story in one process: the failpoint store_put refuses exactly those passes of it that would
 * be create-only. The program sets them for itself and starts itself again.
 */
#include "tests/vault_fixture.h"

#include "base/gw.h"
#include "transport/control.h"
#include "transport/point.h"

#include "base/banned.h"

/* Pass 1 makes the vault, 2 is its second try; 3 and 4 the first point; 5 a rival; 6 a claim;
 * 7 a claim whose reply is lost, 8 the same again. */
#define FAILPOINTS                                                                                 \
    "store_put:1=err:EOPNOTSUPP;store_put:3=err:EOPNOTSUPP;store_put:5=err:EOPNOTSUPP;"            \
    "store_put:6=err:EOPNOTSUPP;store_put_done:3=err:EIO"

static void first_point(struct point *p, uint64_t taken_ms)
{
    assert_ok(point_set_size(p, 4096, NULL));
    p->info.seq = 1;
    p->info.taken_ms = taken_ms;
}

static void without_create_only_points_are_weak_and_epochs_refused(void **state)
{
    struct vault *v = fixture_vault("mem:weak", fixture_key); /* passes 1 and 2 */
    auto_point struct point mine = {0};
    auto_point struct point rival = {0};
    struct replica_point stands;
    struct err err = {0};
    bool weak = false;

    (void)state;
    first_point(&mine, 1);
    first_point(&rival, 2);
    assert_ok(point_commit(v, "r", &mine, &weak, &err));
    assert_true(weak);
    assert_fails(-EEXIST, point_commit(v, "r", &rival, &weak, &err));
    assert_int_equal(GW_REPLICA_LOCKED, err.gw);
    assert_ok(replica_point(v, "r", 1, 0, &stands, NULL));
    assert_memory_equal(mine.info.hash, stands.hash, sizeof(stands.hash));
    assert_fails(-EOPNOTSUPP, control_claim(v, "shop", 1, "op-1", NULL));
    assert_fails(-EIO, control_claim(v, "shop", 1, "op-1", NULL));
    assert_ok(control_claim(v, "shop", 1, "op-1", NULL));
    assert_fails(-EEXIST, control_claim(v, "shop", 1, "op-2", NULL));
    vault_close(v);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_create_only_points_are_weak_and_epochs_refused),
    };
    const char *compiled_in = getenv("GODWIT_TEST_FAILPOINTS");

    (void)argc;
    if (compiled_in && !compiled_in[0]) {
        puts("needs --enable-failpoints");
        return 77;
    }
    if (!getenv("GODWIT_FAILPOINT")) {
        setenv("GODWIT_FAILPOINT", FAILPOINTS, 1);
        execv("/proc/self/exe", argv);
        perror("execv");
        return 99;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
