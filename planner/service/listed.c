/* SPDX-License-Identifier: Apache-2.0 */
/* A part of an import into rows: each host with what an agent is known by. */
#include "planner/service/listed.h"

#include "base/buf.h"
#include "base/gw.h"
#include "base/jsw.h"
#include "base/text.h"
#include "inventory/collect.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_doc.h"
#include "planner/service/db_listed.h"
#include "planner/service/event.h"

#include <ctype.h>

#include "base/banned.h"

enum { UUID_LEN = 36, UUID_SIZE = UUID_LEN + 1 };

/* -- what an agent is known by --------------------------------------------------- */

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

void listed_short_name(const char *name, char *out, size_t size)
{
    (void)text_print(out, size, "%.*s", (int)strcspn(name, "."), name);
    lower(out);
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return text[UUID_LEN] == '\0';
}

/* SMBIOS before 2.6 had the first three numbers the other way round, and some tools still do. */
static void swap_uuid(const char *uuid, char out[static UUID_SIZE])
{
    static const unsigned char from[] = {6,  7,  4, 5,  2,  3,  0,  1,  8,
                                         11, 12, 9, 10, 13, 16, 17, 14, 15};

    memcpy(out, uuid, UUID_SIZE);
    for (size_t i = 0; i < sizeof(from); i++)
        out[i] = uuid[from[i]];
}

struct known_by {
    char name_key[LISTED_KEY_MAX / 2], short_name[LISTED_KEY_MAX / 2], key[LISTED_KEY_MAX];
    char uuid_hash[COLLECT_HASH_TEXT_MAX], uuid_swapped[COLLECT_HASH_TEXT_MAX];
};

static void know_uuid(const char *id, struct known_by *k)
{
    char uuid[UUID_SIZE], swapped[UUID_SIZE];

    if (strnlen(id, UUID_SIZE) != UUID_LEN || !is_uuid(id))
        return;
    memcpy(uuid, id, UUID_SIZE);
    lower(uuid);
    swap_uuid(uuid, swapped);
    (void)collect_hash("uuid_hash", uuid, k->uuid_hash);
    (void)collect_hash("uuid_hash", swapped, k->uuid_swapped);
}

/* RVTools has both: the id is vCenter's own then, and a tag has the one that the guest sees. */
static const char *uuid_of(const struct js *host)
{
    const struct js *tags = js_member(host, "tags");

    for (size_t i = 0; i < js_len(tags); i++) {
        if (text_equal(js_str(js_at(tags, i), "key", ""), "smbios_uuid"))
            return js_str(js_at(tags, i), "value", "");
    }
    return js_str(host, "id", "");
}

static int know(const struct listed_key *key, const struct js *host, struct known_by *k,
                struct err *err)
{
    const char *name = js_str(host, "host", "");
    int r = text_copy(k->name_key, sizeof(k->name_key), name);

    if (r == 0) {
        lower(k->name_key);
        listed_short_name(name, k->short_name, sizeof(k->short_name));
        r = text_print(k->key, sizeof(k->key), "%s@%s", k->name_key, key->list);
    }
    if (r < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "the name of host '%.40s…' is too long",
                          name);
    know_uuid(uuid_of(host), k);
    return 0;
}

/* -- rows ------------------------------------------------------------------------------- */

/* A document of one host (or of no host, and all the rest): what it says is from the same files. */
static int document(const struct js *fleet, const struct js *host, struct buf *out, struct err *err)
{
    static const char *const rest[] = {"workloads", "talks"};
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", ESTATE_SCHEMA);
    if (js_member(fleet, "sources"))
        jsw_js(w, "sources", js_member(fleet, "sources"));
    if (host) {
        jsw_arr(w, "hosts");
        jsw_js(w, NULL, host);
        jsw_end(w);
    }
    for (size_t i = 0; !host && i < ARRAY_LEN(rest); i++) {
        if (js_member(fleet, rest[i]))
            jsw_js(w, rest[i], js_member(fleet, rest[i]));
    }
    jsw_end(w);
    return jsw_finish(w, false, out, err);
}

static int put_host(struct service *svc, const struct listed_part *part, const struct js *host,
                    struct err *err)
{
    const char *name = js_str(host, "host", ""), *id = js_str(host, "id", "");
    auto_buf struct buf doc = {0};
    struct known_by k = {0};
    int r = know(&part->key, host, &k, err);

    if (r == 0)
        r = document(part->fleet, host, &doc, err);
    if (r < 0)
        return r;
    r = db_listed_put(svc->db, &part->key,
                      &(struct listed_host){.key = k.key,
                                            .name = name,
                                            .name_key = k.name_key,
                                            .short_name = k.short_name,
                                            .id = id,
                                            .uuid_hash = k.uuid_hash,
                                            .uuid_swapped = k.uuid_swapped,
                                            .doc = buf_cstr(&doc)},
                      err);
    if (r == -EEXIST)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "host '%s' is in this import twice", name);
    return r;
}

static int put_rest(struct service *svc, const struct listed_part *part, struct err *err)
{
    auto_buf struct buf doc = {0};
    int r;

    if (js_len(js_member(part->fleet, "workloads")) + js_len(js_member(part->fleet, "talks")) == 0)
        return 0;
    r = document(part->fleet, NULL, &doc, err);
    return r < 0 ? r : db_listed_put_part(svc->db, &part->key, part->part, buf_cstr(&doc), err);
}

/* What is kept must be what every reader takes. */
static int check_fleet(const struct js *fleet, struct err *err)
{
    auto_estate struct estate *e = NULL;
    int r = estate_new(&e, err);

    return r < 0 ? r : estate_read(fleet, e, err);
}

int listed_import(struct service *svc, const struct listed_part *part, uint64_t *ret_hosts,
                  struct err *err)
{
    const struct js *hosts = js_member(part->fleet, "hosts");
    int r = check_fleet(part->fleet, err);

    for (size_t i = 0; r == 0 && i < js_len(hosts); i++)
        r = put_host(svc, part, js_at(hosts, i), err);
    if (r == 0)
        r = put_rest(svc, part, err);
    if (r == 0)
        r = db_listed_count(svc->db, &part->key, ret_hosts, err);
    if (r == 0 && *ret_hosts > ESTATE_HOSTS_MAX)
        r = err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG, "more than %d hosts", ESTATE_HOSTS_MAX);
    if (r < 0 || !part->is_last)
        return r;
    r = db_listed_finish(svc->db, &part->key, part->by, clock_wall_ms(svc->clock), err);
    if (r < 0)
        return r;
    return event_note(svc, "host.listed", part->by, part->key.list, err, "%llu hosts of a list",
                      (unsigned long long)*ret_hosts);
}
