/* SPDX-License-Identifier: Apache-2.0 */
/* Two bitmaps that take turns, and what a crash in between leaves of them. */
#include "transport/track_nbd.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/nbd_link.h"
#include "transport/qmp.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/banned.h"

enum { ID_LEN = 8, NAME_MAX_BYTES = 64, FILE_BYTES_MAX = 128 };

struct track_nbd_own {
    const struct nbd_uri *uri;
    char file[PATH_MAX];
    char id[2 * ID_LEN + 1];
    uint64_t seq; /* of the bitmap that records, or was frozen */
    bool frozen;
};

static void name_of(const struct track_nbd_own *o, uint64_t seq, char *out)
{
    (void)text_print(out, NAME_MAX_BYTES, "godwit-%s-%" PRIu64, o->id, seq);
}

static int save(const struct track_nbd_own *o, struct err *err)
{
    char line[FILE_BYTES_MAX];
    int rc = text_print(line, sizeof(line), "%s %" PRIu64 "\n", o->id, o->seq);

    return rc < 0 ? rc : fd_save(o->file, slice_str(line), 0600, err);
}

static int load(struct track_nbd_own *o, struct err *err)
{
    auto_buf struct buf text = {0};
    auto_vec char **words = NULL;
    uint8_t id[ID_LEN];
    int rc = fd_load(o->file, FILE_BYTES_MAX, &text, err);

    if (rc == -ENOENT)
        return err_set(err, rc, "it was not tracked before");
    if (rc == 0 && !buf_cstr(&text))
        rc = err_set(err, -ENOMEM, "change tracker: %m");
    if (rc == 0)
        rc = text_split(buf_cstr(&text), " \n", &words, err);
    if (rc < 0)
        return rc;
    if (!words || text_vec_len(words) != 2 || text_unhex(words[0], id, sizeof(id)) < 0)
        return err_set(err, -EBADMSG, "'%s' is damaged", o->file);
    text_hex(id, sizeof(id), o->id);
    return num_parse_u64(words[1], 1, UINT32_MAX, &o->seq, err);
}

/* ---- commands ------------------------------------------------------------ */

/* A bitmap of the node, and what else the command takes. */
struct order {
    const char *node;
    char name[NAME_MAX_BYTES];
    char other[NAME_MAX_BYTES];
    bool persistent;
};

static void order_init(struct order *x, const struct track_nbd_own *o, uint64_t seq, uint64_t other)
{
    *x = (struct order){.node = o->uri->node};
    name_of(o, seq, x->name);
    name_of(o, other, x->other);
}

static void write_bitmap(void *arg, struct jsw *w)
{
    const struct order *x = arg;

    jsw_str(w, "node", x->node);
    jsw_str(w, "name", x->name);
}

static void write_add(void *arg, struct jsw *w)
{
    const struct order *x = arg;

    write_bitmap(arg, w);
    if (x->persistent)
        jsw_bool(w, "persistent", true);
}

static void write_merge(void *arg, struct jsw *w)
{
    const struct order *x = arg;

    jsw_str(w, "node", x->node);
    jsw_str(w, "target", x->other);
    jsw_arr(w, "bitmaps");
    jsw_str(w, NULL, x->name);
    jsw_end(w);
}

/* name ends and other begins, with no write between them. */
static void write_turn(void *arg, struct jsw *w)
{
    const struct order *x = arg;
    struct order next = {.node = x->node, .persistent = x->persistent};

    (void)text_copy(next.name, sizeof(next.name), x->other);
    jsw_arr(w, "actions");
    jsw_obj(w, NULL);
    jsw_str(w, "type", "block-dirty-bitmap-add");
    jsw_obj(w, "data");
    write_add(&next, w);
    jsw_end(w);
    jsw_end(w);
    jsw_obj(w, NULL);
    jsw_str(w, "type", "block-dirty-bitmap-disable");
    jsw_obj(w, "data");
    write_bitmap(arg, w);
    jsw_end(w);
    jsw_end(w);
    jsw_end(w);
}

static void write_export(void *arg, struct jsw *w)
{
    const struct order *x = arg;

    jsw_str(w, "type", "nbd");
    jsw_str(w, "id", x->other);
    jsw_str(w, "node-name", x->node);
    jsw_str(w, "name", x->other);
    jsw_arr(w, "bitmaps");
    jsw_str(w, NULL, x->name);
    jsw_end(w);
}

