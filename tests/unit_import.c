/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of other tools. The contract of every importer over the files of tests/data/fuzz_import:
 * found by content, everything taken but what is refused by line, column and reason, the same
 * twice.
 */
#include "planner/engine/import.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/js.h"
#include "inventory/rollup.h"
#include "planner/engine/estate_doc.h"
#include "planner/engine/estate.h"
#include "tests/import_fixture.h"

#include "base/banned.h"

static const double mib = 1 << 20, gib = 1 << 30;

/* What each file of the folder is, and what of it is refused: "line column; ", a whole row with !.
 */
static const struct sample {
    const char *file, *format;
    size_t rows, passed_over;
    const char *refused;
} samples[] = {
    {"ansible.json", "ansible-json", 2, 0, "0 ansible_architecture; "},
    {"azure-dependencies.csv", "azure-dependencies", 5, 0,
     "5 Source server name!; 6 Destination port!; "},
    {"azure-migrate.csv", "azure-migrate", 4, 0, "4 CPU utilization percentage; 5 *Server name!; "},
    {"godwit-estate.json", "godwit", 2, 0, ""},
    {"godwit-inventory.json", "godwit", 1, 0, ""},
    {"godwit-plan-input.json", "godwit", 2, 0, "2 !; "},
    {"mgn.csv", "mgn", 4, 0, "4 mgn:server:user-provided-id!; 5 mgn:server:platform; "},
    {"migration-center-diskInfo.csv", "migration-center", 4, 0, "5 DiskLabel!; "},
    {"migration-center-perfInfo.csv", "migration-center", 50, 0, "50 TimeStamp!; "},
    {"migration-center-tagInfo.csv", "migration-center", 3, 0, "4 Key!; "},
    {"migration-center-vmInfo.csv", "migration-center", 3, 0, "4 MachineId!; "},
    {"migration-center.zip", "migration-center", 10, 0, "4 MachineId!; 5 DiskLabel!; 4 Key!; "},
    {"migration-hub.csv", "migration-hub", 4, 0,
     "3 CPU.UsagePct.Max; 4 CPU.NumberOfCores; 4 Tags; 5 HostName!; "},
    {"plain-talks.csv", "csv", 5, 0, "5 to!; 6 port!; "},
    {"plain.csv", "csv", 5, 0, "5 bought_on; 6 host!; "},
    {"prometheus.json", "prometheus", 10, 2, "9 __name__!; 10 __name__!; "},
    {"rvtools-vDatastore.csv", "rvtools", 3, 0, "4 Hosts!; "},
    {"rvtools-vDisk.csv", "rvtools", 3, 0, ""},
    {"rvtools-vHost.csv", "rvtools", 2, 0, "3 CPU usage %; "},
    {"rvtools-vInfo.csv", "rvtools", 5, 1, "6 CPUs; 7 VM!; "},
    {"rvtools-vMemory.csv", "rvtools", 1, 0, ""},
    {"rvtools-vNetwork.csv", "rvtools", 1, 0, ""},
    {"rvtools-tables.csv", "rvtools", 3, 2, ""},
    {"rvtools-vPartition.csv", "rvtools", 3, 0, ""},
    {"rvtools.xlsx", "rvtools", 11, 1, "5 CPUs; 6 VM!; 3 CPU usage %; "},
};

/* Builds without libarchive and expat refuse zips with their reason. */
#if defined(HAVE_LIBARCHIVE) && defined(HAVE_EXPAT)
enum { READS_ZIP = 1 };
#else
enum { READS_ZIP = 0 };
#endif

/* The first sample from i on that this build reads. */
static size_t sample_from(size_t i)
{
    while (!READS_ZIP && i < ARRAY_LEN(samples) &&
           (strstr(samples[i].file, ".xlsx") || strstr(samples[i].file, ".zip")))
        i++;
    return i;
}

/* -- reading --------------------------------------------------------------------------------- */

static void load(const char *name, struct buf *out)
{
    const char *top = getenv("abs_top_srcdir");
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/tests/data/fuzz_import/%s", top ? top : ".", name);
    if (fd_load(path, 1 << 20, out, NULL) < 0)
        fail_msg("no file %s", path);
}

