/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of map pages share: units that could exist, and the plainest model of a page. */
#ifndef GODWIT_TESTS_PAGE_FIXTURE_H
#define GODWIT_TESTS_PAGE_FIXTURE_H

#include "tests/vault_fixture.h"

#include "base/gw.h"
#include "transport/codec.h"
#include "transport/page_impl.h"
#include "transport/pagedir.h"
#include "transport/unittab.h"

enum { SECTOR = 4096, REGION = 7 };

/* A unit that could exist; nothing fetches it. */
static inline struct unit made_up(uint64_t n, uint32_t sectors, enum unit_kind kind)
{
    struct unit u = {.offset = (uint32_t)(PACK_HEADER_LEN + n % 1000),
                     .raw_len = sectors * SECTOR,
                     .stored_len = sectors * SECTOR + SEAL_TAG_LEN,
                     .segment = (uint32_t)(n % 5000),
                     .codec = CODEC_RAW,
                     .kind = (uint8_t)kind};

    fixture_noise(n / 50, u.pack, sizeof(u.pack)); /* fifty units a pack */
    fixture_noise(n / 50 + 1, u.salt, sizeof(u.salt));
    fixture_noise(n, u.id, sizeof(u.id));
    return u;
}

static inline void expect_damaged(int rc, const struct err *err)
{
    assert_int_equal(-EBADMSG, rc);
    assert_int_equal(GW_VAULT_DAMAGED, err->gw);
}

/* ---- against a model ------------------------------------------------------- */

/* What a page should say, in the plainest form. */
struct model {
    uint32_t sectors;
    bool zero[PAGE_SECTORS_MAX];
    uint64_t unit[PAGE_SECTORS_MAX];
    uint32_t inside[PAGE_SECTORS_MAX];
};

static inline void model_check(const struct model *m, const struct page *p)
{
    struct page_extent e;
    uint32_t s = 0;

    assert_int_equal(m->sectors, page_sectors(p));
    while (page_extent(p, s, &e)) {
        assert_int_equal(s, e.first);
        assert_in_range(e.count, 1, m->sectors - s);
        for (uint32_t i = 0; i < e.count; i++) {
            assert_int_equal(m->zero[s + i], e.zero);
            if (e.zero)
                continue;
            assert_int_equal(m->inside[s + i], e.unit_first + i);
            if (i == 0) {
                struct unit u = made_up(m->unit[s], e.unit.raw_len / SECTOR, UNIT_DATA);

                assert_memory_equal(&u, &e.unit, sizeof(u));
            }
            assert_int_equal(m->unit[s], m->unit[s + i]);
        }
        s += e.count;
    }
    assert_int_equal(m->sectors, s);
}

static inline uint32_t below(uint64_t *rnd, uint64_t n)
{
    return (uint32_t)(fixture_random(rnd) % n);
}

/* The length of a made-up unit follows from its number, so that the model can make it up again. */
static inline uint32_t sectors_of_unit(uint64_t n)
{
    return (uint32_t)(n % UNIT_SECTORS_MAX) + 1;
}

static inline void step_unit(struct model *m, struct page *p, uint64_t *rnd, uint64_t units)
{
    uint64_t n = below(rnd, units);
    uint32_t sectors = sectors_of_unit(n);
    struct unit u = made_up(n, sectors, UNIT_DATA);
    uint32_t inside = below(rnd, sectors);
    uint32_t count = 1 + below(rnd, sectors - inside);
    uint32_t first = below(rnd, m->sectors);

    if (count > m->sectors - first)
        count = m->sectors - first;
    assert_ok(page_set_unit(p, first, count, &u, inside, NULL));
    for (uint32_t i = 0; i < count; i++) {
        m->zero[first + i] = false;
        m->unit[first + i] = n;
        m->inside[first + i] = inside + i;
    }
}

static inline void step_zero(struct model *m, struct page *p, uint64_t *rnd)
{
    uint32_t first = below(rnd, m->sectors);
    uint32_t count = below(rnd, m->sectors - first < 200 ? m->sectors - first + 1 : 200);

    page_set_zero(p, first, count);
    memset(m->zero + first, true, count);
}

static inline void step_resize(struct model *m, struct page *p, uint64_t *rnd)
{
    uint32_t sectors = 1 + below(rnd, PAGE_SECTORS_MAX);

    assert_ok(page_resize(p, sectors, NULL));
    for (uint32_t s = m->sectors; s < sectors; s++)
        m->zero[s] = true;
    m->sectors = sectors;
}

/* A small page with two units. */
static inline void small_page(struct buf *raw)
{
    auto_page struct page *p = NULL;
    struct unit a = made_up(1, 8, UNIT_DATA);
    struct unit b = made_up(200, 8, UNIT_DATA);

    assert_ok(page_new(REGION, 100, &p, NULL));
    assert_ok(page_set_unit(p, 3, 8, &a, 0, NULL));
    assert_ok(page_set_unit(p, 20, 4, &b, 2, NULL));
    assert_ok(page_set_unit(p, 60, 4, &a, 4, NULL));
    assert_ok(page_encode(p, raw, NULL));
}

#endif