static void write_export_end(void *arg, struct jsw *w)
{
    const struct order *x = arg;

    jsw_str(w, "id", x->other);
    jsw_str(w, "mode", "hard");
}

/* Kept across an end of the QEMU where the image can (qcow2), else for as long as it runs. */
static int execute_kept(struct qmp *q, const char *command, qmp_arguments_fn fn, struct order *x,
                        struct err *err)
{
    int rc;

    x->persistent = true;
    rc = qmp_execute(q, command, fn, x, NULL, err);
    if (rc != -EREMOTEIO)
        return rc;
    err_clear(err);
    x->persistent = false;
    return qmp_execute(q, command, fn, x, NULL, err);
}

static int drop(struct qmp *q, const struct track_nbd_own *o, uint64_t seq, struct err *err)
{
    struct order x;

    order_init(&x, o, seq, seq);
    return qmp_execute(q, "block-dirty-bitmap-remove", write_bitmap, &x, NULL, err);
}

/* ---- what is there ------------------------------------------------------- */

struct found {
    bool there;
    bool records;
};

static void look_at(const struct js *bitmap, const char *name, struct found *ret)
{
    if (!text_equal(js_str(bitmap, "name", ""), name))
        return;
    ret->there = !js_bool(bitmap, "inconsistent", false);
    ret->records = ret->there && js_bool(bitmap, "recording", false);
}

static int find(struct qmp *q, const struct track_nbd_own *o, uint64_t seq, struct found *ret,
                struct err *err)
{
    auto_js struct js *nodes = NULL;
    char name[NAME_MAX_BYTES];
    bool node = false;
    int rc = qmp_execute(q, "query-named-block-nodes", NULL, NULL, &nodes, err);

    *ret = (struct found){0};
    if (rc < 0)
        return rc;
    name_of(o, seq, name);
    for (size_t i = 0; i < js_len(nodes); i++) {
        const struct js *bitmaps = js_member(js_at(nodes, i), "dirty-bitmaps");

        if (!text_equal(js_str(js_at(nodes, i), "node-name", ""), o->uri->node))
            continue;
        node = true;
        for (size_t k = 0; k < js_len(bitmaps); k++)
            look_at(js_at(bitmaps, k), name, ret);
    }
    if (!node)
        return err_set(err, -ENOENT, "there is no block node '%s' (node=NAME says which)",
                       o->uri->node);
    return 0;
}

/* The frozen one is a part of the one that records, again. Each step may be done twice. */
static int put_back(struct qmp *q, struct track_nbd_own *o, struct err *err)
{
    struct order x;
    int rc;

    order_init(&x, o, o->seq, o->seq + 1);
    rc = qmp_execute(q, "block-dirty-bitmap-merge", write_merge, &x, NULL, err);
    if (rc < 0)
        return rc;
    o->seq++;
    rc = save(o, err);
    return rc < 0 ? rc : drop(q, o, o->seq - 1, err);
}

/* What a process that ended in a pass left exported would keep its bitmap busy. */
static void end_export(struct qmp *q, const struct track_nbd_own *o)
{
    struct order x = {.node = o->uri->node};

    (void)text_print(x.other, sizeof(x.other), "godwit-%s", o->id);
    (void)qmp_execute(q, "block-export-del", write_export_end, &x, NULL, NULL);
}

static int go_on(struct qmp *q, struct track_nbd_own *o, struct err *err)
{
    struct found now;
    struct found next;
    int rc = load(o, err);

    if (rc < 0)
        return rc;
    end_export(q, o);
    rc = find(q, o, o->seq, &now, err);
    if (rc < 0 || now.records)
        return rc;
    rc = find(q, o, o->seq + 1, &next, err);
    if (rc < 0)
        return rc;
    if (now.there && next.records)
        return put_back(q, o, err);
    return err_set(err, -ESTALE, "the bitmap of the last pass is gone, or not whole");
}

static int start_anew(struct qmp *q, struct track_nbd_own *o, struct err *err)
{
    uint8_t id[ID_LEN];
    struct order x;
    int rc;

    if (o->id[0]) {
        (void)drop(q, o, o->seq, NULL);
        (void)drop(q, o, o->seq + 1, NULL);
    }
    rng_fill(&rng_system, id, sizeof(id));
    text_hex(id, sizeof(id), o->id);
    o->seq = 1;
    rc = save(o, err);
    order_init(&x, o, o->seq, o->seq);
    return rc < 0 ? rc : execute_kept(q, "block-dirty-bitmap-add", write_add, &x, err);
}

