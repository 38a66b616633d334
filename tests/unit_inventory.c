/* SPDX-License-Identifier: Apache-2.0 */
/* The view of a document: what planner and command line see, and which documents they never see. */
#include "tests/unit.h"

#include "tests/fixture.h"

#include "inventory/inventory.h"
#include "inventory/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/js.h"
#include "base/text.h"

#include "base/banned.h"

static struct inventory *inventory_of(const char *name)
{
    struct fixture_time t = {.wall_ms = 1763800000000, .mono_ms = 1000};
    struct clock clock = fixture_clock(&t);
    auto_probe struct probe *p = NULL;
    auto_buf struct buf text = {0};
    struct inventory *inv = NULL;
    char *dir = fixture_unpack(name);

    assert_ok(probe_fixture_new(dir, &p, NULL));
    assert_ok(inventory_collect(p, &clock, &text, NULL));
    assert_ok(inventory_parse(buf_slice(&text), &inv, NULL));
    unit_rmdir(dir);
    return inv;
}

static const struct inventory_volume *volume(const struct inventory *inv, const char *path)
{
    for (size_t i = 0; i < inv->n_volumes; i++) {
        if (text_equal(inv->volumes[i].path, path))
            return &inv->volumes[i];
    }
    fail_msg("no volume %s", path);
    return NULL;
}

static void view_has_what_a_table_of_hosts_shows(void **state)
{
    auto_inventory struct inventory *inv = inventory_of("rhel79-db");

    (void)state;
    assert_string_equal(inv->host_name, "db-01.example.net");
    assert_string_equal(inv->os_id, "rhel");
    assert_string_equal(inv->kernel, "3.10.0-1160.119.1.el7.x86_64");
    assert_string_equal(inv->arch, "x86_64");
    assert_string_equal(inv->virt_kind, "none");
    assert_string_equal(inv->virt_type, "");
    assert_string_equal(inv->boot_mode, "efi");
    assert_int_equal(inv->generated_at_ms, 1763800000000);
    assert_int_equal(inv->cpu_threads, 16);
    assert_int_equal(inv->memory_bytes, (uint64_t)263857284 * 1024);
    assert_int_equal(inv->n_problems, 0);
    assert_int_equal(inv->n_addresses, 2);
    assert_string_equal(inv->addresses[0].address, "10.20.0.11");
    assert_int_equal(inv->addresses[0].prefix, 23);
    assert_int_equal(inv->n_peers, 4);
}

static void volumes_join_devices_and_mounts(void **state)
{
    auto_inventory struct inventory *inv = inventory_of("rhel79-db");
    const struct inventory_volume *v = volume(inv, "/dev/mapper/vg0-pg--data");

    (void)state;
    assert_string_equal(v->mount, "/var/lib/pgsql");
    assert_string_equal(v->fs, "xfs");
    assert_int_equal(v->size_bytes, 483183820800);
    assert_true(v->has_used && v->used_bytes == 322122547200 && v->is_top);
    v = volume(inv, "/dev/sda");
    assert_false(v->is_top || v->has_used);
    assert_string_equal(v->mount, "");
    assert_false(volume(inv, "/dev/md127")->is_top);
    v = volume(inv, "nas-02.example.net:/export/backup");
    assert_string_equal(v->kind, "mount");
    assert_true(v->is_remote);
    assert_string_equal(v->mount, "/backup");
}

static void a_volume_is_found_by_any_of_its_names(void **state)
{
    static const char *const names[] = {"/dev/mapper/vg0-pg--data", "/dev/vg0/pg-data", "/dev/dm-2",
                                        "dm-2", "/var/lib/pgsql"};
    static const char *const others[] = {
        "",           "/dev/",        "/dev/vg0", "/dev/vg0/",      "/dev//x",
        "/dev/a/b/c", "vg0-pg--data", "/dev/dm-", "/var/lib/pgsql/"};
    auto_inventory struct inventory *inv = inventory_of("rhel79-db");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_ptr_equal(inventory_volume_of(inv, names[i]),
                         volume(inv, "/dev/mapper/vg0-pg--data"));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_null(inventory_volume_of(inv, others[i]));
    assert_string_equal(inventory_volume_of(inv, "/backup")->name, "");
}

