/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's ledger: what was acknowledged is found, what is gone is called lost, and a ring stays
 * honest about what it overwrote. */
#include "tests/unit.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/demo_ledger.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/banned.h"

enum { BLOCKS = 3, PLACES = BLOCKS * DEMO_LEDGER_BLOCK / DEMO_LEDGER_RECORD };

struct place {
    char dir[64], image[128], map[128], copy[128], acks[128];
    struct demo_ledger_file f;
};

/* The file's blocks lie out of order in the image, as they may. */
static const unsigned order[BLOCKS] = {5, 2, 9};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    int fd;

    assert_non_null(p);
    assert_int_equal(text_copy(p->dir, sizeof(p->dir), "/tmp/godwit-ledger-XXXXXX"), 0);
    assert_non_null(mkdtemp(p->dir));
    assert_int_equal(text_print(p->image, sizeof(p->image), "%s/image", p->dir), 0);
    assert_int_equal(text_print(p->map, sizeof(p->map), "%s/map", p->dir), 0);
    assert_int_equal(text_print(p->copy, sizeof(p->copy), "%s/copy", p->dir), 0);
    assert_int_equal(text_print(p->acks, sizeof(p->acks), "%s/acks", p->dir), 0);
    assert_int_equal(fd_save(p->map, slice_str("5 2 9 \n"), 0600, NULL), 0);
    fd = open(p->image, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 10 * DEMO_LEDGER_BLOCK), 0);
    close(fd);
    assert_int_equal(demo_ledger_open(p->image, p->map, &p->f, NULL), 0);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    demo_ledger_close(&p->f);
    unlink(p->image);
    unlink(p->map);
    unlink(p->copy);
    unlink(p->acks);
    rmdir(p->dir);
    free(p);
    return 0;
}

/* Write records [from, to) and list them as acknowledged by side. */
static void append(struct place *p, uint64_t from, uint64_t to, const char *side)
{
    FILE *acks = fopen(p->acks, "ae");

    assert_non_null(acks);
    for (uint64_t n = from; n < to; n++) {
        uint8_t sum[CRYPTO_SHA256_LEN];
        char hex[2 * CRYPTO_SHA256_LEN + 1];

        assert_int_equal(demo_ledger_append(&p->f, n, side, sum, NULL), 0);
        fprintf(acks, "%llu %s %s\n", (unsigned long long)n, text_hex(sum, sizeof(sum), hex), side);
    }
    fclose(acks);
}

/* What debugfs would extract: the blocks in the order of the file. */
static void extract(struct place *p)
{
    struct buf all = {0};

    for (size_t i = 0; i < BLOCKS; i++) {
        uint8_t block[DEMO_LEDGER_BLOCK];

        assert_int_equal(fd_pread_full(p->f.fd, block, sizeof(block),
                                       (uint64_t)order[i] * DEMO_LEDGER_BLOCK, NULL),
                         0);
        buf_append(&all, block, sizeof(block));
    }
    assert_int_equal(fd_save(p->copy, buf_slice(&all), 0600, NULL), 0);
    buf_done(&all);
}

static struct demo_ledger_verdict check(struct place *p)
{
    struct demo_ledger_verdict v;
    struct err err = {0};

    extract(p);
    if (demo_ledger_check(p->copy, p->acks, &v, &err) < 0)
        fail_msg("%s", err.text);
    return v;
}

static void what_was_acknowledged_is_found(void **state)
{
    struct demo_ledger_verdict v;

    append(*state, 0, 4, "source");
    append(*state, 4, 7, "target");
    v = check(*state);
    assert_int_equal(v.acknowledged, 7);
    assert_int_equal(v.found, 7);
    assert_int_equal(v.by_source, 4);
    assert_int_equal(v.by_target, 3);
    assert_int_equal(v.lost, 0);
    assert_int_equal(v.overwritten, 0);
    assert_int_equal(v.violations, 0);
}

static void an_empty_ledger_begins_at_nothing(void **state)
{
    struct place *p = *state;
    uint64_t next = 99;

    assert_int_equal(p->f.records, PLACES);
    assert_int_equal(demo_ledger_next(&p->f, &next, NULL), 0);
    assert_int_equal(next, 0);
}

static void it_goes_on_where_it_was(void **state)
{
    struct place *p = *state;
    uint64_t next;

    append(p, 0, 5, "source");
    assert_int_equal(demo_ledger_next(&p->f, &next, NULL), 0);
    assert_int_equal(next, 5);
    append(p, 5, PLACES + 3, "source");
    assert_int_equal(demo_ledger_next(&p->f, &next, NULL), 0);
    assert_int_equal(next, PLACES + 3);
}

static void one_altered_bit_is_a_lost_record(void **state)
{
    struct place *p = *state;
    struct demo_ledger_verdict v;
    uint64_t at = (uint64_t)order[0] * DEMO_LEDGER_BLOCK + 2 * DEMO_LEDGER_RECORD + 100;
    uint8_t byte;

    append(p, 0, 6, "source");
    assert_int_equal(fd_pread_full(p->f.fd, &byte, 1, at, NULL), 0);
    byte ^= 1;
    assert_int_equal(fd_pwrite_full(p->f.fd, &byte, 1, at, NULL), 0);
    v = check(p);
    assert_int_equal(v.lost, 1);
    assert_int_equal(v.first_lost, 2);
    assert_int_equal(v.found, 5);
}

