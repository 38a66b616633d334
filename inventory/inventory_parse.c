/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading godwit.inventory/1 from an agent, which may be anybody: every kind is checked, every list
 * has a ceiling, and text that could do harm on a terminal is refused.
 */
#include "inventory/inventory.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

enum { TEXT_MAX = 1024 };

/* One parse: the first failure is kept, later gets do nothing. */
struct reader {
    struct err *err;
    int rc;
};

static void refuse(struct reader *r, int code, const char *key, const char *why)
{
    if (r->rc == 0)
        r->rc = err_set_gw(r->err, GW_BAD_DOCUMENT, code, "inventory: '%s' %s", key, why);
}

/* The member, or NULL when it is absent or null. */
static const struct js *get(const struct js *obj, const char *key)
{
    const struct js *v = js_member(obj, key);

    return v && js_kind(v) != JS_NULL ? v : NULL;
}

static bool is_printable(const char *text)
{
    char copy[TEXT_MAX];

    if (text_copy(copy, sizeof(copy), text) < 0)
        return false;
    text_sanitize(copy);
    return strcmp(copy, text) == 0;
}

static const char *get_str(struct reader *r, const struct js *obj, const char *key)
{
    const struct js *v = get(obj, key);

    if (!v)
        return "";
    if (js_kind(v) != JS_STR || !is_printable(js_as_str(v, ""))) {
        refuse(r, -EINVAL, key, "is not printable text of usual length");
        return "";
    }
    return js_as_str(v, "");
}

static uint64_t get_u64(struct reader *r, const struct js *obj, const char *key, uint64_t max)
{
    const struct js *v = get(obj, key);
    uint64_t n = 0;

    if (!v)
        return 0;
    if (js_kind(v) != JS_INT || js_get_u64(obj, key, &n, NULL) < 0 || n > max) {
        refuse(r, -EINVAL, key, "is not a whole number in its range");
        return 0;
    }
    return n;
}

/* A part of the document that may be missing (a collector failed): NULL, whose members are absent.
 */
static const struct js *get_obj(struct reader *r, const struct js *obj, const char *key)
{
    const struct js *v = get(obj, key);

    if (v && js_kind(v) != JS_OBJ) {
        refuse(r, -EINVAL, key, "is not an object");
        return NULL;
    }
    return v;
}

/* *ret_n elements, all of them objects; NULL and 0 when absent. */
static const struct js *get_list(struct reader *r, const struct js *obj, const char *key,
                                 size_t max, size_t *ret_n)
{
    const struct js *v = get(obj, key);

    *ret_n = 0;
    if (!v)
        return NULL;
    if (js_kind(v) != JS_ARR)
        refuse(r, -EINVAL, key, "is not a list");
    else if (js_len(v) > max)
        refuse(r, -EFBIG, key, "is too long");
    for (size_t i = 0; r->rc == 0 && i < js_len(v); i++) {
        if (js_kind(js_at(v, i)) != JS_OBJ)
            refuse(r, -EINVAL, key, "holds something that is no object");
    }
    *ret_n = r->rc == 0 ? js_len(v) : 0;
    return v;
}

/* Room for n elements, never NULL on success. */
static void *get_room(struct reader *r, size_t n, size_t size)
{
    void *room = calloc(n + 1, size);

    if (!room && r->rc == 0)
        r->rc = err_set(r->err, -ENOMEM, "no memory for an inventory");
    return room;
}

static void read_host(struct reader *r, struct inventory *inv)
{
    const struct js *host = get_obj(r, inv->doc, "host");
    const struct js *os = get_obj(r, host, "os");
    const struct js *virt = get_obj(r, host, "virtualization");

    inv->host_name = get_str(r, host, "name");
    inv->machine_id_hash = get_str(r, host, "machine_id_hash");
    inv->os_id = get_str(r, os, "id");
    inv->os_version = get_str(r, os, "version");
    inv->os_name = get_str(r, os, "pretty_name");
    inv->kernel = get_str(r, get_obj(r, host, "kernel"), "release");
    inv->virt_kind = get_str(r, virt, "kind");
    inv->virt_type = get_str(r, virt, "type");
    inv->boot_mode = get_str(r, get_obj(r, host, "boot"), "mode");
    if (!inv->host_name[0])
        refuse(r, -EINVAL, "host.name", "is missing");
}

