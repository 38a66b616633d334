/* SPDX-License-Identifier: Apache-2.0 */
/* The collectors block and mounts: what stands on what, and what would break a careless reader. */
#include "tests/host_place.h"

#include "inventory/collect.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/text.h"

#include "base/banned.h"

static const struct js *devices(const struct host *h)
{
    return js_member(fixture_part(h->doc, "block"), "devices");
}

static const struct js *device(const struct host *h, const char *name)
{
    const struct js *d = fixture_find(devices(h), "name", name);

    if (!d)
        fail_msg("no device %s", name);
    return d;
}

static const struct js *mounted(const struct host *h, const char *path)
{
    return fixture_find(js_member(fixture_part(h->doc, "mounts"), "list"), "path", path);
}

static const char *content(const struct js *d, const char *key)
{
    return js_str(js_member(d, "content"), key, "");
}

static void disks_have_size_and_make(void **state)
{
    const struct js *d = device(*state, "sda");

    assert_string_equal(js_str(d, "path", ""), "/dev/sda");
    assert_string_equal(js_str(d, "kind", ""), "disk");
    assert_string_equal(js_str(d, "model", ""), "ST600MM0088");
    assert_int_equal(js_u64(d, "size_bytes", 0), (uint64_t)1172123568 * 512);
    assert_true(js_bool(d, "rotational", false));
    assert_int_equal(js_u64(d, "logical_sector_bytes", 0), 512);
    d = device(*state, "nvme0n1");
    assert_false(js_bool(d, "rotational", true));
    assert_int_equal(strlen(js_str(d, "serial_hash", "")), 32);
    assert_string_not_equal(js_str(d, "serial_hash", ""),
                            js_str(device(*state, "sda"), "serial_hash", ""));
}

static void partitions_name_their_disk(void **state)
{
    const struct js *d = device(*state, "sda2");

    assert_string_equal(js_str(d, "kind", ""), "partition");
    assert_string_equal(js_str(d, "parent", ""), "sda");
    assert_int_equal(js_u64(d, "start_bytes", 0), (uint64_t)411648 * 512);
    assert_string_equal(content(d, "type"), "linux_raid_member");
    assert_null(js_member(d, "serial_hash"));
}

static void volumes_name_what_they_stand_on(void **state)
{
    const struct js *md = device(*state, "md127");
    const struct js *lv = device(*state, "dm-2");

    assert_string_equal(js_str(md, "kind", ""), "md");
    assert_string_equal(js_str(js_member(md, "md"), "level", ""), "raid1");
    assert_int_equal(js_u64(js_member(md, "md"), "disks", 0), 2);
    assert_int_equal(js_len(js_member(md, "slaves")), 2);
    assert_string_equal(js_as_str(js_at(js_member(md, "slaves"), 1), ""), "sdb2");
    assert_string_equal(js_str(lv, "kind", ""), "lvm");
    assert_string_equal(js_str(lv, "path", ""), "/dev/mapper/vg0-pg--data");
    assert_string_equal(js_as_str(js_at(js_member(lv, "slaves"), 0), ""), "md127");
    assert_string_equal(content(lv, "type"), "xfs");
    assert_string_equal(content(lv, "label"), "pgdata");
}

static void names_with_a_slash_are_paths_again(void **state)
{
    const struct js *d = device(*state, "cciss!c0d0p2");

    assert_string_equal(js_str(d, "path", ""), "/dev/cciss/c0d0p2");
    assert_string_equal(js_str(d, "parent", ""), "cciss!c0d0");
    assert_string_equal(content(d, "type"), "LVM2_member"); /* udev's old database */
    assert_string_equal(js_str(device(*state, "dm-0"), "path", ""),
                        "/dev/mapper/VolGroup00-LogVol00");
}

static void empty_drives_and_memory_are_no_volumes(void **state)
{
    struct host *h = *state;

    assert_null(fixture_find(devices(h), "name", "zram0"));
    assert_int_equal(js_len(devices(h)), 5); /* vda, its three partitions, loop0 */
    assert_string_equal(js_str(device(h, "loop0"), "backing_file", ""),
                        "/var/lib/images/tools.squashfs");
    assert_true(js_bool(device(h, "loop0"), "read_only", false));
}

static void mounts_tell_how_full_they_are(void **state)
{
    const struct js *m = mounted(*state, "/var/lib/pgsql");

    assert_string_equal(js_str(m, "source", ""), "/dev/mapper/vg0-pg--data");
    assert_string_equal(js_str(m, "dev", ""), "253:2");
    assert_string_equal(js_str(m, "fs", ""), "xfs");
    assert_int_equal(js_u64(m, "total_bytes", 0), 483183820800);
    assert_int_equal(js_u64(m, "used_bytes", 0), 322122547200);
    assert_int_equal(js_u64(m, "other_mounts", 0), 1);
    assert_null(mounted(*state, "/srv/pg exports")); /* a bind mount of the same */
    assert_null(mounted(*state, "/proc"));
    assert_null(mounted(*state, "/run"));
}

static void remote_file_systems_are_never_asked(void **state)
{
    struct host *h = *state;
    const struct js *m = NULL;

    /* Were it asked, the answer would show. */
    fixture_text(h->dir, ".fixture/space", "1000 500 500 0 0 /backup\n");
    host_look(h);
    m = mounted(h, "/backup");
    assert_true(js_bool(m, "remote", false));
    assert_null(js_member(m, "used_bytes"));
    assert_null(js_member(mounted(h, "/"), "used_bytes"));
}

