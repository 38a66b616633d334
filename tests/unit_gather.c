/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as scattered, what of it is chosen, and the file that remembers it. */
#include "tests/page_fixture.h"

#include "base/fd.h"
#include "transport/fetch.h"
#include "transport/gather.h"

#include <fcntl.h>

#include "base/banned.h"

enum { UNIT_BYTES = UNIT_DATA_MAX + SEAL_TAG_LEN, SLACK = 8 };
#define SIZE_BYTES (UINT64_C(10) << 30)

/* Unit n of a pack, one behind the other. */
static struct unit in_pack(uint64_t pack, uint32_t n, uint32_t sectors)
{
    struct unit u = made_up(0, sectors, UNIT_DATA);

    fixture_noise(pack, u.pack, sizeof(u.pack));
    u.segment = n;
    u.offset = (uint32_t)(PACK_HEADER_LEN + (uint64_t)n * u.stored_len);
    return u;
}

/* A region as a push that reads all of it leaves it: 4 MiB packs in a row. */
static struct page *new_region(void)
{
    struct page *p = NULL;

    assert_ok(page_new(REGION, PAGE_SECTORS_MAX, &p, NULL));
    for (uint32_t i = 0; i < PAGE_SECTORS_MAX / UNIT_SECTORS_MAX; i++) {
        struct unit u = in_pack(i / 15, i % 15, UNIT_SECTORS_MAX);

        assert_ok(page_set_unit(p, i * UNIT_SECTORS_MAX, UNIT_SECTORS_MAX, &u, 0, NULL));
    }
    return p;
}

/* A pass that wrote n sectors here and there. */
static void write_pass(struct page *p, uint64_t pack, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = (uint32_t)((pack * 7919 + i * 104729) % PAGE_SECTORS_MAX);
        struct unit u = in_pack(1000 + pack, i, 1);

        assert_ok(page_set_unit(p, at, 1, &u, 0, NULL));
    }
}

static void a_row_of_packs_is_not_scattered(void **state)
{
    auto_page struct page *p = new_region();
    struct gather g = {0};
    struct gather_cost c;

    (void)state;
    assert_ok(gather_page(&g, p, REGION, SLACK, &c, NULL));
    assert_int_equal(c.requests, 18);
    assert_int_equal(c.least, 17);
    assert_int_equal(c.useful, UINT64_C(256) * UNIT_BYTES);
    assert_int_equal(c.bytes, c.useful);
    assert_false(gather_is_scattered(&c, SLACK));
    assert_int_equal(g.groups_n, 0);
}

static void each_small_pass_is_a_request_and_a_group(void **state)
{
    auto_page struct page *p = new_region();
    struct gather g = {0};
    struct gather_cost c;
    uint32_t sectors = 0;

    (void)state;
    for (uint64_t pass = 0; pass < 20; pass++)
        write_pass(p, pass, 16);
    assert_ok(gather_page(&g, p, REGION, SLACK, &c, NULL));
    assert_int_equal(c.requests, 18 + 20);
    assert_true(c.useful < c.bytes);  /* units that lost sectors are fetched whole */
    assert_int_equal(g.groups_n, 21); /* the last pack of the row has one unit only */
    for (size_t i = 0; i < g.runs_n; i++)
        sectors += g.runs[i].count;
    assert_in_range(sectors, 300 + 64 - 20, 320 + 64); /* but for what a later pass wrote over */
    gather_done(&g);
    /* Under the limit nothing is said of it. */
    assert_ok(gather_page(&g, p, REGION, 100, &c, NULL));
    assert_int_equal(g.groups_n, 0);
    gather_done(&g);
}

static void the_cheapest_groups_are_chosen_within_the_budget(void **state)
{
    auto_page struct page *p = new_region();
    struct gather g = {0};
    struct gather_run *runs = NULL;
    struct gather_cost c;
    uint64_t spent = 0;
    size_t n = 0;

    (void)state;
    for (uint64_t pass = 0; pass < 20; pass++)
        write_pass(p, pass, 1 + (uint32_t)pass);
    assert_ok(gather_page(&g, p, REGION, SLACK, &c, NULL));
    assert_ok(gather_choose(&g, 40000, &runs, &n, NULL));
    for (size_t i = 0; i < n; i++) {
        spent += (uint64_t)runs[i].count * (SECTOR + SEAL_TAG_LEN);
        assert_true(i == 0 || runs[i - 1].first + runs[i - 1].count <= runs[i].first);
    }
    /* 1 + 2 + 3 sectors, and no third of the fourth pass. */
    assert_in_range(spent, 4 * (SECTOR + SEAL_TAG_LEN), 40000);
    for (size_t i = 0; i + 1 < g.groups_n; i++)
        assert_true(g.groups[i].bytes <= g.groups[i + 1].bytes);
    free(runs);
    assert_ok(gather_choose(&g, 0, &runs, &n, NULL));
    assert_int_equal(n, 0);
    free(runs);
    gather_done(&g);
}

