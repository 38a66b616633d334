/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine is this: names, firmware, operating system, kernel, virtualisation, boot. */
#include "inventory/collect.h"

#include "inventory/line.h"
#include "inventory/probe.h"
#include "inventory/virt.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/text.h"

#include "base/banned.h"

static void put_machine_id(struct probe *p, struct jsw *w)
{
    static const char *const files[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};
    char text[PROBE_TEXT_MAX];
    char hash[COLLECT_HASH_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (probe_text(p, text, sizeof(text), "%s", files[i]) < 0 || strlen(text) < 32)
            continue;
        /* machine-id(5): never to be shown; a keyed name in its stead. */
        jsw_str(w, "machine_id_hash", collect_hash("machine_id", text, hash));
        return;
    }
}

static void put_smbios(struct probe *p, struct jsw *w)
{
    jsw_obj(w, "smbios");
    collect_put_text(p, w, "vendor", "/sys/class/dmi/id/sys_vendor");
    collect_put_text(p, w, "product", "/sys/class/dmi/id/product_name");
    collect_put_text(p, w, "version", "/sys/class/dmi/id/product_version");
    collect_put_hash(p, w, "serial_hash", "/sys/class/dmi/id/product_serial");
    collect_put_hash(p, w, "uuid_hash", "/sys/class/dmi/id/product_uuid");
    collect_put_u64(p, w, "chassis_type", "/sys/class/dmi/id/chassis_type");
    collect_put_text(p, w, "bios_vendor", "/sys/class/dmi/id/bios_vendor");
    collect_put_text(p, w, "bios_version", "/sys/class/dmi/id/bios_version");
    collect_put_text(p, w, "bios_date", "/sys/class/dmi/id/bios_date");
    jsw_end(w);
}

static struct slice unquote(struct slice s)
{
    s = line_trim(s);
    if (s.len >= 2 && (s.data[0] == '"' || s.data[0] == '\'') && s.data[s.len - 1] == s.data[0])
        return slice_of(s.data + 1, s.len - 2);
    return s;
}

/* os-release(5), the members that say which system it is. */
static bool put_os_release(struct probe *p, struct jsw *w)
{
    static const char *const members[][2] = {{"ID", "id"},
                                             {"ID_LIKE", "id_like"},
                                             {"NAME", "name"},
                                             {"VERSION_ID", "version"},
                                             {"PRETTY_NAME", "pretty_name"}};
    bool seen[ARRAY_LEN(members)] = {false};
    auto_buf struct buf b = {0};
    struct slice rest;
    struct slice line;
    struct slice value;

    if (probe_read(p, "/etc/os-release", COLLECT_FILE_MAX_BYTES, &b, NULL, NULL) < 0 &&
        probe_read(p, "/usr/lib/os-release", COLLECT_FILE_MAX_BYTES, &b, NULL, NULL) < 0)
        return false;
    rest = buf_slice(&b);
    while (line_next(&rest, &line)) {
        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
            if (seen[i] || !line_value(line, members[i][0], '=', &value))
                continue;
            seen[i] = true;
            collect_put_slice(w, members[i][1], unquote(value));
        }
    }
    return seen[0] || seen[2];
}

/* "CentOS release 6.10 (Final)": systems older than os-release. */
static bool put_old_release(struct probe *p, struct jsw *w)
{
    static const struct {
        const char *file, *prefix, *id;
    } old[] = {
        {"/etc/redhat-release", "Red Hat", "rhel"},
        {"/etc/redhat-release", "CentOS", "centos"},
        {"/etc/redhat-release", "Scientific", "scientific"},
        {"/etc/redhat-release", "Fedora", "fedora"},
        {"/etc/redhat-release", "Oracle", "ol"},
        {"/etc/SuSE-release", "SUSE", "sles"},
    };
    char text[PROBE_TEXT_MAX];
    struct slice rest;
    struct slice word;

    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        if (probe_text(p, text, sizeof(text), "%s", old[i].file) < 0 ||
            !text_starts(text, old[i].prefix))
            continue;
        jsw_str(w, "id", old[i].id);
        jsw_str(w, "pretty_name", text);
        rest = slice_str(text);
        while (line_word(&rest, &word)) {
            if (word.data[0] >= '0' && word.data[0] <= '9') {
                collect_put_slice(w, "version", word);
                break;
            }
        }
        return true;
    }
    return false;
}