static void images_and_overlays_are_no_data(void **state)
{
    struct host *h = *state;

    assert_int_equal(js_len(js_member(fixture_part(h->doc, "mounts"), "list")), 3);
    assert_null(mounted(h, "/opt/tools"));
    assert_true(js_bool(mounted(h, "/srv/assets"), "read_only", false));
}

static void escaped_mount_points_are_real_paths(void **state)
{
    struct host *h = *state;

    fixture_text(h->dir, "proc/self/mountinfo",
                 "60 1 253:0 / /with\\040blank\\134and\\011tab rw - xfs /dev/mapper/vg0-root rw\n"
                 "61 1 253:9 / /bad\\99 rw - xfs /dev/x rw\n"
                 "62 1 253:8 short\n"
                 "63 1 253:7 / relative rw - xfs /dev/y rw\n");
    fixture_put(h->dir, ".fixture/space",
                slice_str("10 5 5 0 0 /with blank\\and\ttab\n100 101 0 0 0 /bad\\99\n"));
    host_look(h);
    assert_int_equal(js_len(js_member(fixture_part(h->doc, "mounts"), "list")), 2);
    assert_non_null(mounted(h, "/bad\\99"));
    assert_null(js_member(mounted(h, "/bad\\99"), "used_bytes")); /* more used than there is */
    assert_int_equal(js_u64(js_member(h->doc, "mounts"), "left_out", 0), 1);
    assert_int_equal(
        js_u64(js_at(js_member(js_member(h->doc, "mounts"), "list"), 0), "used_bytes", 0), 5);
}

static void a_thousand_disks_are_cut_and_counted(void **state)
{
    struct host *h = *state;
    auto_buf struct buf mounts = {0};
    char path[128];

    for (unsigned i = 0; i < 1000; i++) {
        assert_ok(text_print(path, sizeof(path), "sys/block/sdz%u/size", i));
        fixture_text(h->dir, path, "2048\n");
        assert_ok(buf_printf(&mounts, "60 1 8:%u / /m%u rw - ext4 /dev/sdz%u rw\n", i, i, i));
    }
    fixture_put(h->dir, "proc/self/mountinfo", buf_slice(&mounts));
    host_look(h);
    assert_int_equal(js_len(devices(h)), COLLECT_DEVICES_MAX);
    /* 5 that were there (zram0 among the ignored) and 1000, without those written. */
    assert_true(js_u64(js_member(h->doc, "block"), "left_out", 0) >= 1000 - COLLECT_DEVICES_MAX);
    assert_int_equal(js_len(js_member(fixture_part(h->doc, "mounts"), "list")), COLLECT_MOUNTS_MAX);
    assert_int_equal(js_u64(js_member(h->doc, "mounts"), "left_out", 0), 1000 - COLLECT_MOUNTS_MAX);
}

static void sizes_that_cannot_be_leave_the_device_out(void **state)
{
    struct host *h = *state;

    fixture_text(h->dir, "sys/block/vda/size", "-5\n");
    fixture_text(h->dir, "sys/block/vda/vda1/size", "18446744073709551615\n");
    fixture_text(h->dir, "sys/block/vda/vda14/size", "4096 junk\n");
    host_look(h);
    assert_null(fixture_find(devices(h), "name", "vda"));
    assert_null(fixture_find(devices(h), "name", "vda1"));
    assert_null(fixture_find(devices(h), "name", "vda14"));
    assert_non_null(fixture_find(devices(h), "name", "vda15"));
    assert_int_equal(js_u64(js_member(h->doc, "block"), "left_out", 0), 3);
}

static void names_from_devices_cannot_drive_a_terminal(void **state)
{
    struct host *h = *state;
    auto_buf struct buf text = {0};

    fixture_put(h->dir, "sys/block/vda/device/model",
                slice_of("evil\x1b]0;x\x07\xff\xfe\0z\n", 16));
    fixture_put(h->dir, "run/udev/data/b254:1",
                slice_str("E:ID_FS_TYPE=ext4\nE:ID_FS_LABEL=\x1b[2J\xc3\x28\n"));
    fixture_text(h->dir, "sys/block/sd\x1b[31m/size", "2048\n");
    host_look(h);
    assert_ok(js_print(h->doc, false, false, &text, NULL));
    assert_null(strstr(buf_cstr(&text), "\\u001b"));
    assert_null(strchr(buf_cstr(&text), '\x1b'));
    assert_string_equal(content(device(h, "vda1"), "type"), "ext4");
}

#define TEST(fn, setup) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(disks_have_size_and_make, setup_rhel),
        TEST(partitions_name_their_disk, setup_rhel),
        TEST(volumes_name_what_they_stand_on, setup_rhel),
        TEST(names_with_a_slash_are_paths_again, setup_el6),
        TEST(empty_drives_and_memory_are_no_volumes, setup_deb),
        TEST(mounts_tell_how_full_they_are, setup_rhel),
        TEST(remote_file_systems_are_never_asked, setup_rhel),
        TEST(images_and_overlays_are_no_data, setup_deb),
        TEST(escaped_mount_points_are_real_paths, setup_rhel),
        TEST(a_thousand_disks_are_cut_and_counted, setup_deb),
        TEST(sizes_that_cannot_be_leave_the_device_out, setup_deb),
        TEST(names_from_devices_cannot_drive_a_terminal, setup_deb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