static struct import_count take(const char *name, const char *format, struct estate *e,
                                struct buf *refused)
{
    auto_buf struct buf text = {0}, own = {0};

    load(name, &text);
    return take_bytes(name, format, buf_slice(&text), e, refused ? refused : &own);
}

static void print(struct estate *e, struct buf *out)
{
    assert_ok(estate_settle(e, NULL));
    assert_ok(estate_write(e, out, NULL));
}

static bool near(double a, double b)
{
    return a > b * 0.95 && a < b * 1.05;
}

/* -- the contract ----------------------------------------------------------------------------- */

static void every_file_is_found_by_what_it_holds(void **state)
{
    (void)state;
    for (size_t i = sample_from(0); i < ARRAY_LEN(samples); i = sample_from(i + 1)) {
        auto_estate struct estate *e = empty();
        auto_buf struct buf refused = {0};
        struct import_count count = take(samples[i].file, NULL, e, &refused);

        if (strcmp(count.format, samples[i].format) != 0 || count.rows != samples[i].rows ||
            count.passed_over != samples[i].passed_over ||
            strcmp(buf_cstr(&refused), samples[i].refused) != 0)
            fail_msg("%s: %s, %zu rows, %zu passed over, refused: %s", samples[i].file,
                     count.format, count.rows, count.passed_over, buf_cstr(&refused));
    }
}

static void every_format_has_a_file(void **state)
{
    size_t n;
    const struct importer *all = importers_all(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        bool found = false;

        for (size_t s = 0; s < ARRAY_LEN(samples); s++)
            found |= strcmp(samples[s].format, all[i].format) == 0;
        if (!found)
            fail_msg("no file of %s", all[i].format);
        assert_true((all[i].sheets != NULL) != (all[i].read != NULL));
    }
}

static void a_file_read_twice_is_the_same_as_once(void **state)
{
    (void)state;
    for (size_t i = sample_from(0); i < ARRAY_LEN(samples); i = sample_from(i + 1)) {
        auto_estate struct estate *once = empty(), *twice = empty();
        auto_buf struct buf a = {0}, b = {0};

        if (strstr(samples[i].file, "talks") || strstr(samples[i].file, "dependencies") ||
            strstr(samples[i].file, "inventory") || strstr(samples[i].file, "estate"))
            continue; /* talks add up */
        take(samples[i].file, NULL, once, NULL);
        take(samples[i].file, samples[i].format, twice, NULL);
        take(samples[i].file, NULL, twice, NULL);
        print(once, &a);
        print(twice, &b);
        assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    }
}

static void what_is_taken_is_a_document_that_comes_back(void **state)
{
    (void)state;
    for (size_t i = sample_from(0); i < ARRAY_LEN(samples); i = sample_from(i + 1)) {
        auto_estate struct estate *first = empty(), *second = empty();
        auto_buf struct buf a = {0}, b = {0};
        auto_js struct js *doc = NULL;

        take(samples[i].file, NULL, first, NULL);
        print(first, &a);
        assert_ok(js_parse(buf_slice(&a), 0, &doc, NULL));
        assert_ok(estate_read(doc, second, NULL));
        print(second, &b);
        assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    }
}

static void another_format_is_refused(void **state)
{
    (void)state;
    for (size_t i = sample_from(0); i < ARRAY_LEN(samples); i = sample_from(i + 1)) {
        auto_estate struct estate *e = empty();
        auto_buf struct buf text = {0};
        const bool json = strstr(samples[i].file, ".json");
        struct import_spec spec = {.format = json ? "mgn" : "ansible-json"};
        struct import_count count = {0};

        load(samples[i].file, &text);
        assert_fails(-EINVAL,
                     import_file(&spec, "x", buf_slice(&text), e, &count, &(struct err){0}));
    }
}

static void what_is_nothing_known_is_refused(void **state)
{
    static const char *const texts[] = {"",      "\n",      "a,b\n1,2\n", "{}",
                                        "[1,2]", "{\"a\":", "x",          "\xff\xfe"};
    auto_estate struct estate *e = empty();
    struct import_spec spec = {.format = "abacus"};
    struct import_count count = {0};

    (void)state;
    assert_fails(-EINVAL, import_file(&spec, "x", slice_str("host\n"), e, &count, NULL));
    spec.format = NULL;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_fails(-EINVAL, import_file(&spec, "x", slice_str(texts[i]), e, &count, NULL));
    assert_int_equal(estate_hosts(e), 0);
}