static void put_os(struct probe *p, struct jsw *w)
{
    char version[PROBE_TEXT_MAX];

    jsw_obj(w, "os");
    jsw_str(w, "family", "linux");
    if (!put_os_release(p, w) && !put_old_release(p, w) &&
        probe_text(p, version, sizeof(version), "/etc/debian_version") == 0) {
        jsw_str(w, "id", "debian");
        collect_put_str(w, "version", version);
    }
    jsw_end(w);
}

static void put_virtualization(struct probe *p, struct jsw *w)
{
    struct virt v;

    virt_detect(p, &v);
    jsw_obj(w, "virtualization");
    jsw_str(w, "kind", virt_kind_name(v.kind));
    collect_put_str(w, "type", v.type);
    jsw_end(w);
}

/* efivarfs puts four bytes of attributes before the value. */
static void put_secure_boot(struct probe *p, struct jsw *w)
{
    static const char path[] = "/sys/firmware/efi/efivars/"
                               "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    auto_buf struct buf b = {0};

    if (probe_read(p, path, 8, &b, NULL, NULL) == 0 && b.len == 5)
        jsw_bool(w, "secure_boot", b.data[4] == 1);
}

static const char *boot_mode(struct probe *p)
{
    if (probe_exists(p, "/sys/firmware/efi"))
        return "efi";
    if (probe_exists(p, "/sys/firmware/devicetree/base"))
        return "devicetree";
    return probe_exists(p, "/sys/firmware") ? "bios" : "unknown";
}

static void put_boot_time(struct probe *p, struct jsw *w)
{
    auto_buf struct buf b = {0};
    struct slice rest;
    struct slice line;
    uint64_t s = 0;

    if (probe_read(p, "/proc/stat", COLLECT_BIG_FILE_MAX_BYTES, &b, NULL, NULL) < 0)
        return;
    rest = buf_slice(&b);
    while (line_next(&rest, &line)) {
        if (!line_starts(line, "btime "))
            continue;
        s = line_nth_u64(line, 1, 0);
        if (s > 0 && s < UINT32_MAX * (uint64_t)4)
            jsw_time(w, "time", s * 1000);
        return;
    }
}

static void put_boot(struct probe *p, struct jsw *w)
{
    jsw_obj(w, "boot");
    jsw_str(w, "mode", boot_mode(p));
    put_secure_boot(p, w);
    put_boot_time(p, w);
    jsw_end(w);
}

/* The link that tzset(3) follows, else the files that distributions kept beside it. */
static void put_timezone(struct probe *p, struct jsw *w)
{
    char text[PROBE_TEXT_MAX];
    struct slice value;
    const char *at = NULL;

    if (probe_link(p, "/etc/localtime", text, sizeof(text), NULL) == 0) {
        at = strstr(text, "zoneinfo/");
        if (at) {
            collect_put_slice(w, "timezone", slice_str(at + strlen("zoneinfo/")));
            return;
        }
    }
    if (probe_text(p, text, sizeof(text), "/etc/timezone") == 0) {
        collect_put_str(w, "timezone", text);
        return;
    }
    if (probe_text(p, text, sizeof(text), "/etc/sysconfig/clock") == 0 &&
        line_value(slice_str(text), "ZONE", '=', &value))
        collect_put_slice(w, "timezone", unquote(value));
}

int collect_host(struct probe *p, struct jsw *w, struct err *err)
{
    char name[PROBE_TEXT_MAX] = "";

    if (probe_text(p, name, sizeof(name), "/proc/sys/kernel/hostname") < 0 &&
        probe_text(p, name, sizeof(name), "/etc/hostname") < 0)
        return err_set(err, -ENOENT, "neither /proc/sys/kernel/hostname nor /etc/hostname reads");
    jsw_str(w, "name", name[0] ? name : "localhost");
    put_machine_id(p, w);
    put_os(p, w);
    jsw_obj(w, "kernel");
    collect_put_text(p, w, "release", "/proc/sys/kernel/osrelease");
    collect_put_text(p, w, "version", "/proc/sys/kernel/version");
    jsw_end(w);
    put_virtualization(p, w);
    put_smbios(p, w);
    put_boot(p, w);
    put_timezone(p, w);
    return 0;
}