static void a_sector_is_found_among_runs(void **state)
{
    static const struct gather_run runs[] = {{2, 10, 5}, {2, 20, 1}, {5, 0, PAGE_SECTORS_MAX}};

    (void)state;
    assert_int_equal(gather_find(runs, 3, 0, 0), 0);
    assert_int_equal(gather_find(runs, 3, 2, 14), 0);
    assert_int_equal(gather_find(runs, 3, 2, 15), 1);
    assert_int_equal(gather_find(runs, 3, 2, 21), 2);
    assert_int_equal(gather_find(runs, 3, 5, PAGE_SECTORS_MAX - 1), 2);
    assert_int_equal(gather_find(runs, 3, 6, 0), 3);
    assert_int_equal(gather_find(NULL, 0, 0, 0), 0);
}

static void fill(struct gather *g)
{
    auto_page struct page *p = new_region();
    struct gather_cost c;

    for (uint64_t pass = 0; pass < 20; pass++)
        write_pass(p, pass, 4);
    assert_ok(gather_page(g, p, REGION, SLACK, &c, NULL));
    assert_true(g->groups_n > 0);
}

static void a_plan_outlives_its_process(void **state)
{
    auto_free char *dir = unit_mkdir();
    struct gather g = {0};
    struct gather back = {0};
    int64_t credit = 1;

    (void)state;
    assert_ok(gather_load(dir, SIZE_BYTES, &back, &credit, NULL));
    assert_int_equal((int64_t)back.groups_n + credit, 0);
    fill(&g);
    assert_ok(gather_save(dir, SIZE_BYTES, &g, -12345, NULL));
    assert_ok(gather_load(dir, SIZE_BYTES, &back, &credit, NULL));
    assert_int_equal(credit, -12345);
    assert_int_equal(back.groups_n, g.groups_n);
    assert_memory_equal(back.groups, g.groups, g.groups_n * sizeof(*g.groups));
    assert_int_equal(back.runs_n, g.runs_n);
    assert_memory_equal(back.runs, g.runs, g.runs_n * sizeof(*g.runs));
    gather_done(&back);
    assert_ok(gather_load(dir, SIZE_BYTES + 1, &back, &credit, NULL)); /* another volume */
    assert_int_equal((int64_t)back.groups_n + credit, 0);
    gather_done(&back);
    gather_done(&g);
    unit_rmdir(TAKE(dir));
}

/* Every byte altered, every length cut: an empty plan, never a wrong one. */
static void a_damaged_plan_is_none(void **state)
{
    auto_free char *dir = unit_mkdir();
    auto_buf struct buf file = {0};
    struct gather g = {0};
    struct gather back = {0};
    char path[PATH_MAX];
    int64_t credit;

    (void)state;
    fill(&g);
    assert_ok(gather_save(dir, SIZE_BYTES, &g, -12345, NULL));
    assert_ok(fd_load(unit_path(dir, "gather", path), 1 << 20, &file, NULL));
    for (size_t i = 0; i < file.len; i += 1 + i / 64) {
        auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
        uint8_t wrong = file.data[i] ^ 0x20;

        assert_int_equal(pwrite(fd, &wrong, 1, (off_t)i), 1);
        assert_ok(gather_load(dir, SIZE_BYTES, &back, &credit, NULL));
        assert_int_equal((int64_t)back.groups_n + credit, 0);
        gather_done(&back);
        assert_int_equal(pwrite(fd, &file.data[i], 1, (off_t)i), 1);
    }
    assert_int_equal(truncate(path, (off_t)file.len - 1), 0);
    assert_ok(gather_load(dir, SIZE_BYTES, &back, &credit, NULL));
    assert_int_equal((int64_t)back.groups_n + credit, 0);
    gather_done(&back);
    gather_done(&g);
    unit_rmdir(TAKE(dir));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_packs_is_not_scattered),
        cmocka_unit_test(each_small_pass_is_a_request_and_a_group),
        cmocka_unit_test(the_cheapest_groups_are_chosen_within_the_budget),
        cmocka_unit_test(a_sector_is_found_among_runs),
        cmocka_unit_test(a_plan_outlives_its_process),
        cmocka_unit_test(a_damaged_plan_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
