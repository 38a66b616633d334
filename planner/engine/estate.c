/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of an estate: what is added, and how it is found again. */
#include "planner/engine/estate_priv.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* -- failure and memory ------------------------------------------------------------------ */

void estate_fail(struct estate *e, int code, const char *what)
{
    if (e->failed)
        return;
    e->failed = code;
    e->why = what;
}

int estate_failed(const struct estate *e, struct err *err)
{
    if (!e->failed)
        return 0;
    if (e->failed == -EFBIG)
        return err_set_gw(err, GW_BAD_VALUE, -EFBIG,
                          "there are more %s than fit (docs/planner.md, Fleets, has the limits)",
                          e->why);
    return err_set(err, e->failed, "keep %s: %m", e->why);
}

bool estate_room(struct estate *e, const struct estate_list *list)
{
    size_t cap = list->n ? list->n * 2 : 2;
    void *items;

    if (list->n >= list->max && list->max == ESTATE_LIST_MAX) {
        e->clipped = list->what;
        return false;
    }
    if (list->n >= list->max) {
        estate_fail(e, -EFBIG, list->what);
        return false;
    }
    /* Full at every power of two, 2 at first. */
    if (list->n != 0 && (list->n == 1 || (list->n & (list->n - 1)) != 0))
        return true;
    items = reallocarray(*list->items, cap, list->size);
    if (!items) {
        estate_fail(e, -ENOMEM, list->what);
        return false;
    }
    *list->items = items;
    return true;
}

const char *estate_clipped(struct estate *e)
{
    const char *what = e->clipped;

    e->clipped = NULL;
    return what;
}

int estate_new(struct estate **ret, struct err *err)
{
    struct estate *e = calloc(1, sizeof(*e));

    if (!e)
        return err_set(err, -ENOMEM, "an estate: %m");
    *ret = e;
    return 0;
}

static void free_host(struct estate_host *h)
{
    for (size_t m = 0; m < ESTATE_METRICS; m++) {
        if (h->usage[m]) {
            free(h->usage[m]->buckets);
            free(h->usage[m]->week);
            free(h->usage[m]);
        }
    }
    free(h->addresses);
    free(h->disks);
    free(h->nics);
    free(h->tags);
    free(h->software);
    free(h);
}

void estate_free(struct estate *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->hosts_n; i++)
        free_host(e->hosts[i]);
    for (size_t i = 0; i < e->workloads_n; i++) {
        free(e->workloads[i]->depends);
        free(e->workloads[i]->tags);
        free((void *)e->workloads[i]->hosts);
        free(e->workloads[i]);
    }
    free((void *)e->hosts);
    free((void *)e->workloads);
    free((void *)e->files);
    free(e->talks);
    estate_index_done(&e->by_name);
    estate_index_done(&e->by_id);
    estate_index_done(&e->by_label);
    estate_index_done(&e->namesakes);
    estate_index_done(&e->by_address);
    estate_index_done(&e->workload_by_name);
    estate_index_done(&e->file_by_name);
    estate_texts_done(&e->texts);
    free(e);
}

/* -- texts --------------------------------------------------------------------------------- */

/* What is too long is cut before a character, not within. */
static void cut(char *text, size_t at)
{
    while (at > 0 && ((uint8_t)text[at] & 0xc0) == 0x80)
        at--;
    text[at] = '\0';
}

const char *estate_text(struct estate *e, const char *text)
{
    char clean[ESTATE_TEXT_MAX + 4];
    const char *kept;
    size_t len;

    while (isspace((unsigned char)*text))
        text++;
    len = strnlen(text, sizeof(clean) - 1);
    memcpy(clean, text, len);
    clean[len] = '\0';
    if (len >= ESTATE_TEXT_MAX)
        cut(clean, ESTATE_TEXT_MAX - 1);
    text_sanitize(clean);
    for (len = strlen(clean); len > 0 && isspace((unsigned char)clean[len - 1]); len--)
        clean[len - 1] = '\0';
    kept = estate_texts_keep(&e->texts, clean);
    if (!kept)
        estate_fail(e, -ENOMEM, "a text");
    return kept ? kept : "";
}

