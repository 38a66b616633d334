/* SPDX-License-Identifier: Apache-2.0 */
/* The collectors host, cpu and memory over whole hosts, and over hosts with something missing. */
#include "tests/host_place.h"

#include "inventory/collect.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/text.h"

#include "base/banned.h"

static int setup_empty(void **state)
{
    return host_setup(state, NULL);
}

static const struct js *collect(struct host *h, const char *part)
{
    host_look(h);
    return fixture_part(h->doc, part);
}

/* The text at a path of keys like "os.id"; "" when it is absent. */
static const char *text_at(const struct js *v, const char *keys)
{
    auto_vec char **parts = NULL;

    assert_ok(text_split(keys, ".", &parts, NULL));
    for (size_t i = 0; parts[i]; i++)
        v = js_member(v, parts[i]);
    return js_as_str(v, "");
}

static void physical_server_tells_itself(void **state)
{
    const struct js *v = collect(*state, "host");

    assert_string_equal(text_at(v, "name"), "db-01.example.net");
    assert_string_equal(text_at(v, "os.id"), "rhel");
    assert_string_equal(text_at(v, "os.version"), "7.9");
    assert_string_equal(text_at(v, "os.pretty_name"),
                        "Red Hat Enterprise Linux Server 7.9 (Maipo)");
    assert_string_equal(text_at(v, "kernel.release"), "3.10.0-1160.119.1.el7.x86_64");
    assert_string_equal(text_at(v, "virtualization.kind"), "none");
    assert_string_equal(text_at(v, "smbios.vendor"), "Dell Inc.");
    assert_string_equal(text_at(v, "smbios.product"), "PowerEdge R730");
    assert_string_equal(text_at(v, "smbios.version"), "");
    assert_string_equal(text_at(v, "boot.mode"), "efi");
    assert_string_equal(text_at(v, "boot.time"), "2025-11-01T06:55:13Z");
    assert_string_equal(text_at(v, "timezone"), "Europe/Madrid");
}

static void identities_leave_the_host_only_as_hashes(void **state)
{
    struct host *h = *state;
    const struct js *v = collect(h, "host");
    auto_buf struct buf text = {0};
    char hash[COLLECT_HASH_TEXT_MAX];

    assert_string_equal(text_at(v, "machine_id_hash"),
                        collect_hash("machine_id", "5f0c2a6d9b1e4f7c8a3d2e1f0b9c8d7e", hash));
    assert_int_equal(strlen(text_at(v, "smbios.serial_hash")), 32);
    assert_ok(js_print(h->doc, false, false, &text, NULL));
    assert_null(strstr(buf_cstr(&text), "5f0c2a6d9b1e4f7c8a3d2e1f0b9c8d7e"));
    assert_null(strstr(buf_cstr(&text), "7XKQ2M2"));
    assert_null(strstr(buf_cstr(&text), "4C4C4544"));
    assert_null(strstr(buf_cstr(&text), "5000c500a1b2c3d4"));
}

static void guest_knows_its_hypervisor(void **state)
{
    const struct js *v = collect(*state, "host");

    assert_string_equal(text_at(v, "os.id"), "debian");
    assert_string_equal(text_at(v, "os.version"), "12");
    assert_string_equal(text_at(v, "virtualization.kind"), "vm");
    assert_string_equal(text_at(v, "virtualization.type"), "kvm");
    assert_string_equal(text_at(v, "smbios.serial_hash"), "");
    assert_string_equal(text_at(v, "boot.mode"), "efi");
    assert_string_equal(text_at(v, "timezone"), "Etc/UTC");
}

static void secure_boot_is_read_from_the_firmware(void **state)
{
    static const char path[] = "sys/firmware/efi/efivars/"
                               "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    struct host *h = *state;

    assert_true(js_kind(js_member(js_member(collect(h, "host"), "boot"), "secure_boot")) ==
                JS_NULL);
    fixture_put(h->dir, path, slice_of("\x06\0\0\0\x01", 5));
    assert_true(js_bool(js_member(collect(h, "host"), "boot"), "secure_boot", false));
    fixture_put(h->dir, path, slice_of("\x06\0\0\0\0", 5));
    assert_false(js_bool(js_member(collect(h, "host"), "boot"), "secure_boot", true));
}

