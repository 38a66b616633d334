/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block devices: every disk, partition, LVM, MD and device-mapper volume, how they stand on each
 * other, and what lies on them.
 */
#include "inventory/collect.h"

#include "inventory/line.h"
#include "inventory/probe.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum { SECTOR_BYTES = 512, DIR_MAX = 160, UDEV_MAX_BYTES = 65536 };

struct block {
    struct probe *p;
    struct jsw *w;
    uint64_t written, left_out;
};

/* One device while it is written. */
struct device {
    const char *name;   /* of the kernel */
    const char *parent; /* of a partition, else NULL */
    char dir[DIR_MAX];  /* /sys/block/sda or /sys/block/sda/sda1 */
    char dev[32];       /* "8:1" */
    char dm_name[PROBE_TEXT_MAX], dm_uuid[PROBE_TEXT_MAX];
    char serial[PROBE_TEXT_MAX];
    struct probe_content content;
    uint64_t size_bytes;
    bool has_parts;
};

/* Memory, floppies and the hidden paths below an NVMe multipath node are no volumes. */
static bool is_ignored(struct probe *p, const char *name)
{
    uint64_t hidden = 0;

    if (text_starts(name, "ram") || text_starts(name, "zram") || text_starts(name, "fd"))
        return true;
    return probe_u64(p, &hidden, "/sys/block/%s/hidden", name) == 0 && hidden == 1;
}

static const char *device_kind(const struct device *d)
{
    static const char *const by_uuid[][2] = {
        {"LVM-", "lvm"}, {"mpath-", "multipath"}, {"CRYPT-", "crypt"}, {"part", "partition"}};
    static const char *const by_name[][2] = {
        {"md", "md"}, {"loop", "loop"}, {"sr", "rom"}, {"dm-", "dm"}};

    if (d->parent)
        return "partition";
    for (size_t i = 0; i < ARRAY_LEN(by_uuid); i++) {
        if (text_starts(d->dm_uuid, by_uuid[i][0]))
            return by_uuid[i][1];
    }
    for (size_t i = 0; i < ARRAY_LEN(by_name); i++) {
        if (text_starts(d->name, by_name[i][0]))
            return by_name[i][1];
    }
    return "disk";
}

/* The kernel writes '!' for '/' in the names of sysfs ("cciss!c0d0"). */
static void device_path(const struct device *d, char *out, size_t size)
{
    if (d->dm_name[0]) {
        (void)text_print(out, size, "/dev/mapper/%s", d->dm_name);
        return;
    }
    (void)text_print(out, size, "/dev/%s", d->name);
    for (char *at = out; *at; at++) {
        if (*at == '!')
            *at = '/';
    }
}

static void udev_take(struct device *d, struct slice line)
{
    struct slice v;

    if (line_value(line, "E:ID_FS_TYPE", '=', &v))
        line_copy(d->content.type, sizeof(d->content.type), v);
    else if (line_value(line, "E:ID_FS_LABEL", '=', &v))
        line_copy(d->content.label, sizeof(d->content.label), v);
    else if (line_value(line, "E:ID_FS_UUID", '=', &v))
        line_copy(d->content.uuid, sizeof(d->content.uuid), v);
    else if (line_value(line, "E:ID_SERIAL_SHORT", '=', &v))
        line_copy(d->serial, sizeof(d->serial), v);
}

/* What udev learnt as root when the device came; its database moved in udev 171. */
static bool device_read_udev(struct probe *p, struct device *d)
{
    auto_buf struct buf b = {0};
    char path[DIR_MAX];
    struct slice rest;
    struct slice line;
    int rc;

    (void)text_print(path, sizeof(path), "/run/udev/data/b%s", d->dev);
    rc = probe_read(p, path, UDEV_MAX_BYTES, &b, NULL, NULL);
    if (rc < 0 && text_print(path, sizeof(path), "/dev/.udev/db/block:%s", d->name) == 0)
        rc = probe_read(p, path, UDEV_MAX_BYTES, &b, NULL, NULL);
    if (rc < 0)
        return false;
    rest = buf_slice(&b);
    while (line_next(&rest, &line))
        udev_take(d, line);
    return true;
}