static void read_sizes(struct reader *r, struct inventory *inv)
{
    const struct js *cpu = get_obj(r, inv->doc, "cpu");
    const struct js *memory = get_obj(r, inv->doc, "memory");

    inv->cpu_model = get_str(r, cpu, "model");
    inv->arch = get_str(r, cpu, "arch");
    inv->cpu_sockets = get_u64(r, cpu, "sockets", 1 << 16);
    inv->cpu_cores = get_u64(r, cpu, "cores", 1 << 16);
    inv->cpu_threads = get_u64(r, cpu, "threads", 1 << 16);
    inv->memory_bytes = get_u64(r, memory, "total_bytes", INT64_MAX);
    inv->memory_available_bytes = get_u64(r, memory, "available_bytes", INT64_MAX);
    inv->swap_bytes = get_u64(r, memory, "swap_total_bytes", INT64_MAX);
}

/* -- volumes ------------------------------------------------------------------ */

static bool stands_on(const struct js *device, const char *name)
{
    const struct js *slaves = js_member(device, "slaves");

    if (text_equal(js_str(device, "parent", ""), name))
        return true;
    for (size_t i = 0; i < js_len(slaves); i++) {
        if (text_equal(js_as_str(js_at(slaves, i), ""), name))
            return true;
    }
    return false;
}

static bool is_top(const struct js *devices, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (stands_on(js_at(devices, i), name))
            return false;
    }
    return true;
}

static void read_device(struct reader *r, const struct js *devices, size_t n, size_t at,
                        struct inventory_volume *v)
{
    const struct js *d = js_at(devices, at);

    *v = (struct inventory_volume){
        .path = get_str(r, d, "path"),
        .name = get_str(r, d, "name"),
        .kind = get_str(r, d, "kind"),
        .fs = get_str(r, get_obj(r, d, "content"), "type"),
        .mount = "",
        .size_bytes = get_u64(r, d, "size_bytes", INT64_MAX),
    };
    v->is_top = is_top(devices, n, v->name);
    if (!v->path[0])
        refuse(r, -EINVAL, "block.devices.path", "is missing");
}

/* The device that a mount shows, or n. */
static size_t find_device(const struct js *devices, size_t n, const char *dev)
{
    size_t i = 0;

    while (i < n && (!dev[0] || !text_equal(js_str(js_at(devices, i), "dev", ""), dev)))
        i++;
    return i;
}

static void read_use(struct reader *r, const struct js *m, struct inventory_volume *v)
{
    v->mount = get_str(r, m, "path");
    v->used_bytes = get_u64(r, m, "used_bytes", INT64_MAX);
    v->has_used = get(m, "used_bytes") != NULL;
    if (!v->mount[0])
        refuse(r, -EINVAL, "mounts.list.path", "is missing");
}

static void read_mount(struct reader *r, const struct js *m, struct inventory_volume *v)
{
    *v = (struct inventory_volume){
        .path = get_str(r, m, "source"),
        .name = "",
        .kind = "mount",
        .fs = get_str(r, m, "fs"),
        .size_bytes = get_u64(r, m, "total_bytes", INT64_MAX),
        .is_top = true,
        .is_remote = js_bool(m, "remote", false),
    };
    read_use(r, m, v);
}

static void read_volumes(struct reader *r, struct inventory *inv)
{
    size_t n = 0;
    size_t n_mounts = 0;
    const struct js *devices =
        get_list(r, get_obj(r, inv->doc, "block"), "devices", INVENTORY_VOLUMES_MAX / 2, &n);
    const struct js *mounts =
        get_list(r, get_obj(r, inv->doc, "mounts"), "list", INVENTORY_VOLUMES_MAX / 2, &n_mounts);

    inv->volumes = get_room(r, n + n_mounts, sizeof(*inv->volumes));
    for (size_t i = 0; r->rc == 0 && i < n; i++)
        read_device(r, devices, n, i, &inv->volumes[i]);
    inv->n_volumes = n;
    for (size_t i = 0; r->rc == 0 && i < n_mounts; i++) {
        const struct js *m = js_at(mounts, i);
        size_t at = find_device(devices, n, get_str(r, m, "dev"));

        if (at < n)
            read_use(r, m, &inv->volumes[at]);
        else
            read_mount(r, m, &inv->volumes[inv->n_volumes++]);
    }
}

/* -- network ------------------------------------------------------------------ */

static void read_addresses(struct reader *r, struct inventory *inv)
{
    size_t n = 0;
    const struct js *list =
        get_list(r, get_obj(r, inv->doc, "network"), "addresses", INVENTORY_ADDRESSES_MAX, &n);

    inv->addresses = get_room(r, n, sizeof(*inv->addresses));
    for (size_t i = 0; r->rc == 0 && i < n; i++) {
        const struct js *a = js_at(list, i);

        inv->addresses[i] = (struct inventory_addr){
            .address = get_str(r, a, "address"),
            .interface = get_str(r, a, "interface"),
            .prefix = (unsigned)get_u64(r, a, "prefix", 128),
        };
    }
    inv->n_addresses = n;
}

