/* SPDX-License-Identifier: Apache-2.0 */
/* Which list it is, and its bytes to the reader of that kind. */
#include "planner/engine/catalogue_read.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/jspiece.h"
#include "base/text.h"
#include "planner/engine/catalogue_gather.h"

#include <stdlib.h>

#include "base/banned.h"

static const struct catalogue_reader catalogue_csv = {.name = "csv"};

/* The first whose mark is in the beginning; what is no JSON is CSV. */
static const struct catalogue_reader *const catalogue_readers[] = {
    &catalogue_own,         &catalogue_aws,     &catalogue_azure,
    &catalogue_azure_sizes, &catalogue_alibaba, &catalogue_alibaba_types,
};

/* So much of a JSON file must have come before its kind is judged. */
enum { HEAD_BYTES = 64 << 10, TEXT_MAX = HEAD_BYTES + (4 << 20) };

int catalogue_read_new(const struct catalogue_spec *spec, struct catalogue_read **ret,
                       struct err *err)
{
    struct catalogue_read *r = calloc(1, sizeof(*r));

    if (!r)
        return err_set(err, -ENOMEM, "a price list: %m");
    r->spec = spec;
    r->kind = "none";
    buf_init(&r->text, TEXT_MAX);
    *ret = r;
    return 0;
}

void catalogue_read_free(struct catalogue_read *r)
{
    if (!r)
        return;
    jspiece_free(r->pieces);
    buf_done(&r->text);
    csv_reader_free(r->csv);
    catalogue_done(&r->out);
    free(r->by_name.slots);
    free(r->skus.slots);
    free(r);
}

const char *catalogue_read_kind(const struct catalogue_read *r)
{
    return r->kind;
}

/* -- one file -------------------------------------------------------------------------- */

static int take_piece(void *ctx, size_t path, const char *key, const struct js *value,
                      struct err *err)
{
    struct catalogue_read *r = ctx;

    r->piece++;
    return r->reader->piece(r, path, key, value, err);
}

static bool is_json(struct slice head)
{
    for (size_t i = 0; i < head.len; i++) {
        if (!strchr(" \t\r\n", head.data[i]))
            return head.data[i] == '{' || head.data[i] == '[';
    }
    return false;
}

static int judge(struct catalogue_read *r, struct err *err)
{
    struct slice head = buf_slice(&r->text);

    r->piece = 0;
    r->file_date[0] = '\0';
    if (!is_json(head))
        r->reader = &catalogue_csv;
    for (size_t i = 0; !r->reader && i < ARRAY_LEN(catalogue_readers); i++) {
        const char *mark = catalogue_readers[i]->mark;

        if (memmem(head.data, head.len, mark, strlen(mark)))
            r->reader = catalogue_readers[i];
    }
    if (!r->reader)
        return err_set(err, -EINVAL, "neither a price list of AWS, Azure or Alibaba nor our own");
    r->kind = r->reader->name;
    /* Only providers' lists have both kinds of prices to choose from. */
    r->out.windows |= r->spec->windows && r->reader->mark && r->reader != &catalogue_own;
    return r->reader->mark ? jspiece_new(&(struct jspiece_spec){.paths = r->reader->paths,
                                                                .n = r->reader->paths_n,
                                                                .fn = take_piece,
                                                                .want = r->reader->want,
                                                                .ctx = r},
                                         &r->pieces, err)
                           : 0;
}

/* All whole lines; what is left of the last one stays. last: it is whole too. */
static int feed_lines(struct catalogue_read *r, bool last, struct err *err)
{
    struct slice all = buf_slice(&r->text);
    size_t at = 0;
    int rc = 0;

    while (rc == 0 && at < all.len) {
        const uint8_t *end = memchr(all.data + at, '\n', all.len - at);
        size_t len = end ? (size_t)(end - all.data) - at : all.len - at;

        if (!end && !last && len < CATALOGUE_LINE_MAX)
            break;
        rc = csv_reader_line(r, slice_of(all.data + at, len), err);
        at += len + (end != NULL);
    }
    if (rc == 0 && at > 0) {
        memmove(r->text.data, r->text.data + at, all.len - at);
        r->text.len -= at;
    }
    return rc;
}

static int feed_text(struct catalogue_read *r, bool last, struct err *err)
{
    int rc = 0;

    if (!r->reader && !last && r->text.len < HEAD_BYTES)
        return 0;
    if (!r->reader)
        rc = judge(r, err);
    if (rc < 0)
        return rc;
    if (!r->reader->mark)
        return feed_lines(r, last, err);
    rc = jspiece_feed(r->pieces, buf_slice(&r->text), err);
    buf_clear(&r->text);
    return rc;
}