static struct estate_entry *put(struct estate *e, struct estate_index *x, const char *key)
{
    struct estate_entry *entry = estate_index_put(x, key);

    if (!entry)
        estate_fail(e, -ENOMEM, "an index");
    return entry;
}

uint32_t estate_file_add(struct estate *e, const char *name)
{
    const char *kept = estate_text(e, name);
    struct estate_entry *entry = put(e, &e->file_by_name, kept);

    if (!entry)
        return 0;
    if (entry->number == 0) {
        if (!ESTATE_ROOM_P(e, e->files, e->files_n, ESTATE_FILES_MAX, "files"))
            return 0;
        e->files[e->files_n++] = kept;
        entry->number = (uint32_t)e->files_n;
    }
    return entry->number;
}

void estate_key(const char *name, bool label, char out[static ESTATE_KEY_MAX])
{
    size_t n = 0;

    for (; n < ESTATE_KEY_MAX - 1 && name[n] && !(label && n > 0 && name[n] == '.'); n++)
        out[n] = (char)tolower((unsigned char)name[n]);
    out[n] = '\0';
}

/* -- hosts --------------------------------------------------------------------------------- */

/* Let key lead to h; what two hosts share leads to neither of them. */
enum { LEADS = 0, SHARED = 1 };

static void lead(struct estate *e, struct estate_index *x, const char *key, struct estate_host *h)
{
    struct estate_entry *entry = *key ? put(e, x, estate_text(e, key)) : NULL;

    if (!entry)
        return;
    if (!entry->value)
        entry->value = h;
    else if (entry->value != h)
        entry->number = SHARED;
}

static struct estate_host *led(const struct estate_index *x, const char *key)
{
    const struct estate_entry *entry = estate_index_find(x, key);

    return entry && entry->number == LEADS ? entry->value : NULL;
}

/* name, or name~2, name~3, ...: the entry of a name counts how many there were. */
static const char *unique_name(struct estate *e, const char *name)
{
    char other[ESTATE_TEXT_MAX + 16], key[ESTATE_KEY_MAX];
    struct estate_entry *entry;

    estate_key(name, false, key);
    if (!estate_index_find(&e->by_name, key))
        return name;
    entry = put(e, &e->namesakes, estate_text(e, key));
    while (entry && entry->number++ <= ESTATE_HOSTS_MAX) {
        (void)text_print(other, sizeof(other), "%.*s~%u", ESTATE_TEXT_MAX - 10, name,
                         (unsigned)entry->number + 1);
        estate_key(other, false, key);
        if (!estate_index_find(&e->by_name, key))
            return estate_text(e, other);
    }
    return name;
}

static void lead_by_name(struct estate *e, struct estate_host *h)
{
    char key[ESTATE_KEY_MAX];

    estate_key(h->name, false, key);
    lead(e, &e->by_name, key, h);
    estate_key(h->name, true, key);
    lead(e, &e->by_label, key, h);
}

static struct estate_host *new_host(struct estate *e, const char *name)
{
    struct estate_host *h;

    if (!ESTATE_ROOM_P(e, e->hosts, e->hosts_n, ESTATE_HOSTS_MAX, "hosts"))
        return NULL;
    h = calloc(1, sizeof(*h));
    if (!h) {
        estate_fail(e, -ENOMEM, "a host");
        return NULL;
    }
    h->id = h->os_name = h->os_version = h->runs_on = h->site = h->cluster = h->pool = h->rack = "";
    h->vendor = h->model = h->cpu_model = h->boot = h->owner = h->workload = "";
    h->bought_on = h->refresh_on = "";
    h->index = e->hosts_n;
    e->hosts[e->hosts_n++] = h;
    h->name = unique_name(e, name);
    lead_by_name(e, h);
    return h;
}

/* One that was met by its id alone has a name at last; the id leads to it still. */
static void rename_host(struct estate *e, struct estate_host *h, const char *name)
{
    h->name = unique_name(e, name);
    lead_by_name(e, h);
}

struct estate_host *estate_host_add(struct estate *e, const char *name, const char *id,
                                    struct estate_source source)
{
    const char *kept = estate_text(e, name), *kept_id = estate_text(e, id);
    char key[ESTATE_KEY_MAX];
    struct estate_host *h;

