/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet in memory and as a document: found again, told from where, the same bytes every time. */
#include "planner/engine/estate_doc.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "inventory/rollup.h"
#include "planner/engine/estate.h"
#include "tests/unit.h"

#include "base/banned.h"

static const struct estate_source nowhere;

static struct estate *empty(void)
{
    struct estate *e = NULL;

    assert_ok(estate_new(&e, NULL));
    return e;
}

static struct estate_host *add(struct estate *e, const char *name, const char *id)
{
    struct estate_host *h = estate_host_add(e, name, id, nowhere);

    assert_non_null(h);
    return h;
}

static void talk(struct estate *e, const char *from, const char *to, uint64_t bytes)
{
    struct estate_talk t = {.from = {estate_host_find(e, from), ""},
                            .to = {NULL, estate_text(e, to)},
                            .from_process = "",
                            .to_process = "",
                            .port = 5432,
                            .bytes = bytes,
                            .count = 1};

    estate_talk_add(e, &t);
}

static void print(struct estate *e, struct buf *out)
{
    assert_ok(estate_settle(e, NULL));
    assert_ok(estate_write(e, out, NULL));
}

static int parse(const char *text, struct estate *e, struct err *err)
{
    auto_js struct js *doc = NULL;

    assert_ok(js_parse(slice_str(text), 0, &doc, NULL));
    return estate_read(doc, e, err);
}

/* -- hosts -------------------------------------------------------------------------------- */

static void a_host_is_found_by_id_name_label_and_address(void **state)
{
    auto_estate struct estate *e = empty();
    struct estate_host *h = add(e, "Web-01.example.com", "4213-AB");

    (void)state;
    estate_address_add(e, h, "10.0.0.1", nowhere);
    add(e, "db-01", "");
    assert_ptr_equal(estate_host_find(e, "4213-ab"), h);
    assert_ptr_equal(estate_host_find(e, "web-01.EXAMPLE.com"), h);
    assert_ptr_equal(estate_host_find(e, "web-01"), h);
    assert_ptr_equal(estate_host_find(e, "web-01.other.org"), h);
    assert_ptr_equal(estate_host_find(e, "10.0.0.1"), h);
    assert_null(estate_host_find(e, "10.0.0.2"));
}

static void what_two_hosts_share_leads_to_neither(void **state)
{
    auto_estate struct estate *e = empty();
    struct estate_host *a = add(e, "web.a.org", ""), *b = add(e, "web.b.org", "");

    (void)state;
    estate_address_add(e, a, "10.0.0.9", nowhere);
    estate_address_add(e, b, "10.0.0.9", nowhere);
    assert_null(estate_host_find(e, "10.0.0.9"));
    assert_null(estate_host_find(e, "web"));
    assert_ptr_equal(estate_host_find(e, "web.b.org"), b);
}

static void the_same_name_of_another_machine_is_made_unique(void **state)
{
    auto_estate struct estate *e = empty();
    struct estate_host *first = add(e, "web", "id-1"), *second = add(e, "web", "id-2");

    (void)state;
    assert_ptr_not_equal(first, second);
    assert_string_equal(second->name, "web~2");
    assert_ptr_equal(add(e, "renamed", "id-2"), second);
    assert_int_equal(estate_hosts(e), 2);
}

static void an_id_that_comes_later_belongs_to_the_name(void **state)
{
    auto_estate struct estate *e = empty();
    struct estate_host *h = add(e, "web", "");

    (void)state;
    assert_ptr_equal(add(e, "WEB", "id-1"), h);
    assert_string_equal(h->id, "id-1");
    assert_null(estate_host_add(e, " ", "", nowhere));
    assert_ok(estate_failed(e, NULL));
}

