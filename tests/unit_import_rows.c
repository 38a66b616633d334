/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as people and tools write them: numbers, too many cells, too much of one host, names of
 * nobody. */
#include "tests/import_fixture.h"

#include "base/banned.h"

static const double mib = 1 << 20;

static void numbers_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *table;
        double mib;
    } rows[] = {
        {"host,memory_mib\na,1024\n", 1024},
        {"host,memory_mib\na,\"1,024\"\n", 1024},
        {"host,memory_mib\na,\"1,234,567\"\n", 1234567},
        {"host,memory_mib\na,1024.5\n", 1024.5},
        {"host,memory_mib\na, 2048 \n", 2048},
        {"host,memory_mib\na,1 024\n", 1024},
        {"host,memory_mib\na,1e3\n", 1000},
        {"host,memory_mib\na,\"1,5\"\n", 1.5},
        {"host;memory_mib\na;1.024\n", 1024},
        {"host;memory_mib\na;1.024,5\n", 1024.5},
        {"host;memory_mib\na;16.5\n", 16.5},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_estate struct estate *e = empty();
        auto_buf struct buf refused = {0};

        take_bytes("x", NULL, slice_str(rows[i].table), e, &refused);
        if (host(e, "a")->memory_bytes != (uint64_t)(rows[i].mib * mib) || refused.len > 0)
            fail_msg("%s: %llu", rows[i].table, (unsigned long long)host(e, "a")->memory_bytes);
    }
}

/* "16,5" between commas is two cells, and memory would become a disk. */
static void a_row_that_is_wider_than_its_header_is_refused(void **state)
{
    static const char *const text = "host,cores,memory_gib,disk_gib\n"
                                    "a,4,16,5,100\n"
                                    "b,4,16,100,,\n"
                                    "c,4,\"16,5\",100\n";
    auto_estate struct estate *e = NULL;
    auto_buf struct buf refused = {0};
    struct import_count count;

    (void)state;
    assert_ok(estate_new(&e, NULL));
    count = take_bytes("wide.csv", NULL, slice_str(text), e, &refused);
    assert_int_equal(count.rows, 3);
    assert_string_equal(buf_cstr(&refused), "2 !; ");
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 2);
}

/* Sheets that somebody cut to the columns that docs/planner.md names. */
static void a_sheet_is_known_by_what_is_read_of_it(void **state)
{
    auto_estate struct estate *e = empty();
    auto_buf struct buf refused = {0};

    (void)state;
    take_bytes("h.csv", NULL, slice_str("Host,Speed,# Cores,# Memory\nesx,2900,32,1024\n"), e,
               &refused);
    take_bytes("d.csv", NULL, slice_str("VM,Disk,Capacity MiB,Thin\nvm,Hard disk 1,10,True\n"), e,
               &refused);
    assert_int_equal(refused.len, 0);
    assert_int_equal(host(e, "esx")->kind, ESTATE_HYPERVISOR);
    assert_int_equal(host(e, "esx")->cores, 32);
    assert_int_equal(host(e, "vm")->disks_n, 1);
    assert_int_equal(host(e, "vm")->disks[0].size_bytes, 10 << 20);
}

static void a_host_of_too_many_addresses_keeps_what_fits(void **state)
{
    auto_buf struct buf text = {0}, refused = {0};
    auto_estate struct estate *e = NULL;
    struct import_count count;

    (void)state;
    buf_str(&text, "host,addresses\nmany,");
    for (unsigned i = 0; i < 300; i++)
        buf_printf(&text, "10.0.%u.%u ", i / 250, i % 250 + 1);
    buf_str(&text, "\nfew,10.1.0.1\n");
    assert_ok(estate_new(&e, NULL));
    count = take_bytes("many.csv", NULL, buf_slice(&text), e, &refused);
    assert_int_equal(count.refused, 1);
    assert_string_equal(buf_cstr(&refused), "2 ; ");
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(host(e, "many")->addresses_n, ESTATE_LIST_MAX);
    assert_int_equal(host(e, "few")->addresses_n, 1);
}