static void systems_older_than_os_release_are_known(void **state)
{
    const struct js *v = collect(*state, "host");

    assert_string_equal(text_at(v, "os.id"), "centos");
    assert_string_equal(text_at(v, "os.version"), "6.10");
    assert_string_equal(text_at(v, "boot.mode"), "bios");
    assert_string_equal(text_at(v, "timezone"), "Europe/Berlin");
    assert_int_equal(strlen(text_at(v, "machine_id_hash")), 32);
    assert_string_equal(text_at(v, "smbios.serial_hash"), ""); /* "To Be Filled By O.E.M." */
}

static void containers_win_over_what_is_below(void **state)
{
    struct host *h = *state;

    fixture_put(h->dir, "proc/1/environ", slice_of("PATH=/bin\0container=lxc\0SECRET=x\0", 33));
    assert_string_equal(text_at(collect(h, "host"), "virtualization.kind"), "container");
    assert_string_equal(text_at(h->doc, "host.virtualization.type"), "lxc");
    fixture_put(h->dir, "proc/1/environ", slice_of("container=\x1b[31m;rm\0", 19));
    assert_string_equal(text_at(collect(h, "host"), "virtualization.type"), "other");
    fixture_remove(h->dir, "proc/1/environ");
    fixture_text(h->dir, "proc/1/cgroup", "4:memory:/kubepods/burstable/podabc/123\n");
    assert_string_equal(text_at(collect(h, "host"), "virtualization.type"), "kubernetes");
}