static void read_peers(struct reader *r, struct inventory *inv)
{
    size_t n = 0;
    const struct js *list =
        get_list(r, get_obj(r, inv->doc, "sockets"), "connections", INVENTORY_PEERS_MAX, &n);

    inv->peers = get_room(r, n, sizeof(*inv->peers));
    for (size_t i = 0; r->rc == 0 && i < n; i++) {
        const struct js *c = js_at(list, i);

        inv->peers[i] = (struct inventory_peer){
            .peer = get_str(r, c, "peer"),
            .comm = get_str(r, c, "comm"),
            .is_inbound = text_equal(get_str(r, c, "direction"), "in"),
            .port = (uint16_t)get_u64(r, c, "port", UINT16_MAX),
            .count = get_u64(r, c, "count", INT64_MAX),
        };
    }
    inv->n_peers = n;
}

static void read_all(struct reader *r, struct inventory *inv)
{
    const char *when = NULL;
    size_t n = 0;

    r->rc = js_check_schema(inv->doc, INVENTORY_SCHEMA, r->err);
    if (r->rc < 0)
        return;
    when = get_str(r, inv->doc, "generated_at");
    if (when[0] && text_parse_time(when, &inv->generated_at_ms, NULL) < 0)
        refuse(r, -EINVAL, "generated_at", "is not a time");
    read_host(r, inv);
    read_sizes(r, inv);
    read_volumes(r, inv);
    read_addresses(r, inv);
    read_peers(r, inv);
    (void)get_list(r, inv->doc, "problems", INVENTORY_PEERS_MAX, &n);
    inv->n_problems = n;
}

int inventory_read(const struct js *doc, struct inventory **ret, struct err *err)
{
    auto_inventory struct inventory *inv = calloc(1, sizeof(*inv));
    struct reader r = {.err = err};

    if (!inv)
        return err_set(err, -ENOMEM, "no memory for an inventory");
    inv->doc = js_ref(doc);
    read_all(&r, inv);
    if (r.rc < 0)
        return r.rc;
    *ret = TAKE(inv);
    return 0;
}

int inventory_parse(struct slice json, struct inventory **ret, struct err *err)
{
    auto_js struct js *doc = NULL;
    int rc = js_parse(json, INVENTORY_MAX_BYTES, &doc, err);

    return rc < 0 ? rc : inventory_read(doc, ret, err);
}

/* Append part of a mapper name: LVM doubles the dashes in names of groups and volumes. */
static void mapper_part(struct buf *out, struct slice part)
{
    for (size_t i = 0; i < part.len; i++) {
        buf_append(out, &part.data[i], 1);
        if (part.data[i] == '-')
            buf_append(out, &part.data[i], 1);
    }
}

/* "/dev/vg/my-lv" as "/dev/mapper/vg-my--lv"; false when text is not of that form. */
static bool mapper_path(const char *text, struct buf *out)
{
    const char *group = text + strlen("/dev/");
    const char *slash = NULL;

    if (!text_starts(text, "/dev/"))
        return false;
    slash = strchr(group, '/');
    if (!slash || slash == group || !slash[1] || strchr(slash + 1, '/'))
        return false;
    buf_str(out, "/dev/mapper/");
    mapper_part(out, slice_of(group, (size_t)(slash - group)));
    buf_str(out, "-");
    mapper_part(out, slice_str(slash + 1));
    return buf_cstr(out) != NULL;
}

static bool is_meant(const struct inventory_volume *v, const char *text)
{
    const char *name = text_starts(text, "/dev/") ? text + strlen("/dev/") : text;

    return text_equal(v->path, text) || (v->name[0] && text_equal(v->name, name)) ||
           (v->mount[0] && text_equal(v->mount, text));
}

const struct inventory_volume *inventory_volume_of(const struct inventory *inv, const char *text)
{
    auto_buf struct buf mapped = {0};
    bool is_mapped = mapper_path(text, &mapped);

    for (size_t i = 0; i < inv->n_volumes; i++) {
        const struct inventory_volume *v = &inv->volumes[i];

        if (is_meant(v, text) || (is_mapped && text_equal(v->path, buf_cstr(&mapped))))
            return v;
    }
    return NULL;
}

void inventory_free(struct inventory *inv)
{
    if (!inv)
        return;
    free(inv->volumes);
    free(inv->addresses);
    free(inv->peers);
    js_free(inv->doc);
    free(inv);
}