/* Two lists of the same machines that call them differently would be paid for twice. */
static void a_host_with_its_domain_and_without_is_told(void **state)
{
    static const char *const text = "host,id,cores\n"
                                    "web,,4\n"
                                    "web.corp.example,,4\n"
                                    "db,1,4\n"
                                    "db.corp.example,2,4\n"
                                    "app.corp.example,app-7,4\n"
                                    "APP-7,,4\n"
                                    "10.1.2.3,,4\n";
    auto_estate struct estate *e = NULL;
    auto_buf struct buf refused = {0};
    struct import_spec spec = {.refused = note, .ctx = &refused};
    struct import_count count = {0};

    (void)state;
    assert_ok(estate_new(&e, NULL));
    (void)take_bytes("domains.csv", NULL, slice_str(text), e, &refused);
    assert_ok(estate_settle(e, NULL));
    buf_clear(&refused);
    import_check(&spec, e, &count);
    assert_string_equal(buf_cstr(&refused), "3 host; ");
    assert_int_equal(estate_hosts(e), 6);
}

/* Nothing waits for who is not there: said, and not dropped in silence. */
static void what_depends_on_nobody_is_named(void **state)
{
    static const char *const text = "host,workload,depends\n"
                                    "a,shop,ldap db-1\n"
                                    "b,shop,ldap\n"
                                    "c,,shop\n"
                                    "db-1,orders,shop\n";
    auto_estate struct estate *e = NULL;
    auto_buf struct buf refused = {0};
    struct import_spec spec = {.refused = note, .ctx = &refused};
    struct import_count count = {0};

    (void)state;
    assert_ok(estate_new(&e, NULL));
    (void)take_bytes("depends.csv", NULL, slice_str(text), e, &refused);
    assert_string_equal(buf_cstr(&refused), "4 depends; ");
    assert_ok(estate_settle(e, NULL));
    buf_clear(&refused);
    import_check(&spec, e, &count);
    assert_int_equal(count.refused, 2);
    assert_string_equal(buf_cstr(&refused), "2 depends; 2 depends; ");
}

/* Which of the two rows is right nobody knows; the second would have replaced the first. */
static void a_host_that_is_there_twice_keeps_its_first_row(void **state)
{
    auto_estate struct estate *e = NULL;
    auto_buf struct buf refused = {0};

    (void)state;
    assert_ok(estate_new(&e, NULL));
    (void)take_bytes("x", NULL, slice_str("host,cores\nweb,4\ndb,2\nWEB,16\n"), e, &refused);
    assert_string_equal(buf_cstr(&refused), "4 host!; ");
    assert_int_equal(host(e, "web")->cores, 4);
    buf_clear(&refused);
    (void)take_bytes("x", NULL, slice_str("host,cores\nweb,4\n"), e, &refused);
    (void)take_bytes("y", NULL, slice_str("host,memory_gib\nweb,4\n"), e, &refused);
    assert_int_equal(refused.len, 0);
}

static void a_day_that_there_is_not_is_no_date(void **state)
{
    auto_estate struct estate *e = NULL;
    auto_buf struct buf refused = {0};

    (void)state;
    assert_ok(estate_new(&e, NULL));
    (void)take_bytes("x", NULL,
                     slice_str("host,bought_on\na,2023-02-29\nb,2024-02-29\nc,2024-04-31\n"), e,
                     &refused);
    assert_string_equal(buf_cstr(&refused), "2 bought_on; 4 bought_on; ");
}

static void lines_that_end_in_cr_alone_are_refused(void **state)
{
    const struct import_spec spec = {0};
    auto_estate struct estate *e = NULL;
    struct import_count count = {0};
    struct err err = {0};

    (void)state;
    assert_ok(estate_new(&e, NULL));
    assert_fails(-EINVAL, import_file(&spec, "x", slice_str("host,cores\ra,4\r"), e, &count, &err));
    assert_non_null(strstr(err.text, "CR alone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_people_write_them),
        cmocka_unit_test(a_row_that_is_wider_than_its_header_is_refused),
        cmocka_unit_test(a_sheet_is_known_by_what_is_read_of_it),
        cmocka_unit_test(a_host_of_too_many_addresses_keeps_what_fits),
        cmocka_unit_test(a_host_with_its_domain_and_without_is_told),
        cmocka_unit_test(what_depends_on_nobody_is_named),
        cmocka_unit_test(a_host_that_is_there_twice_keeps_its_first_row),
        cmocka_unit_test(a_day_that_there_is_not_is_no_date),
        cmocka_unit_test(lines_that_end_in_cr_alone_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