/* -- facts of each ---------------------------------------------------------------------------- */

static void rvtools_sheets_are_one_fleet(void **state)
{
    static const char *const sheets[] = {"vPartition", "vHost", "vMemory",   "vInfo",
                                         "vNetwork",   "vDisk", "vDatastore"};
    auto_estate struct estate *e = empty();
    const struct estate_host *web, *db;
    char name[64];
    uint64_t used;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sheets); i++) {
        snprintf(name, sizeof(name), "rvtools-%s.csv", sheets[i]);
        take(name, NULL, e, NULL);
    }
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 5);
    web = host(e, "shop-web-01");
    db = host(e, "shop-db-01");
    assert_int_equal(web->memory_bytes, 8192 * (uint64_t)mib);
    assert_int_equal(web->power, ESTATE_ON);
    assert_int_equal(web->os_family, ESTATE_LINUX);
    assert_int_equal(web->arch, ESTATE_X86_64);
    assert_int_equal(db->os_family, ESTATE_WINDOWS);
    assert_int_equal(estate_disk_bytes(db), 614400 * (uint64_t)mib);
    assert_true(estate_disk_used(web, &used));
    assert_int_equal(used, (uint64_t)(18642.5 * mib));
    assert_string_equal(web->nics[0].mac, "00:50:56:93:00:01");
    assert_string_equal(web->runs_on, "esx-01.acme.example");
    assert_int_equal(host(e, "esx-01")->kind, ESTATE_HYPERVISOR);
    assert_int_equal(host(e, "esx-01")->cores, 40);
    assert_int_equal(estate_disk_bytes(host(e, "esx-01")), 10485760 * (uint64_t)mib);
    assert_string_equal(estate_file(e, web->source[ESTATE_CORES].file), "rvtools-vInfo.csv");
    assert_int_equal(web->source[ESTATE_CORES].row, 2);
}

/* The names of the tables within, German numbers, and machines that are none. */
static void rvtools_has_columns_by_two_names(void **state)
{
    auto_estate struct estate *e = empty();
    const struct estate_host *erp;
    uint64_t used;

    (void)state;
    take("rvtools-tables.csv", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 1);
    erp = host(e, "erp-01");
    assert_int_equal(erp->memory_bytes, 32768 * (uint64_t)mib);
    assert_int_equal(estate_disk_bytes(erp), 512000 * (uint64_t)mib);
    assert_true(estate_disk_used(erp, &used));
    assert_int_equal(used, (uint64_t)(200000.5 * mib));
    assert_string_equal(erp->id, "5013aaaa-0001-0001-0001-000000000009");
    assert_string_equal(estate_tag(erp, "smbios_uuid"), "4213aaaa-0001-0001-0001-000000000009");
    assert_string_equal(estate_tag(erp, "dns"), "erp-01.acme.example");
}

static void a_workbook_is_its_sheets(void **state)
{
    auto_estate struct estate *e = empty();
    const struct estate_host *web;

    (void)state;
    if (!READS_ZIP)
        skip();
    take("rvtools.xlsx", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 5);
    web = host(e, "shop-web-01");
    assert_int_equal(web->memory_bytes, 8192 * (uint64_t)mib);
    assert_int_equal(web->cores, 4);
    assert_string_equal(web->os_name, "Red Hat Enterprise Linux 8 (64-bit)");
    assert_string_equal(web->nics[0].mac, "00:50:56:93:00:01");
    assert_int_equal(estate_disk_bytes(host(e, "shop-db-01")), 614400 * (uint64_t)mib);
    assert_string_equal(estate_file(e, web->source[ESTATE_CORES].file), "rvtools.xlsx vInfo");
    assert_int_equal(web->source[ESTATE_CORES].row, 2);
    assert_string_equal(estate_file(e, web->disks[0].source.file), "rvtools.xlsx vDisk");
}