static void fields_take_what_they_can_and_say_what_not(void **state)
{
    auto_estate struct estate *e = empty();
    struct estate_host *h = add(e, "web", "");
    uint32_t file = estate_file_add(e, "list.csv");
    struct estate_source row = {file, 7};
    char text[ESTATE_TEXT_MAX];

    (void)state;
    assert_null(estate_set(e, h, ESTATE_POWER, "Powered On", row));
    assert_null(estate_set(e, h, ESTATE_ARCH, "aarch64", row));
    assert_null(estate_set(e, h, ESTATE_CORES, " 8 ", row));
    assert_null(estate_set(e, h, ESTATE_REFRESH_ON, "2027-02-28", row));
    assert_null(estate_set(e, h, ESTATE_RACK, "", row));
    assert_non_null(estate_set(e, h, ESTATE_CORES, "-8", nowhere));
    assert_non_null(estate_set(e, h, ESTATE_BOUGHT_ON, "2027-13-01", nowhere));
    assert_non_null(estate_set(e, h, ESTATE_KIND, "bronze", nowhere));
    assert_int_equal(h->power, ESTATE_ON);
    assert_int_equal(h->arch, ESTATE_ARM64);
    assert_int_equal(h->cores, 8);
    assert_int_equal(h->source[ESTATE_CORES].row, 7);
    assert_int_equal(h->source[ESTATE_RACK].file, 0);
    assert_string_equal(estate_file(e, h->source[ESTATE_CORES].file), "list.csv");
    assert_string_equal(estate_field_get(h, ESTATE_ARCH, text), "arm64");
    assert_string_equal(estate_field_get(h, ESTATE_CORES, text), "8");
    assert_string_equal(estate_field_get(h, ESTATE_WATTS, text), "");
}

static void texts_are_cut_cleaned_and_kept_once(void **state)
{
    auto_estate struct estate *e = empty();
    char longer[2 * ESTATE_TEXT_MAX];

    (void)state;
    memset(longer, 'x', sizeof(longer));
    longer[ESTATE_TEXT_MAX - 2] = (char)0xc3; /* e with an acute accent, half of it above */
    longer[ESTATE_TEXT_MAX - 1] = (char)0xa9;
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(strlen(estate_text(e, longer)), ESTATE_TEXT_MAX - 2);
    assert_string_equal(estate_text(e, "  a\033[1mb \n"), "a?[1mb");
    assert_ptr_equal(estate_text(e, "same"), estate_text(e, " same "));
}

static void a_ceiling_is_an_error_that_stays(void **state)
{
    auto_estate struct estate *e = empty();
    struct err err = {0};
    char name[32];

    (void)state;
    for (int i = 0; i <= ESTATE_FILES_MAX; i++) {
        snprintf(name, sizeof(name), "file%d", i);
        (void)estate_file_add(e, name);
    }
    assert_fails(-EFBIG, estate_settle(e, &err));
    assert_int_equal(err.gw, GW_BAD_VALUE);
    assert_non_null(strstr(err.text, "files"));
    assert_null(estate_host_add(e, "db", "", nowhere));
}

static void what_is_too_much_of_one_host_is_left_out(void **state)
{
    auto_estate struct estate *e = empty();
    struct estate_host *h = add(e, "web", "");
    char name[32];

    (void)state;
    for (int i = 0; i <= ESTATE_LIST_MAX; i++) {
        assert_null(estate_clipped(e));
        snprintf(name, sizeof(name), "disk%d", i);
        (void)estate_disk_add(e, h, name, nowhere);
    }
    assert_string_equal(estate_clipped(e), "disks");
    assert_null(estate_clipped(e));
    assert_int_equal(h->disks_n, ESTATE_LIST_MAX);
    assert_ok(estate_settle(e, NULL));
    assert_non_null(estate_host_add(e, "db", "", nowhere));
}

/* -- talks and workloads ------------------------------------------------------------------ */

static void talks_find_their_hosts_and_add_up(void **state)
{
    auto_estate struct estate *e = empty();

    (void)state;
    add(e, "web", "");
    talk(e, "web", "10.0.0.2", 1000);
    talk(e, "web", "db.example.com", 24);
    talk(e, "web", "192.0.2.1", 5);
    estate_address_add(e, add(e, "db", ""), "10.0.0.2", nowhere);
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_talks(e), 2);
    assert_string_equal(estate_talk(e, 0)->to.host->name, "db");
    assert_int_equal(estate_talk(e, 0)->bytes, 1024);
    assert_int_equal(estate_talk(e, 0)->count, 2);
    assert_null(estate_talk(e, 1)->to.host);
}

static void workloads_gather_their_hosts_each_time(void **state)
{
    auto_estate struct estate *e = empty();

    (void)state;
    assert_null(estate_set(e, add(e, "web", ""), ESTATE_WORKLOAD, "shop", nowhere));
    assert_ok(estate_settle(e, NULL));
    assert_null(estate_set(e, add(e, "db", ""), ESTATE_WORKLOAD, "shop", nowhere));
    add(e, "alone", "");
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_workloads(e), 1);
    assert_int_equal(estate_workload(e, 0)->hosts_n, 2);
    assert_string_equal(estate_workload(e, 0)->hosts[0]->name, "db");
    assert_ptr_equal(estate_workload_find(e, "shop"), estate_workload(e, 0));
}