static void a_side_that_went_back_in_time_lost_records(void **state)
{
    struct place *p = *state;
    struct demo_ledger_verdict v;
    uint8_t old[DEMO_LEDGER_BLOCK];
    uint64_t at = (uint64_t)order[0] * DEMO_LEDGER_BLOCK;

    append(p, 0, 2, "source");
    assert_int_equal(fd_pread_full(p->f.fd, old, sizeof(old), at, NULL), 0);
    append(p, 2, 4, "target");
    assert_int_equal(fd_pwrite_full(p->f.fd, old, sizeof(old), at, NULL), 0);
    v = check(p);
    assert_int_equal(v.lost, 2);
    assert_int_equal(v.first_lost, 2);
    /* Written again under the same numbers, they are other records. */
    append(p, 2, 4, "source");
    assert_int_equal(check(p).lost, 2);
}

static void a_record_in_another_place_does_not_count(void **state)
{
    struct place *p = *state;
    uint8_t record[DEMO_LEDGER_RECORD];
    uint64_t base = (uint64_t)order[0] * DEMO_LEDGER_BLOCK;
    struct demo_ledger_verdict v;

    append(p, 0, 2, "source");
    assert_int_equal(fd_pread_full(p->f.fd, record, sizeof(record), base, NULL), 0);
    assert_int_equal(
        fd_pwrite_full(p->f.fd, record, sizeof(record), base + DEMO_LEDGER_RECORD, NULL), 0);
    v = check(p);
    assert_int_equal(v.found, 1);
    assert_int_equal(v.lost, 1);
    assert_int_equal(v.first_lost, 1);
}

static void a_full_ring_overwrites_and_says_so(void **state)
{
    struct demo_ledger_verdict v;

    append(*state, 0, PLACES + 5, "source");
    v = check(*state);
    assert_int_equal(v.acknowledged, PLACES + 5);
    assert_int_equal(v.found, PLACES);
    assert_int_equal(v.overwritten, 5);
    assert_int_equal(v.lost, 0);
}

static void a_record_written_and_not_acknowledged_is_no_loss(void **state)
{
    struct place *p = *state;
    uint8_t sum[CRYPTO_SHA256_LEN];
    struct demo_ledger_verdict v;

    append(p, 0, PLACES, "source");
    assert_int_equal(demo_ledger_append(&p->f, PLACES, "source", sum, NULL), 0);
    v = check(p);
    assert_int_equal(v.lost, 0);
    assert_int_equal(v.overwritten, 1);
}

static void writing_on_both_sides_is_a_violation(void **state)
{
    struct place *p = *state;
    FILE *acks;

    append(p, 0, 1, "source");
    acks = fopen(p->acks, "ae");
    assert_non_null(acks);
    fputs("VIOLATION both sides write\n17 unfinished", acks);
    fclose(acks);
    assert_int_equal(check(p).violations, 1);
    assert_int_equal(check(p).acknowledged, 1);
}

static void a_damaged_list_is_refused(void **state)
{
    struct place *p = *state;
    struct demo_ledger_verdict v;

    append(p, 0, 1, "source");
    extract(p);
    assert_int_equal(fd_save(p->acks, slice_str("0 zz source\n"), 0600, NULL), 0);
    assert_int_equal(demo_ledger_check(p->copy, p->acks, &v, NULL), -EINVAL);
    assert_int_equal(fd_save(p->acks, slice_str("\n"), 0600, NULL), 0);
    assert_int_equal(demo_ledger_check(p->copy, p->acks, &v, NULL), -EINVAL);
    assert_int_equal(fd_save(p->copy, slice_str("short"), 0600, NULL), 0);
    assert_int_equal(demo_ledger_check(p->copy, p->acks, &v, NULL), -EINVAL);
}

static void a_map_with_holes_is_refused(void **state)
{
    struct place *p = *state;
    struct demo_ledger_file f = {.fd = -1};

    assert_int_equal(fd_save(p->map, slice_str("5 0 9"), 0600, NULL), 0);
    assert_true(demo_ledger_open(p->image, p->map, &f, NULL) < 0);
    assert_int_equal(fd_save(p->map, slice_str(""), 0600, NULL), 0);
    assert_int_equal(demo_ledger_open(p->image, p->map, &f, NULL), -EINVAL);
    assert_int_equal(fd_save(p->map, slice_str("5 x"), 0600, NULL), 0);
    assert_true(demo_ledger_open(p->image, p->map, &f, NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_acknowledged_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_ledger_begins_at_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(it_goes_on_where_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(one_altered_bit_is_a_lost_record, setup, teardown),
        cmocka_unit_test_setup_teardown(a_side_that_went_back_in_time_lost_records, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_record_in_another_place_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_ring_overwrites_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_written_and_not_acknowledged_is_no_loss, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(writing_on_both_sides_is_a_violation, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_list_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_map_with_holes_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