int catalogue_read_feed(struct catalogue_read *r, struct slice bytes, struct err *err)
{
    int rc = 0;

    /* In portions, so that what is kept is bounded however much comes at once. */
    while (rc == 0 && bytes.len > 0) {
        size_t n = bytes.len < HEAD_BYTES ? bytes.len : HEAD_BYTES;

        if (buf_append(&r->text, bytes.data, n) < 0)
            return buf_failed(&r->text, err);
        bytes = slice_of(bytes.data + n, bytes.len - n);
        rc = feed_text(r, false, err);
    }
    return rc;
}

/* What a file says of itself goes to those of its prices that have no date. */
static void date_all(struct catalogue_read *r)
{
    struct catalogue *c = &r->out;

    for (size_t i = 0; *r->file_date && i < c->n; i++) {
        if (!*c->shapes[i].date)
            (void)text_copy(c->shapes[i].date, CATALOGUE_DATE_MAX, r->file_date);
    }
}

int catalogue_read_file_end(struct catalogue_read *r, struct err *err)
{
    int rc = feed_text(r, true, err);

    if (rc == 0 && r->pieces)
        rc = jspiece_finish(r->pieces, err);
    date_all(r);
    jspiece_free(r->pieces);
    csv_reader_free(r->csv);
    r->pieces = NULL;
    r->csv = NULL;
    r->reader = NULL;
    buf_clear(&r->text);
    return rc;
}

/* -- all of them ----------------------------------------------------------------------- */

static int by_price(const void *a, const void *b)
{
    const struct catalogue_shape *x = a, *y = b;

    if (x->price_micros != y->price_micros)
        return x->price_micros < y->price_micros ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_item(const void *a, const void *b)
{
    const struct catalogue_rate *x = a, *y = b;
    int names = strcmp(x->name, y->name);

    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    if (names != 0)
        return names;
    if (x->from_gib != y->from_gib)
        return x->from_gib < y->from_gib ? -1 : 1;
    return strcmp(y->date, x->date); /* the newest first, which stays */
}

/* Families whose CPU is a loan: AWS's T, Azure's B, Alibaba's t5 and t6. */
static bool is_burstable(const char *name)
{
    static const char *const families[] = {"t2.",        "t3.",     "t3a.",   "t4g.",
                                           "Standard_B", "ecs.t5-", "ecs.t6-"};

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (text_starts(name, families[i]))
            return true;
    }
    return false;
}

/* Sizes alone are no shape that can be had; tiers come once. */
static void clean(struct catalogue *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++) {
        if (!c->shapes[i].term_micros[CATALOGUE_ON_DEMAND] || !*c->shapes[i].date)
            continue;
        c->shapes[n] = c->shapes[i];
        c->shapes[n].price_micros = c->shapes[n].term_micros[CATALOGUE_ON_DEMAND];
        c->shapes[n].burstable = is_burstable(c->shapes[n].name);
        n++;
    }
    c->n = n;
    if (n > 1)
        qsort(c->shapes, n, sizeof(*c->shapes), by_price);
    if (c->rates_n > 1)
        qsort(c->rates, c->rates_n, sizeof(*c->rates), by_item);
    n = 0;
    for (size_t i = 0; i < c->rates_n; i++) {
        const struct catalogue_rate *r = &c->rates[i], *last = n > 0 ? &c->rates[n - 1] : NULL;

        if (!*r->date || (last && last->item == r->item && text_equal(last->name, r->name) &&
                          last->from_gib == r->from_gib))
            continue;
        c->rates[n++] = *r;
    }
    c->rates_n = n;
}

int catalogue_read_take(struct catalogue_read *r, struct catalogue *ret, struct err *err)
{
    clean(&r->out);
    if (r->out.n == 0 && r->out.rates_n == 0)
        return err_set(err, -ENOENT, "the price list has no shape of %s %s",
                       r->spec->provider ? r->spec->provider : "any provider",
                       r->spec->region ? r->spec->region : "in any region");
    if (!*r->out.currency)
        return err_set(err, -EINVAL, "the price list says no currency");
    *ret = r->out;
    r->out = (struct catalogue){0};
    return 0;
}

int catalogue_read_all(struct slice list, const struct catalogue_spec *spec, struct catalogue *ret,
                       struct err *err)
{
    auto_catalogue_read struct catalogue_read *r = NULL;
    int rc = catalogue_read_new(spec, &r, err);

    if (rc == 0)
        rc = catalogue_read_feed(r, list, err);
    if (rc == 0)
        rc = catalogue_read_file_end(r, err);
    return rc < 0 ? rc : catalogue_read_take(r, ret, err);
}
