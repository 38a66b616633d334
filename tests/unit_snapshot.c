/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a volume group each of its snapshots gets. */
#include "tests/unit.h"

#include "transport/snapshot_impl.h"

#include "base/banned.h"

enum { EXTENT = 4 << 20, SECTOR = 512 };

/* lvcreate refuses 1398101 bytes: "Size is not a multiple of 512". */
static void the_room_is_whole_sectors(void **state)
{
    const uint64_t volume = UINT64_C(1) << 40;

    (void)state;
    for (unsigned share = 1; share <= 64; share++) {
        const uint64_t room = snapshot_lvm_room(volume, EXTENT, share);

        assert_int_equal(0, room % SECTOR);
        assert_true(room > 0);
        assert_true(room * share <= EXTENT);
    }
}

static void no_more_is_taken_than_the_volume_has(void **state)
{
    (void)state;
    assert_int_equal(EXTENT, snapshot_lvm_room(EXTENT, UINT64_C(100) * EXTENT, 3));
    assert_int_equal(0, snapshot_lvm_room(EXTENT, 0, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_room_is_whole_sectors),
        cmocka_unit_test(no_more_is_taken_than_the_volume_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
