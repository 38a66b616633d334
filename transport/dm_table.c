/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing tables of device-mapper, and going up through them. Documentation/admin-guide/
 * device-mapper/linear.rst and striped.rst of Linux have the targets. */
#include "transport/dm_table.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum { STRIPES_MAX = 64, FIRST_WORD = 3 };

struct target {
    uint64_t start;
    uint64_t sectors;
    char *const *words; /* of its own, after its name */
    size_t n;
};

static int number(const char *text, uint64_t *ret)
{
    return num_parse_u64(text, 0, INT64_MAX, ret, NULL) < 0 ? -EBADMSG : 0;
}

static int add_piece(struct dm_table *t, struct dm_piece piece, const char *device, const char *at)
{
    auto_vec char **numbers = NULL;
    uint64_t major_n = 0;
    uint64_t minor_n = 0;
    int rc = text_split(device, ":", &numbers, NULL);

    if (rc == 0 && (!numbers || text_vec_len(numbers) != 2))
        rc = -EBADMSG;
    if (rc == 0)
        rc = number(numbers[0], &major_n);
    if (rc == 0)
        rc = number(numbers[1], &minor_n);
    if (rc == 0)
        rc = number(at, &piece.at);
    if (rc < 0)
        return rc;
    if (t->n == DM_TABLE_PIECES_MAX)
        return -EOPNOTSUPP;
    piece.major = (unsigned)major_n;
    piece.minor = (unsigned)minor_n;
    t->pieces[t->n++] = piece;
    return 0;
}

/* DEVICE OFFSET */
static int add_linear(struct dm_table *t, const struct target *x)
{
    struct dm_piece piece = {
        .start = x->start, .sectors = x->sectors, .chunk = x->sectors, .stripes = 1};

    return x->n == 2 ? add_piece(t, piece, x->words[0], x->words[1]) : -EBADMSG;
}

/* STRIPES CHUNK [DEVICE OFFSET]... */
static int add_striped(struct dm_table *t, const struct target *x)
{
    uint64_t stripes = 0;
    uint64_t chunk = 0;
    int rc = x->n < 2 ? -EBADMSG : number(x->words[0], &stripes);

    if (rc == 0)
        rc = number(x->words[1], &chunk);
    if (rc == 0 && (stripes == 0 || stripes > STRIPES_MAX || chunk == 0 ||
                    x->n != 2 + 2 * stripes || x->sectors % stripes != 0))
        rc = -EBADMSG;
    for (unsigned i = 0; rc == 0 && i < stripes; i++) {
        struct dm_piece piece = {.start = x->start,
                                 .sectors = x->sectors / stripes,
                                 .chunk = chunk,
                                 .stripe = i,
                                 .stripes = (unsigned)stripes};

        rc = add_piece(t, piece, x->words[2 + (size_t)2 * i], x->words[3 + (size_t)2 * i]);
    }
    return rc;
}

static int add_target(struct dm_table *t, char *const *words, size_t n, const char **ret_name)
{
    struct target x = {.words = words + FIRST_WORD};
    int rc = n < FIRST_WORD ? -EBADMSG : number(words[0], &x.start);

    if (rc == 0)
        rc = number(words[1], &x.sectors);
    if (rc < 0)
        return rc;
    x.n = n - FIRST_WORD;
    *ret_name = words[2];
    if (x.start != t->sectors || x.sectors == 0 || !num_add(x.start, x.sectors, &t->sectors))
        return -EBADMSG;
    if (text_equal(words[2], "linear"))
        return add_linear(t, &x);
    if (text_equal(words[2], "striped"))
        return add_striped(t, &x);
    return -EOPNOTSUPP;
}

int dm_table_parse(const char *text, struct dm_table *ret, struct err *err)
{
    auto_vec char **lines = NULL;
    int rc = text_split(text, "\n", &lines, err);

    if (rc < 0)
        return rc;
    *ret = (struct dm_table){0};
    for (size_t i = 0; lines && i < text_vec_len(lines); i++) {
        auto_vec char **words = NULL;
        const char *name = "?";

        rc = text_split(lines[i], " ", &words, err);
        if (rc == 0)
            rc = words ? add_target(ret, words, text_vec_len(words), &name) : -EBADMSG;
        if (rc == -EOPNOTSUPP)
            return err_set(err, rc,
                           "changes cannot be followed through a device-mapper target '%s'", name);
        if (rc < 0)
            return err_set(err, rc, "device-mapper table, line %zu: %m", i + 1);
    }
    return ret->n > 0 ? 0 : err_set(err, -EBADMSG, "the device-mapper table is empty");
}

int dm_table_run(const struct dm_table *t, struct dm_piece *ret, struct err *err)
{
    struct dm_piece run = t->pieces[0];

    for (size_t i = 0; i < t->n; i++) {
        const struct dm_piece *p = &t->pieces[i];

        if (p->stripes != 1 || p->major != run.major || p->minor != run.minor ||
            p->at != run.at + p->start)
            return err_set(err, -EOPNOTSUPP, "it lies in %zu pieces, and only one can be tracked",
                           t->n);
    }
    run.sectors = t->sectors;
    run.chunk = t->sectors;
    *ret = run;
    return 0;
}

void dm_table_above(const struct dm_piece *piece, uint64_t at, uint64_t sectors, dm_table_fn fn,
                    void *arg)
{
    uint64_t from = num_max(at, piece->at);
    uint64_t end = num_min(at + sectors, piece->at + piece->sectors);

    while (from < end) {
        uint64_t own = from - piece->at; /* in its piece */
        uint64_t chunk = own / piece->chunk;
        uint64_t in_chunk = own % piece->chunk;
        uint64_t n = num_min(end - from, piece->chunk - in_chunk);

        fn(arg, piece->start + (chunk * piece->stripes + piece->stripe) * piece->chunk + in_chunk,
           n);
        from += n;
    }
}