    if (e->failed || (!*kept && !*kept_id))
        return NULL;
    if (!*kept)
        kept = kept_id;
    estate_key(kept_id, false, key);
    h = *kept_id ? led(&e->by_id, key) : NULL;
    if (!h) {
        char name_key[ESTATE_KEY_MAX];

        estate_key(kept, false, name_key);
        h = led(&e->by_name, name_key);
        if (h && *kept_id && *h->id)
            h = NULL; /* of that name, but another machine */
        if (!h && !*kept_id)
            h = led(&e->by_id, name_key); /* some tools' ids are names of hosts */
    }
    if (!h) {
        h = new_host(e, kept);
        if (!h)
            return NULL;
        h->named = source;
    }
    if (h->name == h->id && kept != kept_id)
        rename_host(e, h, kept);
    if (*kept_id && !*h->id) {
        h->id = kept_id;
        h->source[ESTATE_ID] = source;
        lead(e, &e->by_id, key, h);
    }
    return e->failed ? NULL : h;
}

struct estate_host *estate_host_find(const struct estate *e, const char *key)
{
    char lower[ESTATE_KEY_MAX];
    struct estate_host *h;

    estate_key(key, false, lower);
    h = led(&e->by_id, lower);
    if (!h)
        h = led(&e->by_name, lower);
    if (!h)
        h = led(&e->by_address, lower);
    if (!h && lower[strspn(lower, "0123456789.:abcdef")]) { /* no address */
        estate_key(key, true, lower);
        h = led(&e->by_label, lower);
    }
    return h;
}

void estate_address_add(struct estate *e, struct estate_host *h, const char *address,
                        struct estate_source source)
{
    const char *kept = estate_text(e, address);
    char key[ESTATE_KEY_MAX];

    for (size_t i = 0; i < h->addresses_n; i++) {
        if (h->addresses[i].text == kept)
            return;
    }
    if (!*kept || !ESTATE_ROOM(e, h->addresses, h->addresses_n, ESTATE_LIST_MAX, "addresses"))
        return;
    h->addresses[h->addresses_n++] = (struct estate_address){.text = kept, .source = source};
    estate_key(kept, false, key);
    /* Every machine has these, and means itself. */
    if (!text_starts(key, "127.") && !text_equal(key, "::1") && !text_starts(key, "fe80:") &&
        !text_starts(key, "169.254."))
        lead(e, &e->by_address, key, h);
}

struct estate_disk *estate_disk_add(struct estate *e, struct estate_host *h, const char *name,
                                    struct estate_source source)
{
    const char *kept = estate_text(e, name);

    for (size_t i = 0; i < h->disks_n; i++) {
        if (h->disks[i].name == kept)
            return &h->disks[i];
    }
    if (!ESTATE_ROOM(e, h->disks, h->disks_n, ESTATE_LIST_MAX, "disks"))
        return NULL;
    h->disks[h->disks_n] = (struct estate_disk){.name = kept, .type = "", .source = source};
    return &h->disks[h->disks_n++];
}

struct estate_nic *estate_nic_add(struct estate *e, struct estate_host *h, const char *name,
                                  struct estate_source source)
{
    const char *kept = estate_text(e, name);

    for (size_t i = 0; i < h->nics_n; i++) {
        if (h->nics[i].name == kept)
            return &h->nics[i];
    }
    if (!ESTATE_ROOM(e, h->nics, h->nics_n, ESTATE_LIST_MAX, "network cards"))
        return NULL;
    h->nics[h->nics_n] =
        (struct estate_nic){.name = kept, .mac = "", .network = "", .source = source};
    return &h->nics[h->nics_n++];
}

/* The same key again has a new value. */
static void set_tag(struct estate *e, struct estate_tag **tags, size_t *n, struct estate_tag tag)
{
    if (!*tag.key)
        return;
    for (size_t i = 0; i < *n; i++) {
        if ((*tags)[i].key == tag.key) {
            (*tags)[i] = tag;
            return;
        }
    }
    if (ESTATE_ROOM(e, *tags, *n, ESTATE_LIST_MAX, "tags"))
        (*tags)[(*n)++] = tag;
}