/* -- use ---------------------------------------------------------------------------------- */

static void quantiles_become_a_histogram_that_is_never_below_them(void **state)
{
    auto_estate struct estate *e = empty();
    struct estate_usage *u = estate_usage_of(e, add(e, "web", ""), ESTATE_CPU_PERCENT);
    struct rollup_hist h;

    (void)state;
    assert_non_null(u);
    u->mean = 10;
    assert_false(estate_usage_hist(u, &h));
    u->quantile[ESTATE_P95] = 40;
    u->quantile[ESTATE_MAX] = 80;
    assert_true(estate_usage_hist(u, &h));
    assert_int_equal(h.n, 1000);
    assert_true(rollup_hist_quantile(&h, 0.95) >= 38 && rollup_hist_quantile(&h, 0.95) <= 42);
    assert_true(rollup_hist_quantile(&h, 0.97) >= 76);
}

static void a_histogram_is_kept_whole(void **state)
{
    auto_estate struct estate *e = empty();
    struct estate_usage *u = estate_usage_of(e, add(e, "web", ""), ESTATE_NET_RATE);
    struct rollup_hist h = {0}, back;

    (void)state;
    assert_non_null(u);
    for (int i = 0; i < 500; i++)
        assert_ok(rollup_hist_add(&h, i * 3.5));
    estate_usage_keep(e, u, &h);
    assert_ok(estate_failed(e, NULL));
    assert_true(estate_usage_hist(u, &back));
    assert_int_equal(back.n, 500);
    assert_memory_equal(back.counts, h.counts, sizeof(h.counts));
    assert_true(rollup_hist_quantile(&h, 0.97) == rollup_hist_quantile(&back, 0.97));
}

/* -- documents ---------------------------------------------------------------------------- */

static const char document[] =
    "{\"schema\":\"godwit.estate/1\",\n"
    "\"sources\":[\"vms.csv\",\"use.json\"],\n"
    "\"hosts\":[\n"
    "{\"host\":\"db\",\"id\":\"7\",\"os_family\":\"linux\",\"cores\":8,\"workload\":\"shop\","
    "\"sources\":{\"host\":[1,3],\"id\":[1,3],\"os_family\":[1,3],\"cores\":[1,3],"
    "\"workload\":[1,3]},\"addresses\":[{\"address\":\"10.0.0.2\",\"source\":[1,3]}],"
    "\"disks\":[{\"disk\":\"sda\",\"type\":\"ssd\",\"size_bytes\":1000,\"used_bytes\":0,"
    "\"source\":[1,3]}],\"nics\":[{\"nic\":\"eth0\",\"mac\":\"00:11\",\"network\":\"prod\"}],"
    "\"tags\":[{\"key\":\"env\",\"value\":\"prod\"}],\"software\":[{\"name\":\"postgres\","
    "\"version\":\"15\"}],\"usage\":{\"cpu_percent\":{\"samples\":3,"
    "\"from\":\"2026-01-01T00:00:00Z\",\"until\":\"2026-01-02T00:00:00Z\",\"mean\":1.5,"
    "\"p50\":1.0,\"max\":2.5,\"counts\":[[57,2],[67,1]],\"source\":[2,0]}}},\n"
    "{\"host\":\"web\",\"sources\":{}}\n"
    "],\n"
    "\"workloads\":[\n"
    "{\"workload\":\"shop\",\"owner\":\"ana\",\"wave\":2,\"depends\":[\"ldap\"],"
    "\"tags\":[{\"key\":\"tier\",\"value\":\"1\"}],\"source\":[1,3]}\n"
    "],\n"
    "\"talks\":[\n"
    "{\"from\":\"web\",\"from_process\":\"php\",\"to\":\"db\",\"to_address\":\"10.0.0.2\","
    "\"port\":5432,\"bytes\":1000,\"count\":3,\"first\":\"2026-01-01T00:00:00Z\"}\n"
    "]}\n";

static void a_document_comes_back_to_the_byte(void **state)
{
    auto_estate struct estate *e = empty();
    auto_buf struct buf out = {0};
    struct err err = {0};

    (void)state;
    if (parse(document, e, &err) < 0)
        fail_msg("%s", err.text);
    print(e, &out);
    assert_string_equal(buf_cstr(&out), document);
}