static void peers_tell_who_called(void **state)
{
    auto_inventory struct inventory *inv = inventory_of("deb12-web");
    size_t in = 0;

    (void)state;
    for (size_t i = 0; i < inv->n_peers; i++) {
        if (!inv->peers[i].is_inbound)
            continue;
        in++;
        assert_string_equal(inv->peers[i].peer, "203.0.113.7");
        assert_int_equal(inv->peers[i].port, 443);
    }
    assert_int_equal(in, 1);
}

static void this_machine_describes_itself(void **state)
{
    auto_probe struct probe *p = NULL;
    auto_inventory struct inventory *inv = NULL;
    auto_buf struct buf text = {0};

    (void)state;
    assert_ok(probe_local_new(&p, NULL));
    assert_ok(inventory_collect(p, &clock_system, &text, NULL));
    assert_ok(inventory_parse(buf_slice(&text), &inv, NULL));
    assert_true(inv->host_name[0] && inv->kernel[0]);
    assert_true(inv->cpu_threads > 0 && inv->memory_bytes > 0);
}

static void a_document_within_another_is_read_too(void **state)
{
    auto_probe struct probe *p = NULL;
    auto_inventory struct inventory *inv = NULL;
    struct js *doc = NULL;
    char *dir = fixture_unpack("el6-legacy");

    (void)state;
    assert_ok(probe_fixture_new(dir, &p, NULL));
    assert_ok(inventory_collect_js(p, &clock_system, &doc, NULL));
    assert_ok(inventory_read(doc, &inv, NULL));
    js_free(doc);
    assert_string_equal(inv->host_name, "legacy-01");
    unit_rmdir(dir);
}

/* Time runs out after the first collectors: the rest are problems, and nothing waits. */
static uint64_t racing_ms(void *arg)
{
    uint64_t *now = arg;

    return *now += 40;
}

static void time_that_runs_out_ends_collecting(void **state)
{
    uint64_t now = 0;
    struct clock racing = {.wall_ms = racing_ms, .mono_ms = racing_ms, .arg = &now};
    auto_probe struct probe *p = NULL;
    auto_inventory struct inventory *inv = NULL;
    auto_buf struct buf text = {0};
    char *dir = fixture_unpack("rhel79-db");

    (void)state;
    assert_ok(probe_fixture_new(dir, &p, NULL));
    assert_ok(inventory_collect(p, &racing, &text, NULL));
    assert_ok(inventory_parse(buf_slice(&text), &inv, NULL));
    assert_string_equal(inv->host_name, "db-01.example.net");
    assert_true(inv->n_problems > 0);
    assert_non_null(strstr(buf_cstr(&text), "out of time"));
    unit_rmdir(dir);
}

#define DOC(rest) "{\"schema\":\"godwit.inventory/1\",\"host\":{\"name\":\"h\"}" rest "}"

static void the_smallest_document_is_taken(void **state)
{
    auto_inventory struct inventory *inv = NULL;

    (void)state;
    assert_ok(inventory_parse(slice_str(DOC("")), &inv, NULL));
    assert_string_equal(inv->host_name, "h");
    assert_string_equal(inv->os_name, "");
    assert_string_equal(inv->cpu_model, "");
    assert_int_equal(inv->cpu_threads + inv->memory_bytes + inv->n_volumes + inv->n_addresses, 0);
}

static void members_that_nobody_knows_yet_are_passed_over(void **state)
{
    auto_inventory struct inventory *inv = NULL;

    (void)state;
    assert_ok(inventory_parse(slice_str(DOC(",\"gpu\":{\"count\":8},\"cpu\":{\"cores\":3,"
                                            "\"npu\":null}")),
                              &inv, NULL));
    assert_int_equal(inv->cpu_cores, 3);
}