static void bare_metal_of_a_cloud_is_no_guest(void **state)
{
    struct host *h = *state;

    fixture_text(h->dir, "sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
    fixture_text(h->dir, "sys/class/dmi/id/product_name", "m5.metal\n");
    assert_string_equal(text_at(collect(h, "host"), "virtualization.kind"), "none");
    fixture_text(h->dir, "sys/class/dmi/id/sys_vendor", "VMware, Inc.\n");
    assert_string_equal(text_at(collect(h, "host"), "virtualization.type"), "vmware");
}

static void guest_without_firmware_tables_is_still_a_guest(void **state)
{
    struct host *h = *state;

    fixture_remove(h->dir, "sys/class/dmi");
    assert_string_equal(text_at(collect(h, "host"), "virtualization.kind"), "vm");
    assert_string_equal(text_at(h->doc, "host.virtualization.type"), "other");
}

static void processors_are_counted_by_their_places(void **state)
{
    const struct js *v = collect(*state, "cpu");

    assert_string_equal(text_at(v, "model"), "Intel(R) Xeon(R) CPU E5-2637 v4 @ 3.50GHz");
    assert_string_equal(text_at(v, "arch"), "x86_64");
    assert_int_equal(js_u64(v, "sockets", 0), 2);
    assert_int_equal(js_u64(v, "cores", 0), 8);
    assert_int_equal(js_u64(v, "threads", 0), 16);
    assert_int_equal(js_u64(v, "frequency_mhz", 0), 3500);
    assert_int_equal(js_u64(v, "frequency_max_mhz", 0), 3700);
}

static void the_clock_is_the_one_that_was_sold(void **state)
{
    struct host *h = *state;
    const char *cpu = "processor\t: 0\nmodel name\t: AMD EPYC 7763\ncpu MHz\t\t: 1996.250\n";

    fixture_text(h->dir, "proc/cpuinfo", cpu);
    fixture_remove(h->dir, "sys/devices/system/cpu/cpu0/cpufreq");
    assert_int_equal(js_u64(collect(h, "cpu"), "frequency_mhz", 0), 1996);
    /* A clock that moves is no fact of the host. */
    fixture_text(h->dir, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3500000\n");
    assert_null(js_member(collect(h, "cpu"), "frequency_mhz"));
    assert_int_equal(js_u64(js_member(h->doc, "cpu"), "frequency_max_mhz", 0), 3500);
    fixture_text(h->dir, "sys/devices/system/cpu/cpu0/cpufreq/base_frequency", "2450000\n");
    assert_int_equal(js_u64(collect(h, "cpu"), "frequency_mhz", 0), 2450);
}

/* Two looks at an idle host differ in nothing but what lives. */
static void an_unchanged_host_has_an_unchanged_document(void **state)
{
    static const char *const parts[] = {"host", "cpu", "block", "mounts", "network"};
    struct host *h = *state;
    struct js *first = fixture_inventory(h->dir);

    host_look(h);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        auto_buf struct buf a = {0};
        auto_buf struct buf b = {0};

        assert_ok(js_print(fixture_part(first, parts[i]), true, false, &a, NULL));
        assert_ok(js_print(fixture_part(h->doc, parts[i]), true, false, &b, NULL));
        assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    }
    js_free(first);
}

static void processors_without_topology_are_one_socket(void **state)
{
    struct host *h = *state;
    const struct js *v = NULL;

    fixture_text(h->dir, "proc/cpuinfo",
                 "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd aes sha2\n"
                 "CPU architecture: 8\n\nprocessor\t: 1\nCPU architecture: 8\n");
    fixture_remove(h->dir, "proc/sys/kernel/arch");
    fixture_text(h->dir, "proc/sys/kernel/osrelease", "6.1.0-rpi\n");
    v = collect(h, "cpu");
    assert_string_equal(text_at(v, "arch"), "aarch64");
    assert_int_equal(js_u64(v, "sockets", 0), 1);
    assert_int_equal(js_u64(v, "cores", 0), 2);
    assert_int_equal(js_u64(v, "threads", 0), 2);
    assert_int_equal(js_len(js_member(v, "flags")), 3);
}

static void memory_is_in_bytes(void **state)
{
    const struct js *v = collect(*state, "memory");

    assert_int_equal(js_u64(v, "total_bytes", 0), (uint64_t)263857284 * 1024);
    assert_int_equal(js_u64(v, "available_bytes", 0), (uint64_t)148230012 * 1024);
    assert_false(js_bool(v, "available_is_estimated", false));
    assert_int_equal(js_u64(v, "swap_total_bytes", 0), (uint64_t)16777212 * 1024);
    assert_int_equal(js_u64(v, "huge_pages", 0), 8192);
    assert_int_equal(js_u64(v, "huge_page_bytes", 0), 2 << 20);
}

static void memory_of_old_kernels_is_estimated(void **state)
{
    const struct js *v = collect(*state, "memory");

    assert_true(js_bool(v, "available_is_estimated", false));
    assert_int_equal(js_u64(v, "available_bytes", 0),
                     (uint64_t)(1203344 + 412032 + 9120332 - 20332) * 1024);
}

static void a_collector_that_fails_is_a_problem_and_no_more(void **state)
{
    struct host *h = *state;
    const struct js *problem = NULL;

    fixture_remove(h->dir, "proc/meminfo");
    fixture_text(h->dir, "proc/cpuinfo", "nothing\n");
    (void)collect(h, "host");
    assert_null(js_member(h->doc, "memory"));
    assert_null(js_member(h->doc, "cpu"));
    assert_int_equal(js_len(js_member(h->doc, "problems")), 2);
    problem = fixture_find(js_member(h->doc, "problems"), "collector", "memory");
    assert_non_null(strstr(js_str(problem, "error", ""), "/proc/meminfo"));
    (void)fixture_part(h->doc, "block");
}

static void an_empty_tree_is_a_document_of_problems(void **state)
{
    struct host *h = *state;
    size_t n = 0;

    host_look(h);
    (void)collect_rows(&n);
    assert_int_equal(js_len(js_member(h->doc, "problems")), n);
}

#define TEST(fn, setup) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(physical_server_tells_itself, setup_rhel),
        TEST(identities_leave_the_host_only_as_hashes, setup_rhel),
        TEST(guest_knows_its_hypervisor, setup_deb),
        TEST(secure_boot_is_read_from_the_firmware, setup_deb),
        TEST(systems_older_than_os_release_are_known, setup_el6),
        TEST(containers_win_over_what_is_below, setup_deb),
        TEST(bare_metal_of_a_cloud_is_no_guest, setup_rhel),
        TEST(guest_without_firmware_tables_is_still_a_guest, setup_deb),
        TEST(processors_are_counted_by_their_places, setup_rhel),
        TEST(the_clock_is_the_one_that_was_sold, setup_rhel),
        TEST(an_unchanged_host_has_an_unchanged_document, setup_rhel),
        TEST(processors_without_topology_are_one_socket, setup_deb),
        TEST(memory_is_in_bytes, setup_rhel),
        TEST(memory_of_old_kernels_is_estimated, setup_el6),
        TEST(a_collector_that_fails_is_a_problem_and_no_more, setup_rhel),
        TEST(an_empty_tree_is_a_document_of_problems, setup_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