/* Without udev we look ourselves, where we may. A disk with partitions has nothing else on it. */
static void device_read_content(struct probe *p, struct device *d)
{
    char path[PROBE_TEXT_MAX + 16];

    if (device_read_udev(p, d) || d->has_parts || text_starts(d->name, "sr"))
        return;
    device_path(d, path, sizeof(path));
    (void)probe_content(p, path, &d->content, NULL);
}

static void device_read_serial(struct probe *p, struct device *d)
{
    static const char *const files[] = {"device/serial", "serial", "device/wwid", "wwid"};

    for (size_t i = 0; i < ARRAY_LEN(files) && !d->serial[0] && !d->parent; i++)
        (void)probe_text(p, d->serial, sizeof(d->serial), "%s/%s", d->dir, files[i]);
}

static int device_read(struct probe *p, struct device *d)
{
    uint64_t sectors = 0;

    if (probe_u64(p, &sectors, "%s/size", d->dir) < 0 ||
        !num_mul(sectors, SECTOR_BYTES, &d->size_bytes) || d->size_bytes > INT64_MAX)
        return -ENODATA;
    if (d->size_bytes == 0)
        return -ENOMEDIUM;
    (void)probe_text(p, d->dev, sizeof(d->dev), "%s/dev", d->dir);
    if (text_starts(d->name, "dm-")) {
        (void)probe_text(p, d->dm_name, sizeof(d->dm_name), "%s/dm/name", d->dir);
        (void)probe_text(p, d->dm_uuid, sizeof(d->dm_uuid), "%s/dm/uuid", d->dir);
    }
    device_read_content(p, d);
    device_read_serial(p, d);
    return 0;
}

static void put_fact(struct block *b, const struct device *d, const char *key, const char *file)
{
    char path[PROBE_PATH_MAX];

    if (text_print(path, sizeof(path), "%s/%s", d->dir, file) == 0)
        collect_put_text(b->p, b->w, key, path);
}

static void put_number(struct block *b, const struct device *d, const char *key, const char *file)
{
    char path[PROBE_PATH_MAX];

    if (text_print(path, sizeof(path), "%s/%s", d->dir, file) == 0)
        collect_put_u64(b->p, b->w, key, path);
}

/* Written only where it is not what one expects. */
static void put_flag(struct block *b, const struct device *d, const char *key, const char *file)
{
    uint64_t v = 0;

    if (probe_u64(b->p, &v, "%s/%s", d->dir, file) == 0 && v == 1)
        jsw_bool(b->w, key, true);
}

static void put_hardware(struct block *b, const struct device *d)
{
    char hash[COLLECT_HASH_TEXT_MAX];
    uint64_t v = 0;

    put_fact(b, d, "vendor", "device/vendor");
    put_fact(b, d, "model", "device/model");
    if (d->serial[0])
        jsw_str(b->w, "serial_hash", collect_hash("disk", d->serial, hash));
    if (probe_u64(b->p, &v, "%s/queue/rotational", d->dir) == 0)
        jsw_bool(b->w, "rotational", v != 0);
    put_number(b, d, "logical_sector_bytes", "queue/logical_block_size");
    put_number(b, d, "physical_sector_bytes", "queue/physical_block_size");
    put_flag(b, d, "removable", "removable");
}

static void put_start(struct block *b, const struct device *d)
{
    uint64_t start = 0;

    if (probe_u64(b->p, &start, "%s/start", d->dir) == 0 && num_mul(start, SECTOR_BYTES, &start) &&
        start <= INT64_MAX)
        jsw_u64(b->w, "start_bytes", start);
}

static void put_md(struct block *b, const struct device *d)
{
    jsw_obj(b->w, "md");
    put_fact(b, d, "level", "md/level");
    put_number(b, d, "disks", "md/raid_disks");
    put_number(b, d, "degraded", "md/degraded");
    put_fact(b, d, "state", "md/array_state");
    jsw_end(b->w);
}