int track_nbd_own_open(const struct nbd_uri *uri, const char *state_dir, struct track_nbd_own **ret,
                       struct err *why, struct err *err)
{
    auto_free struct track_nbd_own *o = calloc(1, sizeof(*o));
    auto_qmp struct qmp *q = NULL;
    struct found any;
    int rc;

    if (!o)
        return err_set(err, -ENOMEM, "change tracker: %m");
    o->uri = uri;
    rc = text_print(o->file, sizeof(o->file), "%s/tracker-nbd", state_dir);
    if (rc < 0)
        return err_set(err, rc, "'%s': %m", state_dir);
    rc = qmp_open(uri->qmp, &q, err);
    if (rc == 0)
        rc = find(q, o, 0, &any, err); /* is there such a node? */
    if (rc < 0)
        return rc;
    err_clear(why);
    if (go_on(q, o, why) < 0)
        rc = start_anew(q, o, err);
    if (rc == 0)
        *ret = TAKE(o);
    return rc;
}

void track_nbd_own_close(struct track_nbd_own *o)
{
    free(o);
}

/* ---- a pass -------------------------------------------------------------- */

static int add_range(void *arg, uint64_t offset, uint64_t len, uint32_t flags)
{
    if (flags & NBD_LINK_DIRTY)
        track_bits_set(arg, offset, len);
    return 0;
}

int track_nbd_read(struct nbd_link *l, struct track_bits *bits, struct err *err)
{
    uint64_t size = nbd_link_size(l);
    uint64_t len = 0;

    if (size != bits->size_bytes)
        return err_set(err, -ESTALE, "the export has another size");
    for (uint64_t at = 0; at < size; at += len) {
        int rc = nbd_link_bitmap(l, at, size - at, add_range, bits, &len);

        if (rc < 0)
            return err_set(err, rc, "read a dirty bitmap at byte %" PRIu64 ": %m", at);
    }
    return 0;
}

/* Only an export shows what a bitmap holds. */
static int read_frozen(struct qmp *q, struct track_nbd_own *o, struct track_bits *bits,
                       struct err *err)
{
    auto_nbd_link struct nbd_link *l = NULL;
    struct order x;
    int rc;

    order_init(&x, o, o->seq, o->seq);
    (void)text_print(x.other, sizeof(x.other), "godwit-%s", o->id);
    rc = qmp_execute(q, "block-export-add", write_export, &x, NULL, err);
    if (rc < 0)
        return rc;
    rc = nbd_link_open(o->uri->plain, x.other, x.name, &l, err);
    if (rc == 0 && !nbd_link_has_bitmap(l))
        rc = err_set(err, -ESTALE, "the server does not show bitmap '%s'", x.name);
    if (rc == 0)
        rc = track_nbd_read(l, bits, err);
    nbd_link_close(TAKE(l));
    end_export(q, o);
    return rc;
}

int track_nbd_own_freeze(struct track_nbd_own *o, struct track_bits *bits, struct err *err)
{
    auto_qmp struct qmp *q = NULL;
    struct found now;
    struct order x;
    int rc = qmp_open(o->uri->qmp, &q, err);

    if (rc == 0)
        rc = find(q, o, o->seq, &now, err);
    if (rc < 0)
        return rc;
    if (!now.records)
        return err_set(err, -ESTALE, "the bitmap of the last pass is gone");
    order_init(&x, o, o->seq, o->seq + 1);
    rc = execute_kept(q, "transaction", write_turn, &x, err);
    if (rc < 0)
        return rc;
    o->frozen = true;
    rc = read_frozen(q, o, bits, err);
    if (rc < 0 && put_back(q, o, NULL) == 0)
        o->frozen = false;
    return rc;
}

/* The file first: a bitmap that stays is in nobody's way, one that is missed is a rescan. */
int track_nbd_own_commit(struct track_nbd_own *o, struct err *err)
{
    auto_qmp struct qmp *q = NULL;
    int rc;

    o->seq++;
    o->frozen = false;
    rc = save(o, err);
    if (rc == 0)
        rc = qmp_open(o->uri->qmp, &q, err);
    return rc < 0 ? rc : drop(q, o, o->seq - 1, err);
}

void track_nbd_own_abort(struct track_nbd_own *o)
{
    auto_qmp struct qmp *q = NULL;

    if (!o->frozen || qmp_open(o->uri->qmp, &q, NULL) < 0)
        return; /* the next open puts it back */
    if (put_back(q, o, NULL) == 0)
        o->frozen = false;
}