static void mgn_names_apps_waves_and_tags(void **state)
{
    auto_estate struct estate *e = empty();
    const struct estate_host *h;

    (void)state;
    take("mgn.csv", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    h = host(e, "srv-0002");
    assert_string_equal(h->name, "shop-db-01.acme.example");
    assert_string_equal(h->workload, "shop");
    assert_int_equal(h->os_family, ESTATE_WINDOWS);
    assert_string_equal(estate_tag(h, "env"), "prod");
    assert_string_equal(h->disks[0].name, "/dev/sda");
    assert_string_equal(h->disks[0].type, "io2");
    assert_int_equal(estate_workload_find(e, "shop")->wave, 2);
    assert_int_equal(estate_workload_find(e, "wiki")->wave, 1);
    assert_string_equal(estate_workload_find(e, "wiki")->description, "the wiki");
}

static void migration_hub_has_use_and_addresses(void **state)
{
    auto_estate struct estate *e = empty();
    const struct estate_host *h;

    (void)state;
    take("migration-hub.csv", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    h = host(e, "10.10.1.12");
    assert_string_equal(h->id, "ext-1");
    assert_int_equal(h->cores, 4);
    assert_true(h->usage[ESTATE_CPU_PERCENT]->mean == 11.5);
    assert_true(h->usage[ESTATE_MEMORY_USED]->quantile[ESTATE_MAX] == 5300 * mib);
    assert_string_equal(estate_tag(h, "tier"), "web");
    assert_int_equal(host(e, "shop-db-01")->cores, 16);
    assert_int_equal(estate_workload_find(e, "shop")->hosts_n, 2);
    assert_int_equal(estate_workload_find(e, "shop")->wave, 2);
}

static void azure_disks_are_as_many_as_there_are(void **state)
{
    auto_estate struct estate *e = empty();
    const struct estate_host *h;

    (void)state;
    take("azure-migrate.csv", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    h = host(e, "shop-db-01");
    assert_int_equal(estate_disk_bytes(h), 600 * (uint64_t)gib);
    assert_int_equal(h->kind, ESTATE_PHYSICAL);
    assert_true(near(h->usage[ESTATE_MEMORY_USED]->mean, 0.8 * 64 * gib));
    h = host(e, "shop-web-01");
    assert_true(h->usage[ESTATE_DISK_WRITES]->mean == 0.25 * mib);
    assert_true(h->usage[ESTATE_NET_RATE]->mean == 4.5 * mib);
    assert_true(h->usage[ESTATE_DISK_OPS]->mean == 30);
    assert_null(host(e, "old-01")->usage[ESTATE_CPU_PERCENT]);
    assert_int_equal(host(e, "old-01")->arch, ESTATE_X86);
}

static void azure_dependencies_are_talks(void **state)
{
    auto_estate struct estate *e = empty();

    (void)state;
    take("azure-dependencies.csv", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 2);
    assert_int_equal(estate_talks(e), 2);
    assert_string_equal(estate_talk(e, 0)->to.host->name, "shop-db-01");
    assert_string_equal(estate_talk(e, 0)->to_process, "sqlservr");
    assert_int_equal(estate_talk(e, 0)->port, 1433);
    assert_int_equal(estate_talk(e, 0)->count, 2);
    assert_int_equal(estate_talk(e, 0)->until_ms - estate_talk(e, 0)->from_ms, 3600000);
}

static void migration_center_joins_four_files_in_any_order(void **state)
{
    static const char *const files[] = {"tagInfo", "perfInfo", "diskInfo", "vmInfo"};
    auto_estate struct estate *e = empty();
    const struct estate_host *h;
    struct rollup_hist hist;
    char name[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(name, sizeof(name), "migration-center-%s.csv", files[i]);
        take(name, NULL, e, NULL);
    }
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 2);
    h = host(e, "shop-web-01");
    assert_string_equal(h->id, "m-1");
    assert_ptr_equal(host(e, "m-1"), h);
    assert_int_equal(h->usage[ESTATE_CPU_PERCENT]->samples, 48);
    assert_true(estate_usage_hist(h->usage[ESTATE_CPU_PERCENT], &hist));
    assert_true(near(rollup_hist_quantile(&hist, 1), 56));
    /* 2026-03-01 was a Sunday: hour 6 x 24 + 5 had 10 + 5 x 2. */
    assert_true(h->usage[ESTATE_CPU_PERCENT]->week[149] == 20);
    assert_true(h->usage[ESTATE_CPU_PERCENT]->week[100] < 0);
    assert_int_equal(estate_disk_bytes(host(e, "shop-db-01")), 600 * (uint64_t)gib);
    assert_string_equal(estate_tag(h, "env"), "prod");
}

static void ansible_has_facts_groups_and_our_own_variables(void **state)
{
    auto_estate struct estate *e = empty();
    const struct estate_host *h;

    (void)state;
    take("ansible.json", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 3);
    h = host(e, "10.10.1.11");
    assert_string_equal(h->workload, "shop");
    assert_int_equal(h->disks_n, 1);
    assert_int_equal(h->disks[0].size_bytes, 50 * (uint64_t)gib);
    assert_string_equal(estate_tag(h, "group:web"), "yes");
    assert_int_equal(estate_workload_find(e, "shop")->wave, 2);
    assert_int_equal(host(e, "shop-db-01")->os_family, ESTATE_WINDOWS);
    assert_int_equal(host(e, "shop-db-01")->cores, 8);
    assert_int_equal(host(e, "shop-db-01")->addresses_n, 0);
}

static void plain_csv_has_every_fact(void **state)
{
    auto_estate struct estate *e = empty();
    const struct estate_host *h;

    (void)state;
    take("plain.csv", NULL, e, NULL);
    take("plain-talks.csv", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    h = host(e, "shop-web-01");
    assert_string_equal(h->refresh_on, "2026-05-01");
    assert_string_equal(estate_workload_find(e, "shop")->depends[0].on, "ldap");
    assert_int_equal(estate_workload_find(e, "shop")->wave, 2);
    assert_int_equal(h->software_n, 2);
    assert_int_equal(host(e, "gpu-01")->gpus, 4);
    assert_int_equal(estate_talks(e), 3);
    assert_string_equal(estate_talk(e, 1)->to.host->name, "shop-db-01");
    assert_int_equal(estate_talk(e, 1)->bytes, 123456789);
}

static void prometheus_counters_become_rates(void **state)
{
    auto_estate struct estate *e = empty();
    const struct estate_host *h;

    (void)state;
    take("plain.csv", NULL, e, NULL);
    take("prometheus.json", NULL, e, NULL);
    assert_ok(estate_settle(e, NULL));
    assert_int_equal(estate_hosts(e), 4);
    h = host(e, "shop-web-01");
    assert_true(near(h->usage[ESTATE_CPU_PERCENT]->mean, 30));
    assert_true(near(h->usage[ESTATE_MEMORY_USED]->mean, 2 * gib));
    assert_true(near(h->usage[ESTATE_NET_RATE]->mean, 2000));
    /* The counter began anew once: then its value is the rate's, 0. */
    assert_true(near(h->usage[ESTATE_DISK_WRITES]->quantile[ESTATE_P50], 10000));
    assert_true(h->usage[ESTATE_DISK_WRITES]->mean < 10000);
    assert_int_equal(h->usage[ESTATE_CPU_PERCENT]->samples, 23);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_found_by_what_it_holds),
        cmocka_unit_test(every_format_has_a_file),
        cmocka_unit_test(a_file_read_twice_is_the_same_as_once),
        cmocka_unit_test(what_is_taken_is_a_document_that_comes_back),
        cmocka_unit_test(another_format_is_refused),
        cmocka_unit_test(what_is_nothing_known_is_refused),
        cmocka_unit_test(rvtools_sheets_are_one_fleet),
        cmocka_unit_test(rvtools_has_columns_by_two_names),
        cmocka_unit_test(a_workbook_is_its_sheets),
        cmocka_unit_test(mgn_names_apps_waves_and_tags),
        cmocka_unit_test(migration_hub_has_use_and_addresses),
        cmocka_unit_test(azure_disks_are_as_many_as_there_are),
        cmocka_unit_test(azure_dependencies_are_talks),
        cmocka_unit_test(migration_center_joins_four_files_in_any_order),
        cmocka_unit_test(ansible_has_facts_groups_and_our_own_variables),
        cmocka_unit_test(plain_csv_has_every_fact),
        cmocka_unit_test(prometheus_counters_become_rates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