static void put_slaves(struct block *b, const struct device *d)
{
    auto_vec char **names = NULL;
    char path[PROBE_PATH_MAX];

    if (text_print(path, sizeof(path), "%s/slaves", d->dir) < 0 ||
        probe_list(b->p, path, &names, NULL, NULL) < 0 || !names[0])
        return;
    jsw_arr(b->w, "slaves");
    for (size_t i = 0; i < COLLECT_SLAVES_MAX && names[i]; i++) {
        text_sanitize(names[i]);
        jsw_str(b->w, NULL, names[i]);
    }
    jsw_end(b->w);
}

static void put_content(struct jsw *w, const struct probe_content *c)
{
    if (!c->type[0])
        return;
    jsw_obj(w, "content");
    jsw_str(w, "type", c->type);
    collect_put_str(w, "label", c->label);
    collect_put_str(w, "uuid", c->uuid);
    jsw_end(w);
}

static void put_device(struct block *b, const struct device *d)
{
    char text[PROBE_TEXT_MAX + 16];

    jsw_obj(b->w, NULL);
    jsw_str(b->w, "name", line_copy(text, sizeof(text), slice_str(d->name)));
    device_path(d, text, sizeof(text));
    text_sanitize(text);
    jsw_str(b->w, "path", text);
    jsw_str(b->w, "kind", device_kind(d));
    collect_put_str(b->w, "dev", d->dev);
    jsw_u64(b->w, "size_bytes", d->size_bytes);
    put_flag(b, d, "read_only", "ro");
    if (d->parent) {
        jsw_str(b->w, "parent", line_copy(text, sizeof(text), slice_str(d->parent)));
        put_start(b, d);
    } else {
        put_hardware(b, d);
    }
    if (text_starts(d->name, "md") && !d->parent)
        put_md(b, d);
    if (text_starts(d->name, "loop"))
        put_fact(b, d, "backing_file", "loop/backing_file");
    put_slaves(b, d);
    put_content(b->w, &d->content);
    jsw_end(b->w);
}

/* A device that cannot be read (it may just be going away) is left out. */
static void take_device(struct block *b, struct device *d)
{
    int rc = b->written < COLLECT_DEVICES_MAX ? device_read(b->p, d) : -ENOSPC;

    if (rc == 0) {
        put_device(b, d);
        b->written++;
    } else if (rc != -ENOMEDIUM) {
        b->left_out++;
    }
}

static bool is_partition(struct block *b, const char *disk, const char *name)
{
    char path[PROBE_PATH_MAX];

    return text_starts(name, disk) &&
           text_print(path, sizeof(path), "/sys/block/%s/%s/partition", disk, name) == 0 &&
           probe_exists(b->p, path);
}

static void take_partition(struct block *b, const char *disk, const char *name)
{
    struct device d = {.name = name, .parent = disk};

    if (text_print(d.dir, sizeof(d.dir), "/sys/block/%s/%s", disk, name) == 0)
        take_device(b, &d);
    else
        b->left_out++;
}

static void take_disk(struct block *b, const char *name)
{
    auto_vec char **names = NULL;
    struct device d = {.name = name};

    if (text_print(d.dir, sizeof(d.dir), "/sys/block/%s", name) < 0) {
        b->left_out++;
        return;
    }
    (void)probe_list(b->p, d.dir, &names, NULL, NULL);
    for (size_t i = 0; names && names[i] && !d.has_parts; i++)
        d.has_parts = is_partition(b, name, names[i]);
    take_device(b, &d);
    for (size_t i = 0; d.has_parts && names[i]; i++) {
        if (is_partition(b, name, names[i]))
            take_partition(b, name, names[i]);
    }
}

int collect_block(struct probe *p, struct jsw *w, struct err *err)
{
    struct block b = {.p = p, .w = w};
    auto_vec char **names = NULL;
    int rc = probe_list(p, "/sys/block", &names, NULL, err);

    if (rc < 0)
        return rc;
    jsw_arr(w, "devices");
    for (size_t i = 0; names[i]; i++) {
        if (b.written >= COLLECT_DEVICES_MAX)
            b.left_out++;
        else if (!is_ignored(p, names[i]))
            take_disk(&b, names[i]);
    }
    jsw_end(w);
    jsw_u64(w, "left_out", b.left_out);
    return 0;
}