static void the_order_of_what_came_does_not_matter(void **state)
{
    auto_estate struct estate *a = empty(), *b = empty();
    auto_buf struct buf first = {0}, second = {0};

    (void)state;
    add(a, "web", "");
    estate_address_add(a, add(a, "db", ""), "10.0.0.2", nowhere);
    talk(a, "web", "10.0.0.2", 7);
    talk(a, "db", "web", 8);
    add(b, "db", "");
    add(b, "web", "");
    talk(b, "db", "web", 8);
    talk(b, "web", "10.0.0.2", 7);
    estate_address_add(b, estate_host_find(b, "db"), "10.0.0.2", nowhere);
    print(a, &first);
    print(b, &second);
    assert_string_equal(buf_cstr(&first), buf_cstr(&second));
}

static void a_second_document_completes_the_first(void **state)
{
    auto_estate struct estate *e = empty();

    (void)state;
    assert_ok(parse(document, e, NULL));
    assert_ok(parse("{\"schema\":\"godwit.estate/1\",\"sources\":[\"use.json\"],\"hosts\":["
                    "{\"host\":\"web\",\"cores\":2,\"sources\":{\"cores\":[1,9]}}]}",
                    e, NULL));
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 2);
    assert_int_equal(estate_files(e), 2);
    assert_int_equal(estate_host_find(e, "web")->cores, 2);
    assert_int_equal(estate_host_find(e, "web")->source[ESTATE_CORES].file, 2);
}

static void what_is_wrong_is_refused_by_host_and_member(void **state)
{
    /* clang-format off */
    static const char *const hosts[] = {
        "{\"host\":1}",
        "{}",
        "{\"host\":\"a\",\"cores\":\"many\"}",
        "{\"host\":\"a\",\"cores\":-1}",
        "{\"host\":\"a\",\"arch\":\"abacus\"}",
        "{\"host\":\"a\",\"cores\":1,\"sources\":{\"cores\":[3,1]}}",
        "{\"host\":\"a\",\"disks\":{}}",
        "{\"host\":\"a\",\"disks\":[1]}",
        "{\"host\":\"a\",\"usage\":{\"cpu_percent\":{\"mean\":-2}}}",
        "{\"host\":\"a\",\"usage\":{\"cpu_percent\":{\"week\":[1,2]}}}",
        "{\"host\":\"a\",\"usage\":{\"cpu_percent\":{\"samples\":2,\"mean\":1,\"max\":1,\"counts\":[[5,1]]}}}",
        "{\"host\":\"a\",\"usage\":{\"cpu_percent\":{\"samples\":2,\"mean\":1,\"max\":1,\"counts\":[[5,1],[5,1]]}}}",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        auto_estate struct estate *e = empty();
        struct err err = {0};
        char text[512];

        snprintf(text, sizeof(text),
                 "{\"schema\":\"godwit.estate/1\",\"sources\":[\"x\"],\"hosts\":[%s]}", hosts[i]);
        if (parse(text, e, &err) != -EINVAL)
            fail_msg("taken: %s", hosts[i]);
        assert_non_null(strstr(err.text, "host '"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_found_by_id_name_label_and_address),
        cmocka_unit_test(what_two_hosts_share_leads_to_neither),
        cmocka_unit_test(the_same_name_of_another_machine_is_made_unique),
        cmocka_unit_test(an_id_that_comes_later_belongs_to_the_name),
        cmocka_unit_test(fields_take_what_they_can_and_say_what_not),
        cmocka_unit_test(texts_are_cut_cleaned_and_kept_once),
        cmocka_unit_test(a_ceiling_is_an_error_that_stays),
        cmocka_unit_test(what_is_too_much_of_one_host_is_left_out),
        cmocka_unit_test(talks_find_their_hosts_and_add_up),
        cmocka_unit_test(workloads_gather_their_hosts_each_time),
        cmocka_unit_test(quantiles_become_a_histogram_that_is_never_below_them),
        cmocka_unit_test(a_histogram_is_kept_whole),
        cmocka_unit_test(a_document_comes_back_to_the_byte),
        cmocka_unit_test(the_order_of_what_came_does_not_matter),
        cmocka_unit_test(a_second_document_completes_the_first),
        cmocka_unit_test(what_is_wrong_is_refused_by_host_and_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