void estate_tag_set(struct estate *e, struct estate_host *h, const char *key, const char *value,
                    struct estate_source source)
{
    set_tag(e, &h->tags, &h->tags_n,
            (struct estate_tag){estate_text(e, key), estate_text(e, value), source});
}

void estate_software_add(struct estate *e, struct estate_host *h, const char *name,
                         const char *version, struct estate_source source)
{
    const char *kept = estate_text(e, name), *kept_version = estate_text(e, version);

    if (!*kept)
        return;
    for (size_t i = 0; i < h->software_n; i++) {
        if (h->software[i].name == kept && h->software[i].version == kept_version)
            return;
    }
    if (ESTATE_ROOM(e, h->software, h->software_n, ESTATE_LIST_MAX, "software"))
        h->software[h->software_n++] =
            (struct estate_software){.name = kept, .version = kept_version, .source = source};
}

/* -- talks and workloads --------------------------------------------------------------------- */

void estate_talk_add(struct estate *e, const struct estate_talk *talk)
{
    if (ESTATE_ROOM(e, e->talks, e->talks_n, ESTATE_TALKS_MAX, "talks"))
        e->talks[e->talks_n++] = *talk;
}

struct estate_workload *estate_workload_find(const struct estate *e, const char *name)
{
    const struct estate_entry *entry = estate_index_find(&e->workload_by_name, name);

    return entry ? entry->value : NULL;
}

struct estate_workload *estate_workload_add(struct estate *e, const char *name,
                                            struct estate_source source)
{
    const char *kept = estate_text(e, name);
    struct estate_entry *entry = *kept ? put(e, &e->workload_by_name, kept) : NULL;
    struct estate_workload *w;

    if (!entry || entry->value)
        return entry ? entry->value : NULL;
    if (!ESTATE_ROOM_P(e, e->workloads, e->workloads_n, ESTATE_WORKLOADS_MAX, "workloads"))
        return NULL;
    w = calloc(1, sizeof(*w));
    if (!w) {
        estate_fail(e, -ENOMEM, "a workload");
        return NULL;
    }
    *w = (struct estate_workload){.name = kept, .owner = "", .description = "", .source = source};
    entry->value = e->workloads[e->workloads_n++] = w;
    return w;
}

void estate_depends_add(struct estate *e, struct estate_workload *w, const char *on,
                        struct estate_source source)
{
    const char *kept = estate_text(e, on);

    for (size_t i = 0; i < w->depends_n; i++) {
        if (w->depends[i].on == kept)
            return;
    }
    if (*kept && ESTATE_ROOM(e, w->depends, w->depends_n, ESTATE_LIST_MAX, "dependencies"))
        w->depends[w->depends_n++] = (struct estate_depend){kept, source};
}

void estate_workload_tag(struct estate *e, struct estate_workload *w, const char *key,
                         const char *value, struct estate_source source)
{
    set_tag(e, &w->tags, &w->tags_n,
            (struct estate_tag){estate_text(e, key), estate_text(e, value), source});
}

/* -- looking --------------------------------------------------------------------------------- */

size_t estate_hosts(const struct estate *e)
{
    return e->hosts_n;
}

struct estate_host *estate_host(const struct estate *e, size_t i)
{
    return e->hosts[i];
}

size_t estate_workloads(const struct estate *e)
{
    return e->workloads_n;
}

struct estate_workload *estate_workload(const struct estate *e, size_t i)
{
    return e->workloads[i];
}

size_t estate_talks(const struct estate *e)
{
    return e->talks_n;
}

const struct estate_talk *estate_talk(const struct estate *e, size_t i)
{
    return &e->talks[i];
}

size_t estate_files(const struct estate *e)
{
    return e->files_n;
}

const char *estate_file(const struct estate *e, uint32_t file)
{
    return file > 0 && file <= e->files_n ? e->files[file - 1] : "";
}

const char *estate_tag(const struct estate_host *h, const char *key)
{
    for (size_t i = 0; i < h->tags_n; i++) {
        if (text_equal(h->tags[i].key, key))
            return h->tags[i].value;
    }
    return NULL;
}
