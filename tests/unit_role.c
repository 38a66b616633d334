/* SPDX-License-Identifier: Apache-2.0 */
/* Who does the same: by the ports served and asked, whatever their order. */
#include "planner/engine/role.h"
#include "planner/engine/wave_random.h"
#include "tests/unit.h"

#include "base/banned.h"

/* Hosts 0 and 2 serve 80 and 443 and ask 5432; 1 and 3 serve 5432; all serve 22; 4 is silent. */
static const struct role_port profile[] = {
    {0, 80, false},   {0, 443, false}, {0, 5432, true}, {0, 22, false}, {1, 5432, false},
    {1, 22, false},   {2, 80, false},  {2, 443, false}, {2, 22, false}, {2, 5432, true},
    {3, 5432, false}, {3, 22, false},  {3, 9, false},   {0, 22, false},
};

static void replicas_have_one_role_whatever_the_order(void **state)
{
    static const uint32_t want[] = {0, 1, 0, 1, 2};
    struct wave_random r = {.state = 3};
    struct role_port ports[ARRAY_LEN(profile)];

    (void)state;
    memcpy(ports, profile, sizeof(profile));
    for (unsigned round = 0; round < 20; round++) {
        uint32_t role[5];
        size_t n = 0;

        for (size_t i = ARRAY_LEN(ports) - 1; i > 0; i--) {
            size_t k = wave_random_below(&r, i + 1);
            struct role_port swapped = ports[i];

            ports[i] = ports[k];
            ports[k] = swapped;
        }
        assert_ok(role_find(5, ports, ARRAY_LEN(ports), 0, role, &n, NULL));
        assert_int_equal(n, 3);
        assert_memory_equal(role, want, sizeof(want));
    }
}

static void no_ports_no_likeness(void **state)
{
    uint32_t role[3];
    size_t n = 0;

    (void)state;
    assert_ok(role_find(3, NULL, 0, 0, role, &n, NULL));
    assert_int_equal(n, 3);
    assert_ok(role_find(0, NULL, 0, 0, role, &n, NULL));
    assert_int_equal(n, 0);
}

static void what_is_out_of_range_is_refused(void **state)
{
    struct role_port port = {.host = 1};
    uint32_t role[1];
    size_t n;

    (void)state;
    assert_fails(-EINVAL, role_find(1, &port, 1, 0, role, &n, NULL));
    assert_fails(-EFBIG, role_find(ROLE_HOSTS_MAX + 1, NULL, 0, 0, role, &n, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_have_one_role_whatever_the_order),
        cmocka_unit_test(no_ports_no_likeness),
        cmocka_unit_test(what_is_out_of_range_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