static void what_no_collector_writes_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"schema\":\"godwit.inventory/2\",\"host\":{\"name\":\"h\"}}",
        "{\"schema\":\"godwit.inventory/1\"}",
        "{\"schema\":\"godwit.inventory/1\",\"host\":{\"name\":\"\"}}",
        "{\"schema\":\"godwit.inventory/1\",\"host\":{\"name\":7}}",
        "{\"schema\":\"godwit.inventory/1\",\"host\":{\"name\":\"a\\u001b[2Jb\"}}",
        "{\"schema\":\"godwit.inventory/1\",\"host\":[]}",
        DOC(",\"generated_at\":\"yesterday\""),
        DOC(",\"cpu\":{\"threads\":-1}"),
        DOC(",\"cpu\":{\"threads\":1.5}"),
        DOC(",\"cpu\":{\"threads\":1000000}"),
        DOC(",\"memory\":{\"total_bytes\":\"1\"}"),
        DOC(",\"memory\":7"),
        DOC(",\"block\":{\"devices\":{}}"),
        DOC(",\"block\":{\"devices\":[7]}"),
        DOC(",\"block\":{\"devices\":[{\"name\":\"sda\"}]}"),
        DOC(",\"block\":{\"devices\":[{\"path\":\"/dev/sda\",\"size_bytes\":-1}]}"),
        DOC(",\"mounts\":{\"list\":[{\"source\":\"/dev/sda\"}]}"),
        DOC(",\"mounts\":{\"list\":[{\"path\":\"/\",\"used_bytes\":true}]}"),
        DOC(",\"network\":{\"addresses\":[{\"address\":\"::\",\"prefix\":129}]}"),
        DOC(",\"sockets\":{\"connections\":[{\"peer\":\"a\",\"port\":65536}]}"),
        DOC(",\"problems\":{}"),
    };
    struct inventory *inv = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};

        if (inventory_parse(slice_str(bad[i]), &inv, &err) != -EINVAL || !err.text[0])
            fail_msg("taken, or refused without a reason: %s", bad[i]);
    }
    assert_null(inv);
}

static void lists_and_texts_beyond_their_ceilings_are_refused(void **state)
{
    auto_buf struct buf b = {0};
    auto_buf struct buf name = {0};
    struct inventory *inv = NULL;

    (void)state;
    buf_str(&b, "{\"schema\":\"godwit.inventory/1\",\"host\":{\"name\":\"h\"},"
                "\"network\":{\"addresses\":[{}");
    for (size_t i = 0; i < INVENTORY_ADDRESSES_MAX; i++)
        buf_str(&b, ",{}");
    buf_str(&b, "]}}");
    assert_fails(-EFBIG, inventory_parse(buf_slice(&b), &inv, NULL));
    buf_str(&name, "{\"schema\":\"godwit.inventory/1\",\"host\":{\"name\":\"");
    for (size_t i = 0; i < 2000; i++)
        buf_str(&name, "x");
    buf_str(&name, "\"}}");
    assert_fails(-EINVAL, inventory_parse(buf_slice(&name), &inv, NULL));
    while (b.len <= INVENTORY_MAX_BYTES)
        buf_str(&b, "                                                                ");
    assert_fails(-EFBIG, inventory_parse(buf_slice(&b), &inv, NULL));
    assert_null(inv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_has_what_a_table_of_hosts_shows),
        cmocka_unit_test(volumes_join_devices_and_mounts),
        cmocka_unit_test(a_volume_is_found_by_any_of_its_names),
        cmocka_unit_test(peers_tell_who_called),
        cmocka_unit_test(this_machine_describes_itself),
        cmocka_unit_test(a_document_within_another_is_read_too),
        cmocka_unit_test(time_that_runs_out_ends_collecting),
        cmocka_unit_test(the_smallest_document_is_taken),
        cmocka_unit_test(members_that_nobody_knows_yet_are_passed_over),
        cmocka_unit_test(what_no_collector_writes_is_refused),
        cmocka_unit_test(lists_and_texts_beyond_their_ceilings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
